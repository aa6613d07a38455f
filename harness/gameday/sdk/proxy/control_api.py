"""The HTTP API of a running proxy, which reads and changes its rules. No bucket can have the name of this path.

    GET    /_gameday/rules         lists the rules in order, with their counts, and how many requests passed
    PUT    /_gameday/rules/NAME    puts a rule as JSON: a new name before all others, a known name in place
    DELETE /_gameday/rules/NAME    removes the rule; 404 where there is none

A rule as JSON has the keys of a rules file, and its kind: {"kind": "throttle", "service": "dynamodb", "share": "50%"}.
A wrong rule changes nothing: the API answers 400 and `errors`.
"""

from __future__ import annotations

import json
import re

from pydantic import ValidationError

from gameday.sdk.proxy.rules import Rules
from gameday.sdk.rule import MOST_RULES, Rule, in_words

PREFIX = "/_gameday/"

_NAME = re.compile(r"/_gameday/rules/([A-Za-z0-9._-]{1,100})")

Answer = tuple[int, str, bytes]


def answer(rules: Rules, method: str, target: str, body: bytes) -> Answer:
    """Answer a request to the API with status, reason and JSON."""
    if method == "GET" and target == "/_gameday/rules":
        return _json(200, "OK", rules.state())
    if method in ("PUT", "DELETE") and (named := _NAME.fullmatch(target)):
        return _put(rules, named[1], body) if method == "PUT" else _delete(rules, named[1])
    return _wrong(404, "Not Found", "use GET /_gameday/rules, PUT or DELETE /_gameday/rules/NAME")


def _put(rules: Rules, name: str, body: bytes) -> Answer:
    if len(rules.named) >= MOST_RULES and not any(named.name == name for named in rules.named):
        return _wrong(400, "Bad Request", f"the proxy has {MOST_RULES} rules: delete one first")
    try:
        rules.put(name, Rule.model_validate_json(body))
    except ValidationError as wrong:
        return _wrong(400, "Bad Request", *in_words(wrong))
    return _json(200, "OK", rules.state())


def _delete(rules: Rules, name: str) -> Answer:
    if rules.drop(name):
        return _json(200, "OK", rules.state())
    return _wrong(404, "Not Found", f"there is no rule {name}: GET /_gameday/rules lists the names")


def _wrong(status: int, reason: str, *errors: str) -> Answer:
    return _json(status, reason, {"errors": errors})


def _json(status: int, reason: str, content: object) -> Answer:
    return status, reason, f"{json.dumps(content)}\n".encode()
