"""Run all redundancy checks of a workload, in each of its regions or on its twin. They only read."""

from __future__ import annotations

from collections.abc import Callable
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
from gameday.steady_state.clock import Clock


@dataclass(frozen=True)
class Found:
    """Hold a finding with its check and its region."""

    check: Check
    region: str
    finding: Finding


@dataclass(frozen=True)
class Checked:
    """Hold the findings of all checks, the checks that could not read, and the notes on what they did not judge."""

    found: tuple[Found, ...]
    unread: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        """Return *broken* with a finding, *unknown* if a check could not read, else *held*."""
        if self.found:
            return Exit.BROKEN
        return Exit.UNKNOWN if self.unread else Exit.HELD


def check_workload(
    workload: Workload, twin: TwinFile | None, place: Place, watch: Callable[[Clock], None] = lambda _: None
) -> Checked:
    """Run all checks in each region of an account, or on the twin.

    `watch` gets the clock of the twin before it is built. Raises InvalidInput, and Refused for another account than
    the workload's.
    """
    found: list[Found] = []
    unread: list[str] = []
    notes: list[str] = []
    for region in workload.regions if place == "aws" else workload.regions[:1]:
        with open_environment(place, workload, twin, region, 0, watch=watch) as environment:
            if place == "aws":
                _same_account(workload, environment.account, region)
            checked = look(scene_of(workload, twin, environment.account, region, environment.clock.now()))
        found += checked.found
        unread += checked.unread
        notes += checked.notes
    if twin is None:
        notes.append("the workload has no twin file, which declares timeouts and retries (GD301, GD302, GD303)")
    return Checked(tuple(found), tuple(unread), tuple(notes))


def scene_of(workload: Workload, twin: TwinFile | None, account: Account, region: str, now: float) -> CheckContext:
    """Read the inventory of one region, and return the input of its checks."""
    inventory = inventory_of(workload, account, arn_place(account, region))
    return CheckContext(workload, twin, region, inventory, account, now)


def look(context: CheckContext) -> Checked:
    """Run every check in one region; after a check that cannot read, the others go on."""
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
            (f"the credentials are for account {here}, the workload is in {workload.account}",),
            "use credentials of the workload's account",
            gd_code="GD-E206",
        )
