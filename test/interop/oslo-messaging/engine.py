"""oslo.messaging itself: its driver writes messages, and reads ours.

Standard input is one JSON object: `cast` and `notify`, lists of what to send, and `read`, a list of texts as they go over
the wire. The answer has for each: what the driver sent, under which routing key; and for each text the message that the
driver reads from it, and the text that it writes for the same message.
"""

import contextlib
import json
import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from kombu.utils import json as kombu_json  # noqa: E402
from oslo_config import cfg  # noqa: E402
import oslo_messaging  # noqa: E402
from oslo_messaging._drivers import common  # noqa: E402


class Wire:
    """Keeps what a driver would put on the wire."""

    def __init__(self):
        self.sent = []

    def _keep(self, topic, msg):
        self.sent.append({"topic": topic, "text": kombu_json.dumps(msg)})

    def topic_send(self, exchange_name, topic, msg, **_others):
        self._keep(topic, msg)

    def fanout_send(self, topic, msg, **_others):
        self._keep(topic, msg)

    def notify_send(self, exchange_name, topic, msg, **_others):
        self._keep(topic, msg)


def on(transport, wire):
    transport._driver._get_connection = lambda *_: contextlib.nullcontext(wire)
    return transport


def main():
    asked = json.load(sys.stdin)
    conf = cfg.CONF
    conf([])
    wire = Wire()
    rpc = on(oslo_messaging.get_rpc_transport(conf, url="rabbit://"), wire)
    for cast in asked["cast"]:
        target = oslo_messaging.Target(**cast["target"])
        client = oslo_messaging.get_rpc_client(rpc, target)
        client.cast(cast["context"], cast["method"], **cast["args"])
    for notify in asked["notify"]:
        transport = on(oslo_messaging.get_notification_transport(conf, url="rabbit://"), wire)
        notifier = oslo_messaging.Notifier(
            transport, notify["publisher_id"], driver="messagingv2", topics=["notifications"]
        )
        getattr(notifier, notify["priority"].lower())(notify["context"], notify["event_type"], notify["payload"])
    read = []
    for text in asked["read"]:
        message = common.deserialize_msg(json.loads(text))
        read.append({"message": message, "text": kombu_json.dumps(common.serialize_msg(message))})
    json.dump({"sent": wire.sent, "read": read}, sys.stdout)


main()
