"""All redundancy checks of a workload, in each of its regions, or on its twin. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from gameday.aws.account import Account, arn_place, whoami
from gameday.checks import CHECKS
from gameday.checks.finding import Check, CheckContext, Finding, NotJudged
from gameday.errors import AwsError, Exit, Refused
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.plan import Place
from gameday.plan.planner import inventory_of
from gameday.run.environment import open_environment


@dataclass(frozen=True)
class Found:
    """A finding, with its check and its region."""

    check: Check
    region: str
    finding: Finding


@dataclass(frozen=True)
class Checked:
    """What all checks found, what could not be read, and what was not judged."""

    found: tuple[Found, ...]
    unread: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        """Broken with a finding, unknown where something could not be read, else held."""
        if self.found:
            return Exit.BROKEN
        return Exit.UNKNOWN if self.unread else Exit.HELD


def check_workload(workload: Workload, twin: TwinFile | None, place: Place) -> Checked:
    """Look in each region of an account, or on the twin. Raises InvalidInput, and Refused in another account."""
    found: list[Found] = []
    unread: list[str] = []
    notes: list[str] = []
    for region in workload.regions if place == "aws" else workload.regions[:1]:
        with open_environment(place, workload, twin, region, seed=0) as environment:
            if place == "aws":
                _same_account(workload, environment.account, region)
            one = look(scene_of(workload, twin, environment.account, region, environment.clock.now()))
        found += one.found
        unread += one.unread
        notes += one.notes
    if twin is None:
        notes.append("the workload has no twin file, which declares timeouts and retries (GD301, GD302, GD303)")
    return Checked(tuple(found), tuple(unread), tuple(notes))


def scene_of(workload: Workload, twin: TwinFile | None, account: Account, region: str, now: float) -> CheckContext:
    """One region of a workload, to be looked at."""
    inventory = inventory_of(workload, account, arn_place(account, region))
    return CheckContext(workload, twin, region, inventory, account, now)


def look(context: CheckContext) -> Checked:
    """Every check in one region; one that cannot read says so, and the others go on."""
    found: list[Found] = []
    unread: list[str] = []
    notes: list[str] = []
    for check in CHECKS.values():
        try:
            seen = list(check.look(context))
        except AwsError as error:
            unread.append(f"{check.id} {check.name} in {context.region}: {error.what}")
            continue
        found += [Found(check, context.region, finding) for finding in seen if isinstance(finding, Finding)]
        notes += [note.why for note in seen if isinstance(note, NotJudged)]
    return Checked(tuple(found), tuple(unread), tuple(notes))


def _same_account(workload: Workload, account: Account, region: str) -> None:
    here, _ = whoami(account, region)
    if here != workload.account:
        raise Refused(
            (f"this is account {here}, the workload is in {workload.account}",),
            "use its credentials",
            gd_code="GD-E206",
        )
