"""The proof that a store keeps conditional writes: asked once, kept in the store, and refused where one is ignored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, repeat

import pytest
from gameday import __version__
from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError, JournalError, Refused, Unplanned
from gameday.store.lease import key_of, watch
from gameday.store.opening import StoreAllowList
from gameday.store.proof import PROBES, PROOF, prove
from gameday.store.s3 import NEW, S3Objects
from gameday.store.team import TeamStore
from gameday.testing.memory_store import Condition, MemoryObjects, Mood
from gameday.testing.wrapper import Wrapped
from moto import mock_aws

from tests.doubles import shop
from tests.store.test_lease import ACCOUNT, WORKLOAD, Now, a_run

BOTH = frozenset(Condition)


@pytest.fixture
def writes() -> list[None]:
    return []


@pytest.fixture
def memory(writes: list[None]) -> MemoryObjects:
    return counting(MemoryObjects(), writes)


def counting(memory: MemoryObjects, writes: list[None]) -> MemoryObjects:
    memory.between = lambda: writes.append(None)
    return memory


def test_proof_of_a_good_store_is_recorded(memory: MemoryObjects) -> None:
    prove(memory)
    assert memory.keys("") == [PROOF]
    stored = memory.get(PROOF)
    assert stored
    proof = json.loads(stored.body)
    assert (proof["version"], proof["tool"]) == (1, __version__)
    assert datetime.fromisoformat(proof["at"]).tzinfo


def test_proof_in_the_store_costs_no_write(memory: MemoryObjects, writes: list[None]) -> None:
    prove(memory)
    assert len(writes) == 5
    prove(memory)
    assert len(writes) == 5


@pytest.mark.parametrize(
    "body", ["", "{}", "[", '{"version": 0, "at": "2026-01-01T00:00:00Z", "tool": "", "nonce": ""}']
)
def test_proof_of_another_kind_is_made_anew(memory: MemoryObjects, writes: list[None], body: str) -> None:
    memory.put(PROOF, body, NEW)
    prove(memory)
    stored = memory.get(PROOF)
    assert stored
    assert json.loads(stored.body)["version"] == 1
    assert len(writes) == 6


@pytest.mark.parametrize(
    ("ignores", "named"),
    [
        (frozenset({Condition.NEW}), ["ignores `If-None-Match: *`"]),
        (frozenset({Condition.SAME}), ["ignores a stale `If-Match`"]),
        (BOTH, ["ignores `If-None-Match: *`", "ignores a stale `If-Match`"]),
    ],
    ids=["If-None-Match", "If-Match", "both"],
)
@pytest.mark.parametrize("mood", [Mood.WELL, Mood.LOST])
def test_store_that_ignores_a_condition_is_refused(ignores: frozenset[Condition], named: list[str], mood: Mood) -> None:
    memory = MemoryObjects(ignores)
    memory.mood = lambda: mood
    for _ in range(2):  # the second run has no proof either
        with pytest.raises(Refused) as refused:
            TeamStore(memory, WORKLOAD, ACCOUNT).take(a_run())
        for clause, reason in zip(named, refused.value.reasons, strict=True):
            assert (reason.code, clause in reason.text) == ("GD-E213", True)
        assert "Amazon S3" in refused.value.remedy
        assert memory.keys("") == []


class Odd(MemoryObjects):
    """A store whose nth write is answered wrongly."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._left = nth

    def put(self, key: str, body: str, tag: str) -> str | None:
        self._left -= 1
        return None if self._left == 0 else super().put(key, body, tag)


@pytest.mark.parametrize(("nth", "named"), [(1, "refuses to write a new object"), (3, "refuses to write under")])
def test_store_that_refuses_what_holds_is_refused(nth: int, named: str) -> None:
    with pytest.raises(Refused, match=named):
        prove(Odd(nth))


def test_store_that_forgets_what_was_written_is_refused(memory: MemoryObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryObjects, "get", lambda *_: None)
    with pytest.raises(Refused, match="does not return an object"):
        prove(memory)


def test_answers_that_are_lost_leave_a_good_store_proven(memory: MemoryObjects) -> None:
    memory.mood = lambda: Mood.LOST
    prove(memory)
    assert memory.keys("") == [PROOF]


@pytest.mark.parametrize("mood", [Mood.DOWN, Mood.CUT])
@pytest.mark.parametrize("nth", range(4))
def test_store_that_stops_answering_is_proven_later(memory: MemoryObjects, mood: Mood, nth: int) -> None:
    moods = chain(repeat(Mood.WELL, nth), [mood], repeat(Mood.WELL))
    memory.mood = lambda: next(moods)
    with pytest.raises(JournalError):
        prove(memory)
    assert memory.keys("") == []
    prove(memory)
    assert memory.keys("") == [PROOF]


@pytest.mark.parametrize("nth", range(5))
def test_proof_by_two_runs_at_once_is_one(memory: MemoryObjects, nth: int) -> None:
    calls = iter(range(5))

    def other() -> None:
        if next(calls) == nth:
            memory.between = lambda: None
            prove(memory)
            memory.between = other

    memory.between = other
    prove(memory)
    assert memory.keys("") == [PROOF]


def test_run_that_takes_a_store_proves_it_once(memory: MemoryObjects, writes: list[None]) -> None:
    team = TeamStore(memory, WORKLOAD, ACCOUNT)
    team.prove()
    memory.remove(PROOF)
    team.prove()
    assert memory.keys("") == []
    team.take(a_run())
    assert memory.get(key_of(WORKLOAD, ACCOUNT))
    assert len(writes) == 5 + 2


def test_rescue_from_a_store_proves_nothing(memory: MemoryObjects) -> None:
    now = Now()
    TeamStore(memory, WORKLOAD, ACCOUNT, now).take(a_run("run-1"))
    memory.remove(PROOF)
    seen = watch(memory, WORKLOAD, ACCOUNT, None, now())
    told = TeamStore(memory, WORKLOAD, ACCOUNT, now).take_over("run-1", "bob@ci", seen)
    assert told
    assert told.run.id == "run-1"
    assert memory.get(PROOF) is None


# S3 -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        found = shop.aws()
        found.call(Call(service="s3", operation="create_bucket", params={"Bucket": "ledger"}), "us-east-1")
        yield found.allowing(StoreAllowList("ledger", "team/"))


class Altered(Wrapped):
    """An account whose calls pass a function first."""

    def __init__(self, account: Account, alter: Callable[[Call], Call]) -> None:
        super().__init__(account)
        self.alter = alter

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        return super().answer(self.alter(call), region, paged)


def on_s3(account: Account) -> S3Objects:
    return S3Objects(account, "us-east-1", "ledger", "team/")


def without(*names: str) -> Callable[[Call], Call]:
    return lambda call: call.model_copy(
        update={"params": {name: value for name, value in call.params.items() if name not in names}}
    )


def denied(operation: str, code: str) -> Callable[[Call], Call]:
    def alter(call: Call) -> Call:
        if call.operation == operation:
            raise AwsError("s3", operation, code, "as told")
        return call

    return alter


def test_s3_is_proven_through_the_allow_list(account: Account) -> None:
    prove(on_s3(account))
    assert on_s3(account).keys("") == [PROOF]


@pytest.mark.parametrize("names", [("IfNoneMatch",), ("IfMatch",), ("IfNoneMatch", "IfMatch")])
def test_s3_without_a_condition_is_refused(account: Account, names: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        prove(on_s3(Altered(account, without(*names))))
    assert len(refused.value.reasons) == len(names)
    assert on_s3(account).keys("") == []


def test_s3_whose_probe_may_not_be_removed_is_proven(account: Account) -> None:
    prove(on_s3(Altered(account, denied("delete_object", "AccessDenied"))))
    assert on_s3(account).keys(PROOF) == [PROOF]
    assert len(on_s3(account).keys(PROBES)) == 1


def test_server_without_conditional_writes_is_not_used(account: Account) -> None:
    with pytest.raises(JournalError, match="NotImplemented"):
        prove(on_s3(Altered(account, denied("put_object", "NotImplemented"))))


def test_object_is_removed_once_or_not_there(account: Account) -> None:
    objects = on_s3(account)
    objects.put(f"{PROBES}x", '"x"', NEW)
    objects.remove(f"{PROBES}x")
    objects.remove(f"{PROBES}x")
    assert objects.keys("") == []


@pytest.mark.parametrize("key", [PROOF, "leases/1/a.json", "runs/x", "probes", "../team/probes/x"])
def test_allow_list_of_a_store_removes_probes_alone(account: Account, key: str) -> None:
    with pytest.raises(Unplanned):
        on_s3(account).remove(key)


@pytest.mark.parametrize("key", [f"{PROBES}x", "other/probes/x"])
def test_allow_list_of_a_store_ends_at_its_prefix(account: Account, key: str) -> None:
    with pytest.raises(Unplanned):
        S3Objects(account, "us-east-1", "ledger", "").remove(key)
