"""Keystone's own engine, asked for one case a line of standard input, answering with one line each.

A case is an object of `document` (with its schema_version) and `assertion`. The answer is an object of `valid`, and for
a valid document of `result`, or of `error`: the name of Keystone's exception, or `uncaught:` and the name of another.
"""

import json
import re
import sys
import warnings

warnings.simplefilter("ignore")

import keystone.conf  # noqa: E402
from keystone import exception  # noqa: E402
from keystone.common import utils as common  # noqa: E402
from keystone.federation import utils as federation  # noqa: E402


class OrderedSet(dict):
    """A set in the order of what was put in. Python's have none, so any order is as good as another."""

    def __init__(self, items=()):
        super().__init__((item, None) for item in items)

    def add(self, item):
        self.setdefault(item)

    def update(self, items):
        for item in items:
            self.setdefault(item)

    def intersection(self, other):
        return OrderedSet(item for item in other if item in self)

    def difference(self, other):
        return OrderedSet(item for item in self if item not in other)


federation.set = OrderedSet


def kind(error):
    name = "error" if isinstance(error, re.error) else type(error).__name__
    return name if isinstance(error, exception.Error) else "uncaught:" + name


def plain(value):
    """As JSON can say it, and JavaScript can read it back."""
    if isinstance(value, dict):
        return {
            name if isinstance(name, str) else json.dumps(plain(name), separators=(",", ":")): plain(item)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, int) and abs(value) >= 2**53:
        return str(value)
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return {"python": repr(value)}


def map_attributes(document, assertion):
    try:
        federation.validate_mapping_structure(document)
    except Exception:
        return {"valid": False}
    try:
        processor = federation.create_attribute_mapping_rules_processor({"id": "m", **document})
        return {"valid": True, "result": plain(processor.process(assertion))}
    except Exception as error:
        return {"valid": True, "error": kind(error)}


def attributes_of(pem):
    """The attributes of OAuth2 with mutual TLS, and the thumbprint that goes into the token."""
    try:
        names = (("SUBJECT", common.get_certificate_subject_dn(pem)), ("ISSUER", common.get_certificate_issuer_dn(pem)))
    except exception.ValidationError as error:
        return {"error": kind(error)}
    attributes = {f"SSL_CLIENT_{who}_DN_{key.upper()}": value for who, name in names for key, value in name.items()}
    return {"attributes": attributes, "thumbprint": common.get_certificate_thumbprint(pem)}


keystone.conf.configure()
for line in sys.stdin:
    case = json.loads(line)
    answer = attributes_of(case["pem"]) if "pem" in case else map_attributes(case["document"], case["assertion"])
    print(json.dumps(answer), flush=True)
