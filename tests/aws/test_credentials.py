"""When credentials end and who renews them, by what botocore found; and the guard that compares it with the undo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gameday.aws.client import open_account
from gameday.aws.credentials import Credentials, Profiles, credentials_of
from gameday.engine.undo import PATIENCE
from gameday.plan.guards.context import RunFacts
from gameday.plan.guards.credentials import longest
from gameday.plan.guards.guard import Reasons

from tests.doubles.reasons import NOW, context_of, reasons_of
from tests.report.sample import held

END = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
MFA = {"role_arn": "arn:aws:iam::111122223333:role/ops", "source_profile": "base", "mfa_serial": "arn:…:mfa/ana"}
SSO = {"sso_session": "corp"}


def profiles(cache: Path, **named: Mapping[str, object]) -> Profiles:
    return Profiles(named, "default", cache)


def token(cache: Path, **fields: str) -> None:
    name = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps({"accessToken": "x", **fields}))


@pytest.mark.parametrize(
    ("method", "expiry", "has_token", "expected"),
    [
        ("env", None, False, Credentials("env")),
        ("env", END, True, Credentials("env", END.timestamp(), "nothing", is_temporary=True)),
        ("env", None, True, Credentials("env", None, "nothing", is_temporary=True)),
        ("iam-role", END, True, Credentials("iam-role", END.timestamp(), "itself", is_temporary=True)),
        ("assume-role", END, True, Credentials("assume-role", END.timestamp(), "itself", is_temporary=True)),
    ],
)
def test_credentials_by_how_botocore_found_them(
    method: str, expiry: datetime | None, has_token: bool, expected: Credentials, tmp_path: Path
) -> None:
    assert credentials_of(method, expiry, has_token, profiles(tmp_path, default={})) == expected


def test_role_with_mfa_is_renewed_by_a_person(tmp_path: Path) -> None:
    found = credentials_of("assume-role", END, True, profiles(tmp_path, default=MFA, base={}))
    assert found.renewed_by == "person"
    assert found.sign_until == END.timestamp() - 900  # botocore asks that early


def test_mfa_of_a_source_profile_counts(tmp_path: Path) -> None:
    outer = {"role_arn": "arn:aws:iam::111122223333:role/outer", "source_profile": "inner"}
    chained = profiles(tmp_path, default=outer, inner=MFA, base={"source_profile": "default"})
    assert credentials_of("assume-role", END, True, chained).renewed_by == "person"


def test_sso_ends_with_its_token_unless_it_can_be_refreshed(tmp_path: Path) -> None:
    there = profiles(tmp_path, default=SSO)
    token(tmp_path, expiresAt="2027-01-02T03:04:05Z")
    found = credentials_of("sso", None, True, there)
    assert (found.renewed_by, found.sign_until) == ("person", END.timestamp())
    token(tmp_path, expiresAt="2027-01-02T03:04:05Z", refreshToken="r")
    assert credentials_of("sso", None, True, there).sign_until is None


def reasons(found: Credentials) -> Reasons:
    plan = held().plan.model_copy(update={"place": "aws"})
    return reasons_of("credentials", context_of(plan, facts=replace(RunFacts(), credentials=found)))


@pytest.mark.parametrize(("early", "refused"), [(1.0, True), (-1.0, False)])
def test_credentials_that_end_before_the_undo_refuse(early: float, refused: bool) -> None:
    needed = NOW + longest(held().plan)
    found = reasons(Credentials("env", needed - early, "nothing", is_temporary=True)).refusals
    assert bool(found) is refused
    if found:
        (reason,) = found
        assert reason.code == "GD-P36"
        for moment in (needed - early, needed):
            assert datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") in reason.text


def test_time_to_the_end_of_the_undo_has_all_parts() -> None:
    plan = held().plan
    deadline = max(fault.effect.deadline for fault in plan.planned_faults)
    assert longest(plan) == plan.experiment.baseline + deadline + plan.experiment.lasts + PATIENCE


def test_renewal_by_itself_is_fine_and_an_unknown_end_warns() -> None:
    own = reasons(Credentials("iam-role", NOW + 1, "itself", is_temporary=True))
    assert own == Reasons((), ())
    (warning,) = reasons(Credentials("env", None, "nothing", is_temporary=True)).warnings
    assert warning.code == "GD-W36"
    assert reasons(Credentials("env")) == Reasons((), ())


def test_expiry_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_SESSION_TOKEN": "c",
        "AWS_CREDENTIAL_EXPIRATION": "2099-01-02T03:04:05Z",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    found = open_account().credentials()
    assert (found.method, found.renewed_by) == ("env", "nothing")
    assert found.ends == datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
