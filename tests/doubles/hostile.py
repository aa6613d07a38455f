"""Accounts that are hostile in ways that AWS documents, beside those of `gameday.testing.unreliable_account`."""

from __future__ import annotations

import json
from collections import Counter
from enum import StrEnum

from gameday.aws.account import Account
from gameday.aws.read_only import only_reads
from gameday.change import Call, Json
from gameday.change.placeholders import search_list
from gameday.errors import AwsError
from gameday.steady_state.clock import Clock
from gameday.testing.wrapper import Wrapped

BOOT = 3.0
"""Seconds for which an instance is pending before EC2 drops its start."""
NOTICE = 90.0
"""Seconds after which a group sees that a member is gone: it looks periodically (Auto Scaling User Guide, "Health
checks for instances")."""
BURST, RATE = 4.0, 1.0
"""Reads of a service that a throttled account answers at once, and in a second after that. Others use up the rest."""
REASON = "Client.InternalError: Client error on launch"
"""Amazon EC2 User Guide, "Troubleshoot Amazon EC2 instance launch issues": a key that EC2 may not use."""


class Hostility(StrEnum):
    """How an account is hostile."""

    THROTTLED = "throttled reads"  # from the first write on, a small bucket, which is empty then
    DROPPED = "dropped starts"  # EC2 accepts a start, and the instance is stopped again
    LATE_GROUPS = "late groups"  # a group lists a member that is gone as InService


class Throttled(Wrapped):
    """An account whose reads share a small bucket for each service, from the first write on."""

    def __init__(self, account: Account, clock: Clock) -> None:
        super().__init__(account)
        self.clock = clock
        self.tokens: dict[str, tuple[float, float]] = {}  # service → tokens, and when they were counted
        self.has_written = False
        self.met = 0

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if not only_reads(call.service, call.operation):
            self.has_written = True
        elif self.has_written and not self._takes(call.service):
            self.met += 1
            code = "RequestLimitExceeded" if call.service == "ec2" else "ThrottlingException"
            raise AwsError(call.service, call.operation, code, "Rate exceeded")
        return super().answer(call, region, paged)

    def _takes(self, service: str) -> bool:
        """Take a token, if there is one."""
        now = self.clock.now()
        left, at = self.tokens.get(service, (0.0, now))
        left = min(BURST, left + RATE * (now - at))
        is_there = left >= 1.0
        self.tokens[service] = (left - 1.0 if is_there else left, now)
        return is_there


class Dropping(Wrapped):
    """An account that accepts each start of an instance, and drops it; `is_mended` ends that."""

    def __init__(self, account: Account, clock: Clock) -> None:
        super().__init__(account)
        self.clock = clock
        self.is_mended = False
        self.starts: Counter[str] = Counter()
        self.dropped: dict[str, float] = {}  # instance → when its start was accepted

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "start_instances" and not self.is_mended:
            ids = [str(id_) for id_ in search_list("InstanceIds", call.params)]
            self.starts.update(ids)
            self.dropped |= dict.fromkeys(ids, self.clock.now())
            return {"StartingInstances": [{"InstanceId": id_, "CurrentState": {"Name": "pending"}} for id_ in ids]}
        answer = super().answer(call, region, paged)
        if call.operation != "describe_instances" or self.is_mended:
            return answer
        found: Json = json.loads(json.dumps(answer))
        for instance in search_list("Reservations[].Instances[]", found):
            if isinstance(instance, dict) and (at := self.dropped.get(str(instance["InstanceId"]))) is not None:
                is_pending = self.clock.now() < at + BOOT
                instance["State"] = {"Name": "pending" if is_pending else "stopped"}
                if not is_pending:
                    instance["StateReason"] = {"Code": "Client.InternalError", "Message": REASON}
        return found


class LateGroups(Wrapped):
    """An account whose scaling groups show what was before, for NOTICE after a member was hit."""

    REPLACES = ("terminate_instances", "stop_instances")

    def __init__(self, account: Account, clock: Clock) -> None:
        super().__init__(account)
        self.clock = clock
        self.until = 0.0
        self.known: dict[str, Json] = {}
        self.listed: set[str] = set()  # what such answers listed

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation in self.REPLACES:
            self.until = self.clock.now() + NOTICE
        if call.operation != "describe_auto_scaling_groups":
            return super().answer(call, region, paged)
        key = json.dumps(call.params, sort_keys=True)
        if key in self.known and self.clock.now() < self.until:
            members = search_list("AutoScalingGroups[].Instances[].InstanceId", self.known[key])
            self.listed |= {str(id_) for id_ in members}
            return self.known[key]
        self.known[key] = super().answer(call, region, paged)
        return self.known[key]


def hostile(account: Account, clock: Clock, kind: str) -> Account:
    """Return an account that is hostile in this way; the account itself for any other kind."""
    match kind:
        case Hostility.THROTTLED:
            return Throttled(account, clock)
        case Hostility.DROPPED:
            return Dropping(account, clock)
        case Hostility.LATE_GROUPS:
            return LateGroups(account, clock)
    return account
