"""The HTTP API of a running proxy: its rules, read and changed while it runs. No bucket can have this path's name.

    GET    /_gameday/rules         the rules in order, with what each has met and hit, and how many requests passed
    PUT    /_gameday/rules/NAME    a rule as JSON; a new one comes before all others, one of that name is replaced
    DELETE /_gameday/rules/NAME    takes it away; 404 where there is none

A rule as JSON has what it has in a rules file, and its kind: {"kind": "throttle", "service": "dynamodb", "share":
"50%"}. A wrong one is answered with 400 and `errors`, and changes nothing.
"""

from __future__ import annotations

import json
import re

from pydantic import ValidationError

from gameday.sdk.proxy.rules import Rules
from gameday.sdk.rule import Rule, in_words

PREFIX = "/_gameday/"

_NAME = re.compile(r"/_gameday/rules/([A-Za-z0-9._-]{1,100})")

Answered = tuple[int, str, bytes]


def answer(rules: Rules, method: str, target: str, body: bytes) -> Answered:
    """Status, reason and JSON for a request to the API."""
    if method == "GET" and target == "/_gameday/rules":
        return _json(200, "OK", rules.told())
    if method in ("PUT", "DELETE") and (named := _NAME.fullmatch(target)):
        return _put(rules, named[1], body) if method == "PUT" else _delete(rules, named[1])
    return _wrong(404, "Not Found", "there are: GET /_gameday/rules, PUT and DELETE /_gameday/rules/NAME")


def _put(rules: Rules, name: str, body: bytes) -> Answered:
    try:
        rules.put(name, Rule.model_validate_json(body))
    except ValidationError as wrong:
        return _wrong(400, "Bad Request", *in_words(wrong))
    return _json(200, "OK", rules.told())


def _delete(rules: Rules, name: str) -> Answered:
    if rules.drop(name):
        return _json(200, "OK", rules.told())
    return _wrong(404, "Not Found", f"there is no rule {name}")


def _wrong(status: int, reason: str, *errors: str) -> Answered:
    return _json(status, reason, {"errors": errors})


def _json(status: int, reason: str, said: object) -> Answered:
    return status, reason, f"{json.dumps(said)}\n".encode()
