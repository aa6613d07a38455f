"""The setting of a proxy beside a program: a rule for the AWS calls of the program."""

from __future__ import annotations

from gameday.aws.proxy_client import GONE, PROXY, is_loopback
from gameday.change import Call, Json, PlannedFault, Probe, Read, Setting, Shape
from gameday.errors import AwsError
from gameday.faults.fault import FaultContext, call, effect, staged
from gameday.sdk.rule import Rule

AT = "http://127.0.0.1:4577"
"""The default address of `gameday proxy`."""

_PLACE: dict[str, Json] = {"Url": {"$": "args.url"}, "Name": {"$": "args.name"}}

RULE = Setting(
    name="proxy.rule",
    about="a rule of a proxy for a program's AWS calls (gameday proxy)",
    shape=Shape.SCALAR,
    read=Read(call=Call(service=PROXY, operation="get_rule", params=_PLACE), rows="[{value: Rule}]", plural=False),
    write=Call(service=PROXY, operation="put_rule", params={**_PLACE, "Rule": {"$": "value"}}),
    clear=Call(service=PROXY, operation="delete_rule", params=_PLACE),
    gone=(GONE,),
)


def ruled(context: FaultContext, rule: Rule, url: str, fault: str, module: str | None) -> PlannedFault:
    """Plan the fault that puts a rule into a proxy; reads only. Raises AwsError."""
    name = f"gameday-{rule.kind}-{rule.service}{f'-{rule.operation}' if rule.operation else ''}"
    args: dict[str, Json] = {"url": url, "name": name}
    reasons = [] if is_loopback(url) else [f"{url} is not the URL of a proxy on this machine"]
    if not reasons:
        try:
            context.account.call(call(PROXY, "get_rule", Url=url, Name=name), context.region)
        except AwsError as error:
            start = ": start one (gameday proxy), and point the program at it" if error.code == GONE else ""
            reasons.append(f"{error.message}{start}")
    key = f"{url}#{name}"
    wanted = rule.model_dump(mode="json", exclude_defaults=True)
    changes = [] if reasons else context.changes(RULE, {key: wanted}, {key: args})
    if not changes and not reasons:
        reasons.append(f"the proxy at {url} already has this rule")
    hits = Probe(
        call=call(PROXY, "get_rule", Url=url, Name=name),
        holds="answer.Hit > `0`",
        about=f"the proxy at {url} has hit a request",
    )
    return PlannedFault(
        fault=fault,
        label=f"{rule} at the proxy {url}",
        stages=staged([change.model_copy(update={"module": module}) for change in changes]),
        effect=effect("the proxy counts requests that it hit", (hits,)),
        hits={module: rule.share} if module else {},
        refusals=tuple(reasons),
    )
