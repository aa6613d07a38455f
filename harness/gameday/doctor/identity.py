"""Examine whose credentials these are, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from gameday.aws.account import whoami
from gameday.doctor.examination import DoctorContext, Finding, Severity

TOPIC = "identity"
DAY = 86400.0


def identity(context: DoctorContext) -> Iterator[Finding]:
    """Name the principal and the end of its credentials."""
    environment = context.environment
    base = environment.sessions.base if environment.sessions else environment.account
    account, principal = whoami(base, context.region)
    if account != context.workload.account:
        text = f"the credentials are for account {account}, the workload is in {context.workload.account}"
        yield Finding(Severity.REFUSES, TOPIC, text, "use credentials of the workload's account")
    yield Finding(Severity.NOTE, TOPIC, f"you are {principal}")
    if context.workload.role:
        yield Finding(Severity.NOTE, TOPIC, f"runs assume {context.workload.role}; its sessions last an hour")
    found = base.credentials()
    if found.sign_until is not None:
        end = datetime.fromtimestamp(found.sign_until, UTC).isoformat(timespec="minutes")
        is_near = found.sign_until < environment.clock.now() + DAY
        text = f"the credentials ({found.method}) sign until {end}, if nobody renews them"
        yield Finding(Severity.WARNS if is_near else Severity.NOTE, TOPIC, text, "renew them before a run")
    elif found.is_temporary and found.renewed_by != "itself":
        text = f"nothing says when the credentials ({found.method}) end"
        yield Finding(Severity.WARNS, TOPIC, text, "set AWS_CREDENTIAL_EXPIRATION")
    else:
        how = "renew themselves" if found.is_temporary else "do not end"
        yield Finding(Severity.NOTE, TOPIC, f"the credentials ({found.method}) {how}")
