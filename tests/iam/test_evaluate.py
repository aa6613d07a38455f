"""What IAM would say, by its documentation: a table of cases, and laws that hold for any policies."""

from __future__ import annotations

from typing import Any

import pytest
from gameday.errors import GamedayError
from gameday.iam.conditions import met
from gameday.iam.evaluate import AccessRequest, Decision, decide
from gameday.iam.patterns import arn_like, like, with_variables
from hypothesis import given
from hypothesis import strategies as st

ARN = "arn:aws:ec2:us-east-1:111122223333:instance/i-1"
REGION, TEAM = "aws:RequestedRegion", "aws:ResourceTag/team"
STOP = AccessRequest("ec2:StopInstances", ARN, {REGION: "us-east-1", TEAM: "web"})


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any = "*", resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **_when(condition)}


def deny(action: Any = "*", resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **_when(condition)}


def _when(condition: Any) -> dict[str, Any]:
    return {"Condition": condition} if condition else {}


A, N, D = Decision.ALLOWED, Decision.NOT_ALLOWED, Decision.DENIED

STATEMENTS = [
    ("nothing allows", [], N),
    ("the action by name", [allow("ec2:StopInstances")], A),
    ("an action's case means nothing", [allow("EC2:stopinstances")], A),
    ("a wildcard in the action", [allow("ec2:Stop*")], A),
    ("one character in the action", [allow("ec2:Sto?Instances")], A),
    ("another action", [allow("ec2:StartInstances")], N),
    ("one of several actions", [allow(["ec2:StartInstances", "ec2:StopInstances"])], A),
    ("another service's wildcard", [allow("s3:*")], N),
    ("the resource by name", [allow("ec2:StopInstances", ARN)], A),
    ("another resource", [allow("ec2:StopInstances", ARN + "2")], N),
    ("a resource's case counts", [allow("ec2:StopInstances", ARN.replace("i-1", "I-1"))], N),
    ("a wildcard in the resource", [allow("ec2:StopInstances", "arn:aws:ec2:*:*:instance/*")], A),
    ("another region's resources", [allow("ec2:StopInstances", "arn:aws:ec2:eu-west-1:*:instance/*")], N),
    ("a wildcard stays within its part", [allow("ec2:StopInstances", "arn:aws:ec2:*:instance/*")], N),
    ("a pattern that ends early", [allow("ec2:StopInstances", "arn:aws:ec2:*")], A),
    ("a Deny wins, in any order", [deny("ec2:StopInstances"), allow()], D),
    ("a Deny of another resource", [allow(), deny("ec2:*", ARN + "2")], A),
    ("a Deny whose condition is not met", [allow(), deny(StringEquals={"aws:RequestedRegion": "eu-west-1"})], A),
    ("a Deny whose condition is met", [allow(), deny(StringNotEquals={"aws:RequestedRegion": "eu-west-1"})], D),
    ("all but another action", [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], A),
    ("all but this action", [{"Effect": "Allow", "NotAction": ["ec2:Stop*"], "Resource": "*"}], N),
    ("deny all but some actions", [allow(), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}], D),
    ("all but this resource", [{"Effect": "Allow", "Action": "*", "NotResource": [ARN]}], N),
    ("all but another resource", [{"Effect": "Allow", "Action": "*", "NotResource": ARN + "2"}], A),
    ("two conditions, both met", [allow(StringEquals={REGION: "us-east-1", TEAM: "web"})], A),
    ("two conditions, one met", [allow(StringEquals={REGION: "us-east-1", TEAM: "db"})], N),
    ("a variable", [allow(resource="arn:aws:ec2:${aws:RequestedRegion}:*:instance/*")], A),
    ("a variable that stands for nothing", [allow(resource="arn:aws:ec2:${aws:username}:*:instance/*")], N),
    ("a variable with a default", [allow(resource="arn:aws:ec2:${aws:x, 'us-east-1'}:*:instance/*")], A),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statements", "decision"), [case[1:] for case in STATEMENTS], ids=[case[0] for case in STATEMENTS]
)
def test_a_request_is_decided_as_documented(statements: list[Any], decision: Decision) -> None:
    assert decide(STOP, [policy(*statements)]) is decision
    assert decide(STOP, [policy(one) for one in statements]) is decision


LAYERS = [
    ("no session, no boundary", None, None, A),
    ("a session that allows it too", allow("ec2:*"), None, A),
    ("a session that does not", allow("s3:*"), None, N),
    ("a boundary that allows it too", None, allow("ec2:*"), A),
    ("a boundary that does not", None, allow("s3:*"), N),
    ("a session that denies", deny(), allow(), D),
    ("a boundary that denies", allow(), deny("ec2:Stop*"), D),
    ("a boundary that does not, a session that denies", deny(), allow("s3:*"), D),
]


@pytest.mark.parametrize(
    ("session", "boundary", "decision"), [case[1:] for case in LAYERS], ids=[case[0] for case in LAYERS]
)
def test_session_and_boundary_must_allow_it_too(session: Any, boundary: Any, decision: Decision) -> None:
    found = decide(
        STOP,
        [policy(allow("ec2:*"))],
        session=[policy(session)] if session else (),
        boundary=policy(boundary) if boundary else None,
    )
    assert found is decision


def test_a_session_or_a_boundary_alone_grants_nothing() -> None:
    assert decide(STOP, [], session=[policy(allow())], boundary=policy(allow())) is N


CONTEXT = {"one": "Web", "many": ["a", "b"], "aws:ResourceTag/Team": "web", "flag": "true", "arn": ARN}
CONDITIONS = [
    ("StringEquals", "one", "Web", True),
    ("StringEquals", "one", "web", False),
    ("StringEquals", "ONE", "Web", True),  # a key's case means nothing, nor does that of a tag's name in it
    ("StringEquals", "AWS:resourcetag/team", "web", True),
    ("StringEquals", "one", ["x", "Web"], True),
    ("StringEquals", "one", "W*", False),
    ("StringEquals", "missing", "x", False),
    ("StringEqualsIfExists", "missing", "x", True),
    ("StringEqualsIfExists", "one", "x", False),
    ("StringEqualsIgnoreCase", "one", "WEB", True),
    ("StringNotEquals", "one", "x", True),
    ("StringNotEquals", "one", ["x", "Web"], False),
    ("StringNotEquals", "missing", "x", True),
    ("StringLike", "one", "W?b", True),
    ("StringLike", "one", "w*", False),
    ("StringLike", "missing", "*", False),
    ("StringNotLike", "one", "W*", False),
    ("StringNotLike", "missing", "*", True),
    ("Bool", "flag", "true", True),
    ("Bool", "flag", True, True),
    ("Bool", "flag", False, False),
    ("Null", "missing", "true", True),
    ("Null", "missing", "false", False),
    ("Null", "one", False, True),
    ("Null", "one", "true", False),
    ("ArnLike", "arn", "arn:aws:ec2:*:*:instance/*", True),
    ("ArnEquals", "arn", "arn:aws:ec2:*:instance/*", False),
    ("ArnNotLike", "arn", "arn:aws:ec2:*:*:volume/*", True),
    ("ForAllValues:StringEquals", "many", ["a", "b", "c"], True),
    ("ForAllValues:StringEquals", "many", ["a"], False),
    ("ForAllValues:StringEquals", "missing", ["a"], True),
    ("ForAnyValue:StringEquals", "many", ["b", "z"], True),
    ("ForAnyValue:StringEquals", "many", ["z"], False),
    ("ForAnyValue:StringEquals", "missing", ["a"], False),
    ("ForAnyValue:StringLike", "many", ["B*", "a*"], True),
    ("ForAllValues:StringNotEquals", "many", ["z"], True),
    ("ForAllValues:StringNotEquals", "many", ["a"], False),
    ("ForAnyValue:StringNotEquals", "many", ["a"], True),
]


@pytest.mark.parametrize(("operator", "key", "asked", "is_met"), CONDITIONS)
def test_a_condition_is_met_as_documented(operator: str, key: str, asked: Any, is_met: bool) -> None:
    assert met({operator: {key: asked}}, CONTEXT) is is_met


UNJUDGED = [
    ("an operator that is not known", policy(allow(IpAddress={"aws:SourceIp": "10.0.0.0/8"}))),
    ("a set operator that is none", policy(allow(**{"ForSomeValues:StringEquals": {"one": "x"}}))),
    ("a resource's policy", policy({**allow(), "Principal": "*"})),
    ("an old version", {**policy(allow()), "Version": "2008-10-17"}),
    ("no version", {"Statement": [allow()]}),
    ("an effect of its own", policy({**allow(), "Effect": "allow"})),
    ("an action and its opposite", policy({**allow(), "NotAction": "s3:*"})),
    ("no resource", policy({"Effect": "Allow", "Action": "*"})),
]


@pytest.mark.parametrize("document", [case[1] for case in UNJUDGED], ids=[case[0] for case in UNJUDGED])
def test_what_cannot_be_judged_is_an_error_not_a_guess(document: Any) -> None:
    with pytest.raises(GamedayError):
        decide(STOP, [document])


def test_wildcards_that_come_from_a_variable_mean_nothing() -> None:
    pattern = with_variables("arn:aws:s3:::${aws:username}/*", {"aws:username": "*"})
    assert pattern is not None
    assert not arn_like(pattern, "arn:aws:s3:::anybody/x")
    assert arn_like(pattern, "arn:aws:s3:::*/x")
    assert not like(str(with_variables("${*}", {})), "any")
    assert like(str(with_variables("${*}", {})), "*")
    assert met({"StringEquals": {"one": "${two}"}}, {"one": "*", "two": "*"})


TEXTS = st.text("ab:/*?", max_size=8)
STATEMENT = st.builds(
    lambda effect, actions, resources: {"Effect": effect, "Action": actions, "Resource": resources},
    st.sampled_from(["Allow", "Deny"]),
    st.lists(st.sampled_from(["ec2:*", "ec2:Stop*", "*", "s3:Get*"]), min_size=1, max_size=2),
    st.lists(st.sampled_from(["*", ARN, "arn:aws:ec2:*:*:volume/*"]), min_size=1, max_size=2),
)
POLICIES = st.lists(st.builds(policy, STATEMENT, STATEMENT), max_size=3)


@given(POLICIES, POLICIES)
def test_added_deny_never_allows_and_added_allow_lifts_no_deny(some: Any, more: Any) -> None:
    decision = decide(STOP, some)
    assert decide(STOP, [*some, policy(deny())]) is D
    if decision is D:
        assert decide(STOP, [*some, *more]) is D
    if decision is not A:
        assert decide(STOP, some, session=[policy(allow())], boundary=policy(allow())) is decision


@given(POLICIES, POLICIES)
def test_a_session_never_allows_more_than_both(some: Any, more: Any) -> None:
    allowed = decide(STOP, some, session=more or [policy()]) is A
    assert allowed == (decide(STOP, some) is A and decide(STOP, more) is A)


@given(POLICIES)
def test_the_order_of_policies_means_nothing(some: Any) -> None:
    assert decide(STOP, some) is decide(STOP, some[::-1])


@given(TEXTS, TEXTS)
def test_a_text_is_like_itself_and_like_a_star(text: str, other: str) -> None:
    assert like("*", text)
    assert like(text, text)
    assert like(f"{text}*", f"{text}{other}")
    assert like(f"*{other}", f"{text}{other}")
