"""oslo.policy itself, asked for one case a line of standard input, answering with one line each.

A case is an object of `rules` (texts and lists by name), `ask` (the name of one, or a rule as text), `credentials`,
`target` and perhaps `default`. The answer is an object of `canonical`, the printed form of each rule, and `answer`:
`allow`, `deny`, or `raises:` and the class of the exception. Servers are not asked: that is `raises:AskedServer`.
"""

import json
import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from oslo_config import cfg  # noqa: E402
from oslo_policy import _external, _parser, policy  # noqa: E402


class AskedServer(Exception):
    pass


def ask_server(self, target, creds, enforcer, current_rule=None):
    raise AskedServer()


_external.HttpCheck.__call__ = ask_server
_external.HttpsCheck.__call__ = ask_server

conf = cfg.ConfigOpts()
conf([], project="oslo-policy")
enforcer = policy.Enforcer(conf, use_conf=False)


def decide(case, rules):
    enforcer.default_rule = case.get("default", "default")
    enforcer.set_rules(rules, use_conf=False)
    question = case["ask"]
    question = question["name"] if "name" in question else _parser.parse_rule(question["check"])
    try:
        return "allow" if enforcer.enforce(question, case["target"], case["credentials"]) else "deny"
    except Exception as error:
        # Whoever looks at a function's arguments when the stack is full says TypeError.
        name = type(error.__cause__ or error).__name__
        return "raises:" + ("RecursionError" if name == "RecursionError" else type(error).__name__)


for line in sys.stdin:
    case = json.loads(line)
    rules = {name: _parser.parse_rule(rule) for name, rule in case["rules"].items()}
    canonical = {name: str(rule) for name, rule in rules.items()}
    print(json.dumps({"canonical": canonical, "answer": decide(case, rules)}), flush=False)
