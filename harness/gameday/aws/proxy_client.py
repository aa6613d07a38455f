"""The client of a proxy beside a program (`gameday proxy`): it reads and writes the proxy's rules as calls.

The service `gameday-proxy` has get_rule, put_rule and delete_rule, each with the proxy's URL and a rule's name. The
proxy keeps its rules only in memory, so a proxy that has ended has none: `ProxyGone`.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation
from gameday.change import Call, Json
from gameday.errors import UNEXPECTED_ANSWER, AwsError, InvalidInput, Unreachable

PROXY = "gameday-proxy"
GONE = "ProxyGone"
TIMEOUT = 5.0
"""Seconds for one answer of the proxy, which is on the same machine."""

_METHODS = {"get_rule": "GET", "put_rule": "PUT", "delete_rule": "DELETE"}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine, as the URL of every proxy does."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def ask_proxy(call: Call) -> Json:
    """Send a call to the proxy; return the named rule as {"Rule": …, "Hit": …}, with null where it has none.

    Raises InvalidInput for the URL of another machine, AwsError, and Unreachable where the call may have happened.
    """
    url, name = str(call.params["Url"]), str(call.params["Name"])
    if not is_loopback(url):
        raise InvalidInput(
            f"{url} is not the URL of a proxy on this machine",
            "give a URL like http://127.0.0.1:4577",
            gd_code="GD-E118",
        )
    rule = next((rule for rule in _rules(call, url, name) if rule["name"] == name), None)
    return {"Rule": rule["rule"] if rule else None, "Hit": rule["hit"] if rule else None}


class _ProxyRule(TypedDict):
    """A rule as the proxy shows it, and how many requests it hit."""

    name: str
    rule: Json
    hit: int


class _ProxyAnswer(TypedDict, total=False):
    """The proxy's rules, or what is wrong with the call."""

    rules: list[_ProxyRule]
    errors: list[str]


_OPERATIONS = {name: Operation(PROXY, name, _ProxyAnswer) for name in _METHODS}


def _rules(call: Call, url: str, name: str) -> list[_ProxyRule]:
    method = _METHODS[call.operation]
    path = "/_gameday/rules" if method == "GET" else f"/_gameday/rules/{quote(name, safe='')}"
    connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    try:
        connection.request(method, path, json.dumps(call.params.get("Rule")) if method == "PUT" else None)
        answer = connection.getresponse()
        body = _OPERATIONS[call.operation].typed(json.loads(answer.read()))
    except ConnectionRefusedError as error:
        raise AwsError(PROXY, call.operation, GONE, f"no proxy listens at {url}") from error
    except AwsError:
        raise
    except Exception as error:
        raise Unreachable(PROXY, call.operation, type(error).__name__, f"{url}: {error}") from error
    finally:
        connection.close()
    if method == "DELETE" and answer.status == 404:
        return []  # taken away already
    if answer.status != 200:
        raise AwsError(PROXY, call.operation, f"{answer.status}", "; ".join(body.get("errors", ["no reason given"])))
    if "rules" not in body:
        raise Unreachable(PROXY, call.operation, UNEXPECTED_ANSWER, f"{url}: it has no rules")
    return body["rules"]
