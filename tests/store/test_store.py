"""A team's store: objects in S3 written on a condition, the heartbeat, the wish to halt, and rescue from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gameday.aws.account import Account
from gameday.aws.client import Aws
from gameday.change import Call, Json
from gameday.engine.entries import Run
from gameday.engine.journal import Journal
from gameday.engine.settings import capture
from gameday.errors import AwsError, InvalidInput, JournalError, LeaseLost, Refused, Unplanned, Unreachable
from gameday.restore.take_over import recorded, taken_over, unfinished, was_taken_over, watched
from gameday.store.halt import forget, halt_here, halt_in, halted_here, halted_in
from gameday.store.heartbeat import Heartbeat
from gameday.store.lease import LASTS, RENEW, UNMOVED, Lease
from gameday.store.opening import StoreAllowList
from gameday.store.run_records import RunLocation, _checksum
from gameday.store.s3 import NEW, S3Objects, Stored, place_of
from gameday.store.team import TeamStore
from gameday.testing.memory_store import MemoryObjects, Mood
from gameday.testing.wrapper import Wrapped
from moto import mock_aws

from tests.doubles import shop
from tests.doubles.runs import RUN, Scene, begun
from tests.doubles.shelf import LEVEL, REGION, planned_fault
from tests.store.test_lease import ACCOUNT, WORKLOAD, Now, a_run, an_entry
from tests.waiting import LAST_NET


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        found = shop.aws()
        found.call(Call(service="s3", operation="create_bucket", params={"Bucket": "ledger"}), "us-east-1")
        yield found


@pytest.fixture
def objects(aws: Aws) -> S3Objects:
    return S3Objects(aws, "us-east-1", "ledger", "team/")


class Answering(Wrapped):
    """An account that answers the next writes as told, after or instead of doing them."""

    def __init__(self, account: Account, errors: list[AwsError], *, happens: bool) -> None:
        super().__init__(account)
        self.errors, self.happens = errors, happens

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "put_object" and self.errors:
            if self.happens:
                super().answer(call, region, paged)
            raise self.errors.pop(0)
        return super().answer(call, region, paged)


def refused(code: str) -> AwsError:
    return AwsError("s3", "put_object", code, "as told")


# S3 -------------------------------------------------------------------------------------------------------------------


def test_object_is_written_once_and_then_only_by_its_reader(objects: S3Objects) -> None:
    tag = objects.put("a/b.json", '{"n": 1}', NEW)
    assert tag
    assert objects.get("a/b.json") == Stored('{"n": 1}', tag)
    assert objects.put("a/b.json", '{"n": 2}', NEW) is None
    newer = objects.put("a/b.json", '{"n": 3}', tag)
    assert newer
    assert objects.put("a/b.json", '{"n": 4}', tag) is None
    assert objects.get("a/b.json") == Stored('{"n": 3}', newer)
    assert objects.get("nowhere") is None


def test_keys_are_listed_below_the_prefix_alone(aws: Aws, objects: S3Objects) -> None:
    S3Objects(aws, "us-east-1", "ledger", "").put("other.json", "{}", NEW)
    for key in ("b", "a/1", "a/2"):
        objects.put(key, f'"{key}"', NEW)
    assert objects.keys("") == ["a/1", "a/2", "b"]
    assert objects.keys("a/") == ["a/1", "a/2"]


def test_a_write_whose_answer_was_lost_is_known_for_our_own(aws: Aws) -> None:
    lost = Unreachable("s3", "put_object", "ReadTimeoutError", "no answer")
    objects = S3Objects(Answering(aws, [lost], happens=True), "us-east-1", "ledger", "")
    tag = objects.put("key", '"mine"', NEW)
    assert objects.get("key") == Stored('"mine"', tag or "")


def test_a_write_that_botocore_sent_twice_is_known_for_our_own(aws: Aws) -> None:
    objects = S3Objects(Answering(aws, [refused("PreconditionFailed")], happens=True), "us-east-1", "ledger", "")
    assert objects.put("key", '"mine"', NEW)


def test_put_unreachable_raises(aws: Aws) -> None:
    lost = Unreachable("s3", "put_object", "ConnectTimeoutError", "no route")
    objects = S3Objects(Answering(aws, [lost], happens=False), "us-east-1", "ledger", "")
    with pytest.raises(JournalError, match=r"cannot use the store s3://ledger/: .*no route"):
        objects.put("key", '"mine"', NEW)


def test_a_conflict_with_a_write_under_way_is_tried_again(aws: Aws) -> None:
    conflicts = [refused("ConditionalRequestConflict"), refused("ConditionalRequestConflict")]
    objects = S3Objects(Answering(aws, conflicts, happens=False), "us-east-1", "ledger", "")
    assert objects.put("key", '"mine"', NEW)
    assert not conflicts


def test_a_store_that_may_not_be_written_says_what_is_needed(aws: Aws) -> None:
    objects = S3Objects(Answering(aws, [refused("AccessDenied")], happens=False), "us-east-1", "ledger", "")
    with pytest.raises(JournalError) as error:
        objects.put("key", '"mine"', NEW)
    assert "AccessDenied" in error.value.what
    assert "list, read and write" in error.value.remedy


def test_get_missing_bucket_raises(aws: Aws) -> None:
    objects = S3Objects(aws, "us-east-1", "nowhere", "")
    with pytest.raises(JournalError, match="NoSuchBucket"):
        objects.put("key", "{}", NEW)
    with pytest.raises(JournalError, match="NoSuchBucket"):
        objects.keys("")


@pytest.mark.parametrize(
    ("store", "place"),
    [
        ("s3://team", ("team", "")),
        ("s3://team/", ("team", "")),
        ("s3://team/p", ("team", "p/")),
        ("s3://team/p/q/", ("team", "p/q/")),
    ],
)
def test_a_store_is_a_bucket_and_a_prefix(store: str, place: tuple[str, str]) -> None:
    assert place_of(store) == place


@pytest.mark.parametrize("store", ["", "team", "http://127.0.0.1:1/", "s3://", "s3:///p", "s3://Team", "s3://team/a b"])
def test_place_of_invalid_store_raises(store: str) -> None:
    with pytest.raises(InvalidInput, match="is not a store"):
        place_of(store)


def test_the_stores_session_writes_nowhere_else(aws: Aws) -> None:
    aws = aws.allowing(StoreAllowList("ledger", "team/"))
    S3Objects(aws, "us-east-1", "ledger", "team/").put("key", "{}", NEW)
    with pytest.raises(Unplanned):
        S3Objects(aws, "us-east-1", "ledger", "").put("key", "{}", NEW)
    with pytest.raises(Unplanned):
        aws.call(Call(service="s3", operation="delete_object", params={"Bucket": "ledger", "Key": "team/key"}), "x")


# the heartbeat and the wish to halt -----------------------------------------------------------------------------------


class Asked:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def __call__(self, by: str, why: str) -> None:
        self.heard.append((by, why))


def test_a_heartbeat_renews_before_the_lease_runs_out(now: Now, memory: MemoryObjects) -> None:
    lease, asked = Lease(memory, WORKLOAD, ACCOUNT, now), Asked()
    lease.take("run-1", "ann@laptop")
    heart = Heartbeat(lease, memory, "run-1", asked)
    for _ in range(300):
        now.at += 1.0
        heart.beat()
        lease.must_be_sure()
    assert asked.heard == []


def test_a_run_stops_when_its_lease_was_taken_over(now: Now, memory: MemoryObjects) -> None:
    lease, asked = Lease(memory, WORKLOAD, ACCOUNT, now), Asked()
    lease.take("run-1", "ann@laptop")
    stands = memory.get(f"leases/{ACCOUNT}/{WORKLOAD}.json")
    assert stands
    memory.put(f"leases/{ACCOUNT}/{WORKLOAD}.json", stands.body.replace('"epoch":1', '"epoch":2'), stands.tag)
    now.at += RENEW
    Heartbeat(lease, memory, "run-1", asked).beat()
    assert [by for by, _ in asked.heard] == ["lease"]
    assert "took over the lease" in asked.heard[0][1]


def test_store_that_is_down_stops_a_run_when_its_lease_has_ended(now: Now, memory: MemoryObjects) -> None:
    lease, asked = Lease(memory, WORKLOAD, ACCOUNT, now), Asked()
    lease.take("run-1", "ann@laptop")
    memory.mood = lambda: Mood.DOWN
    heart = Heartbeat(lease, memory, "run-1", asked)
    now.at = LASTS - 1
    heart.beat()
    assert asked.heard == []
    now.at = LASTS
    heart.beat()
    assert asked.heard[0][0] == "lease"
    assert "could not renew" in asked.heard[0][1]
    assert "the store does not answer" in asked.heard[0][1]


def test_halt_in_store_stops_within_a_heartbeat(now: Now, memory: MemoryObjects) -> None:
    lease, asked = Lease(memory, WORKLOAD, ACCOUNT, now), Asked()
    lease.take("run-1", "ann@laptop")
    halt_in(memory, "run-1", "bob@ci")
    halt_in(memory, "run-1", "eve@ci")  # wished already
    now.at = RENEW
    Heartbeat(lease, memory, "run-1", asked).beat()
    assert asked.heard == [("halt", "bob@ci halted the run")]
    assert halted_in(memory, "run-2") is None


def test_halt_on_this_machine_is_read_and_removed(tmp_path: Path) -> None:
    assert halted_here(tmp_path, "run-1") is None
    halt_here(tmp_path, "run-1", "ann@laptop")
    assert halted_here(tmp_path, "run-1") == "ann@laptop halted the run"
    assert halted_here(tmp_path, "run-2") is None
    forget(tmp_path, "run-1")
    assert halted_here(tmp_path, "run-1") is None


def test_a_wish_that_cannot_be_read_counts_as_a_halt(tmp_path: Path) -> None:
    (tmp_path / "run-1.halt").write_bytes(b"\xff")
    assert "cannot read" in (halted_here(tmp_path, "run-1") or "")


# rescue ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def memory() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal.open(tmp_path / "rescuer")
    yield found
    found.close()


PLACE = RunLocation("run-1", WORKLOAD, ACCOUNT)


def died(memory: MemoryObjects, now: Now) -> TeamStore:
    """A run that noted an intent, on a machine that is then gone."""
    team = TeamStore(memory, WORKLOAD, ACCOUNT, now)
    team.take(a_run())
    team.intend([an_entry(0), an_entry(1)])
    return team


def test_silent_machine_is_dead_after_lease_and_longest_call(now: Now, memory: MemoryObjects) -> None:
    died(memory, now)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now.at += seconds

    found = list(watched(memory, unfinished(memory), lambda _: False, sleep, now))
    assert [(one.place, one.is_dead) for one in found] == [(PLACE, True)]
    assert sum(slept) >= UNMOVED


def test_a_machine_that_renews_is_left_alone(now: Now, memory: MemoryObjects) -> None:
    team = died(memory, now)

    def sleep(seconds: float) -> None:
        now.at += seconds
        team.lease.renew()

    found = list(watched(memory, unfinished(memory), lambda _: False, sleep, now))
    assert [one.is_dead for one in found] == [False]


def test_a_process_of_this_machine_that_died_is_not_waited_for(now: Now, memory: MemoryObjects) -> None:
    died(memory, now)

    def sleep(_: float) -> None:
        pytest.fail("nothing to wait for")

    found = list(watched(memory, unfinished(memory), lambda run: run == "run-1", sleep, now))
    assert [one.is_dead for one in found] == [True]


def test_another_machine_reads_and_closes_the_open_entries(now: Now, memory: MemoryObjects, journal: Journal) -> None:
    died(memory, now)
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with taken_over(memory, found, journal):
        assert [entry.position for entry in journal.entries("run-1")] == [0, 1]
        journal.settle("run-1", {0: ("restored", "back"), 1: ("restored", "back")})
        assert journal.end("run-1", "restored later")
    assert unfinished(memory) == []
    known = recorded(memory, PLACE)
    assert known
    assert known.owed == 0
    TeamStore(memory, WORKLOAD, ACCOUNT, now).must_be_free()


def test_a_rescue_that_dies_half_way_is_finished_by_the_next(
    now: Now, memory: MemoryObjects, journal: Journal, tmp_path: Path
) -> None:
    died(memory, now)
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with taken_over(memory, found, journal):
        journal.settle("run-1", {0: ("restored", "back")})
    other = Journal.open(tmp_path / "third machine")
    (again,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with taken_over(memory, again, other):
        assert [entry.is_open for entry in other.entries("run-1")] == [False, True]
    other.close()


def test_of_two_rescuers_one_is_refused(now: Now, memory: MemoryObjects, journal: Journal, tmp_path: Path) -> None:
    died(memory, now)
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with taken_over(memory, found, journal):
        late = Journal.open(tmp_path / "late")
        with pytest.raises(Refused, match="run run-1"), taken_over(memory, found, late):
            pytest.fail("it is somebody else's")
        late.close()


def test_a_lease_whose_run_noted_nothing_is_let_go(now: Now, memory: MemoryObjects, journal: Journal) -> None:
    Lease(memory, WORKLOAD, ACCOUNT, now).take("run-1", "ann@laptop")
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with taken_over(memory, found, journal):
        pass
    assert journal.run("run-1") is None
    assert unfinished(memory) == []


# the journal ----------------------------------------------------------------------------------------------------------


def test_an_intent_that_the_store_does_not_know_is_not_sent(tmp_path: Path, memory: MemoryObjects, now: Now) -> None:
    journal, team = begun(tmp_path), TeamStore(memory, WORKLOAD, ACCOUNT, now)
    with journal.shared_with(team):
        journal.take("run-1", WORKLOAD, ACCOUNT, "aws")
        memory.mood = lambda: Mood.DOWN
        with pytest.raises(JournalError, match="does not answer"):
            journal.intend("run-1", [an_entry()])
        now.at = LASTS
        with pytest.raises(LeaseLost):
            journal.must_be_sure()
    journal.close()


def test_a_run_that_the_store_cannot_close_stays_open_here(tmp_path: Path, memory: MemoryObjects, now: Now) -> None:
    journal, team = begun(tmp_path), TeamStore(memory, WORKLOAD, ACCOUNT, now)
    with journal.shared_with(team):
        journal.take("run-1", WORKLOAD, ACCOUNT, "aws")
        memory.mood = lambda: Mood.DOWN
        with pytest.raises(JournalError):
            journal.end("run-1")
    assert [run.id for run in journal.unended()] == ["run-1"]
    assert not journal.is_alive("run-1")
    journal.close()


def test_workload_with_a_lease_refuses_before_the_plan(tmp_path: Path, memory: MemoryObjects, now: Now) -> None:
    TeamStore(memory, WORKLOAD, ACCOUNT, now).take(a_run("run-9", "bob@ci"))
    journal = Journal.open(tmp_path)
    team = TeamStore(memory, WORKLOAD, ACCOUNT, now)
    with journal.shared_with(team), pytest.raises(Refused, match=r"run run-9 \(bob@ci\)"):
        journal.must_be_free(WORKLOAD, ACCOUNT)
    journal.must_be_free(WORKLOAD, ACCOUNT)
    journal.close()


def test_live_runs_of_this_machine_are_found_by_their_workload(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    assert journal.taken(WORKLOAD) == []
    journal.take("run-1", WORKLOAD, ACCOUNT, "aws")
    assert [type(run) for run in journal.taken(WORKLOAD)] == [Run]
    other = Journal.open(tmp_path / "state")
    assert [run.id for run in other.taken(WORKLOAD)] == ["run-1"]
    other.close()
    journal.close()


# what was found by attacking it ---------------------------------------------------------------------------------------


def told_again(memory: MemoryObjects, key: str, was: str, is_: str) -> None:
    """Somebody edits an object."""
    stands = memory.get(key)
    assert stands
    text = stands.body.partition(" ")[2]
    assert was in text
    text = text.replace(was, is_)
    memory.put(key, f"{_checksum(key, text)} {text}", stands.tag)


RECORD = f"runs/{ACCOUNT}/{WORKLOAD}/run-1/00000"
LEASE = f"leases/{ACCOUNT}/{WORKLOAD}.json"


@contextmanager
def injected(scene: Scene, team: TeamStore) -> Iterator[None]:
    """A run that the store knows of, with its fault in."""
    with scene.journal.shared_with(team):
        scene.journal.take(RUN, "shop", ACCOUNT, "aws")
        scene.apply(planned_fault(capture(LEVEL, {"a": 5}, REGION, scene.shelf)))
        yield


def test_run_taken_over_does_not_undo_what_the_next_run_does(tmp_path: Path, memory: MemoryObjects, now: Now) -> None:
    scene, team = Scene(tmp_path), TeamStore(memory, "shop", ACCOUNT, now)
    with injected(scene, team):
        sent = len(scene.shelf.log)
        now.at = UNMOVED  # the process slept, and another machine has restored and freed the workload meanwhile
        (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
        rescuer = Journal.open(tmp_path / "rescuer")
        with taken_over(memory, found, rescuer):
            rescuer.settle(RUN, {0: ("restored", "back")})
            rescuer.end(RUN)
        rescuer.close()
        (left,) = scene.undo()
    assert left.state == "stuck"
    assert "another machine has taken this run over and undoes it" in left.about
    assert len(scene.shelf.log) == sent


def test_deleted_lease_is_written_anew_and_the_run_undoes(tmp_path: Path, memory: MemoryObjects, now: Now) -> None:
    scene, team = Scene(tmp_path), TeamStore(memory, "shop", ACCOUNT, now)
    with injected(scene, team):
        memory.remove(f"leases/{ACCOUNT}/shop.json")
        team.lease.renew()
        (back,) = scene.undo()
    assert back.state == "restored"
    with pytest.raises(Refused, match="run "):
        TeamStore(memory, "shop", ACCOUNT, now).must_be_free()


@pytest.mark.parametrize("number", [0, 1])
def test_missing_record_is_never_taken_for_no_open_entries(
    number: int, now: Now, memory: MemoryObjects, journal: Journal
) -> None:
    team = died(memory, now)
    team.intend([an_entry(2)])
    memory.remove(f"{RECORD}{number}.json")
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with pytest.raises(JournalError, match=f"record {number} of .* is missing"), taken_over(memory, found, journal):
        pytest.fail("nobody knows what it owes")
    with pytest.raises(Refused, match="run-1"):
        TeamStore(memory, WORKLOAD, ACCOUNT, now).must_be_free()


@pytest.mark.parametrize(
    ("was", "is_"),
    [
        ('"id":"run-1"', '"id":"run-9"'),
        ('"place":"aws"', '"place":"twin"'),
        ('"pid":1', '"pid":99999999999999999999'),
        ('"started":0.0', '"started":1e300'),
    ],
)
def test_a_run_that_is_not_that_run_is_not_restored(
    was: str, is_: str, now: Now, memory: MemoryObjects, journal: Journal
) -> None:
    died(memory, now)
    told_again(memory, f"{RECORD}0.json", was, is_)
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with pytest.raises(JournalError, match="does not begin with that run"), taken_over(memory, found, journal):
        pytest.fail("it is another's")


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_take_over_lost_last_records_raises(kept: int, now: Now, memory: MemoryObjects, journal: Journal) -> None:
    died(memory, now).intend([an_entry(2)])
    for number in range(kept, 3):
        memory.remove(f"{RECORD}{number}.json")
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with pytest.raises(JournalError) as caught, taken_over(memory, found, journal):
        pytest.fail("nobody knows what it must undo")
    assert caught.value.gd_code == "GD-E305"
    assert "run-1" in caught.value.what
    with pytest.raises(Refused, match="run-1"):
        TeamStore(memory, WORKLOAD, ACCOUNT, now).must_be_free()


@pytest.mark.parametrize("number", [0, 1])
def test_recorded_any_cut_or_flip_raises(number: int, now: Now, memory: MemoryObjects) -> None:
    died(memory, now)
    key = f"{RECORD}{number}.json"
    whole = (memory.get(key) or Stored("", "")).body
    cuts = [whole[:at] for at in range(0, len(whole), 50)]
    flips = [f"{whole[:at]}{chr(ord(whole[at]) ^ 1)}{whole[at + 1 :]}" for at in range(0, len(whole), 20)]
    for body in (*cuts, *flips):
        memory.put(key, body, (memory.get(key) or Stored("", "")).tag)
        with pytest.raises(JournalError) as caught:
            recorded(memory, PLACE)
        assert caught.value.gd_code == "GD-E305"
        assert "run-1" in caught.value.what


def test_recorded_swapped_records_raise(now: Now, memory: MemoryObjects) -> None:
    died(memory, now).intend([an_entry(2)])
    first, second = (memory.get(f"{RECORD}{number}.json") or Stored("", "") for number in (1, 2))
    memory.put(f"{RECORD}1.json", second.body, first.tag)
    with pytest.raises(JournalError, match="was cut short or changed"):
        recorded(memory, PLACE)


def test_records_that_end_an_unknown_change_raise(now: Now, memory: MemoryObjects) -> None:
    team = died(memory, now)
    team.settle({0: ("restored", "back")})
    told_again(memory, f"{RECORD}2.json", '"0":', '"7":')
    with pytest.raises(JournalError, match="ends change 7, which it never intended"):
        recorded(memory, PLACE)


def test_foreign_objects_in_the_store_keep_nobody_from_restoring(now: Now, memory: MemoryObjects) -> None:
    died(memory, now)
    for key in ("runs/", "runs/junk", "runs/a/b/", "leases/", "leases/junk.json", f"leases/{ACCOUNT}/other.json"):
        memory.put(key, "junk", NEW)
    assert unfinished(memory) == [PLACE]


@pytest.mark.parametrize("since", ["1e300", "-1e18", "null"])
def test_a_lease_of_an_impossible_time_is_no_lease(since: str, now: Now, memory: MemoryObjects) -> None:
    Lease(memory, WORKLOAD, ACCOUNT, now).take("run-1", "ann@laptop")
    body = re.sub(r'"since":[0-9.]+', f'"since":{since}', (memory.get(LEASE) or Stored("", "")).body)
    memory.put(LEASE, body, (memory.get(LEASE) or Stored("", "")).tag)
    with pytest.raises(JournalError, match="is not a lease"):
        TeamStore(memory, WORKLOAD, ACCOUNT, now).must_be_free()


def test_a_wish_in_the_store_that_cannot_be_read_is_a_wish(memory: MemoryObjects) -> None:
    memory.put("halts/run-1.json", "[" * 200_000, NEW)
    assert halted_in(memory, "run-1") == "the run was halted"


def test_a_heartbeat_that_ends_for_any_reason_ends_the_run(now: Now, memory: MemoryObjects) -> None:
    class Odd(Lease):
        @property
        def is_due(self) -> bool:
            raise OverflowError("what nobody thought of")

    asked = Asked()
    with Heartbeat(Odd(memory, WORKLOAD, ACCOUNT, now), memory, "run-1", asked) as heart:
        heart._thread.join(timeout=LAST_NET)
    assert asked.heard == [("lease", "the heartbeat ended: OverflowError: what nobody thought of")]


def test_own_machine_takes_no_run_from_a_live_rescuer(now: Now, memory: MemoryObjects, journal: Journal) -> None:
    died(memory, now)
    (found,) = watched(memory, unfinished(memory), lambda _: True, lambda _: None, now)
    with taken_over(memory, found, journal):
        assert was_taken_over(memory, PLACE)
    assert not was_taken_over(memory, RunLocation("run-9", WORKLOAD, ACCOUNT))


def test_calls_of_a_dead_machine_are_waited_for_once(now: Now, memory: MemoryObjects, journal: Journal) -> None:
    died(memory, now)

    def sleep(seconds: float) -> None:
        now.at += seconds

    (found,) = watched(memory, unfinished(memory), lambda _: False, sleep, now)
    assert found.is_quiet
    with taken_over(memory, found, journal):
        assert all(entry.answered is not None for entry in journal.entries("run-1"))
