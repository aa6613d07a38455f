"""Machines that share a store all come to the same history, and a lost one is rebuilt from it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from gameday.errors import JournalError
from gameday.records.history.evidence import path_of, store_evidence, text_of
from gameday.records.history.history import Filters, History
from gameday.records.history.kept_run import KeptRun, to_json, with_evidence
from gameday.records.history.sync import RUNS, Synced, evidence_key, fetch_evidence, key_of, sync
from gameday.store.s3 import NEW
from gameday.testing.memory_store import MemoryObjects
from hypothesis import given
from hypothesis import strategies as st

from tests.records.history.kept import kept


class Machine:
    """A machine with a history of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = History(folder / "history", pytest.fail)

    def ran(self, number: int, text: str = "", **fields: object) -> KeptRun:
        """Keep a run, whose record is a text."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{number}.json"
        path.write_text(text or f"record {number}")
        digest = sha256(path.read_bytes()).hexdigest()
        run = with_evidence(kept(number, **fields), path, digest)
        self.history.keep(run)
        return run

    def sync(self, objects: MemoryObjects) -> Synced:
        done = sync(objects, self.history.versions(), lambda each: text_of(each, self.history.folder))
        if done.fetched:
            self.history.keep(*done.fetched)
        return done

    def runs(self) -> list[tuple[str, str, str]]:
        return sorted((each.run, each.verdict, each.left) for each in self.history.runs(Filters()))


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


def test_sync_brings_both_machines_to_one_history(objects: MemoryObjects, tmp_path: Path) -> None:
    here, there = Machine(tmp_path / "here"), Machine(tmp_path / "there")
    here.ran(1)
    there.ran(2)
    assert (here.sync(objects).sent, there.sync(objects).sent) == (1, 1)
    here.sync(objects)
    assert here.runs() == there.runs()
    assert len(here.runs()) == 2
    assert here.sync(objects) == Synced(0, (), (), ())


def test_lost_history_is_rebuilt_from_the_store(objects: MemoryObjects, tmp_path: Path) -> None:
    here, new = Machine(tmp_path / "here"), Machine(tmp_path / "new")
    run = here.ran(1, "the record")
    here.sync(objects)
    assert len(new.sync(objects).fetched) == 1
    found = new.history.find("latest")
    assert found.evidence is None
    text = fetch_evidence(objects, found)
    assert text == "the record"
    assert store_evidence(found, text, new.history.folder) == path_of(found, new.history.folder)
    assert found.run == run.run


def test_restore_on_another_machine_completes_the_run(objects: MemoryObjects, tmp_path: Path) -> None:
    here, there = Machine(tmp_path / "here"), Machine(tmp_path / "there")
    here.ran(1, state="begun", verdict="unknown", left="unknown", release="v7")
    there.ran(1, state="killed", verdict="unknown", left="restored", release=None, commit=None)
    for machine in (here, there, here):
        machine.sync(objects)
    assert here.runs() == there.runs() == [(kept(1).run, "unknown", "restored")]
    assert there.history.find("latest").release == "v7"


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["run", "sync", "restored"])), max_size=12))
def test_machines_agree_after_any_order_of_syncs(steps: list[tuple[int, str]]) -> None:
    memory: dict[int, dict[tuple[str, str], KeptRun]] = {0: {}, 1: {}, 2: {}}
    objects = MemoryObjects()

    def synced(machine: int) -> None:
        done = sync(objects, memory[machine], lambda _: None)
        memory[machine] |= {(each.run, each.digest): each for each in done.fetched}

    for number, (machine, step) in enumerate(steps):
        if step == "sync":
            synced(machine)
        else:
            run = kept(number if step == "run" else number // 2, state="killed" if step == "restored" else "ended")
            memory[machine][run.run, run.digest] = run
    for machine in (0, 1, 2, 0, 1, 2):
        synced(machine)
    assert memory[0].keys() == memory[1].keys() == memory[2].keys()


def test_object_that_is_damaged_or_newer_is_left_out_and_named(objects: MemoryObjects, tmp_path: Path) -> None:
    here = Machine(tmp_path / "here")
    newer = kept(1, version=2)
    objects.put(key_of(newer), '{"version": 2}', NEW)
    objects.put(f"{RUNS}{kept(2).run}.{kept(3).digest}.json", to_json(kept(2)).decode(), NEW)
    assert sorted(here.sync(objects).unreadable) == sorted(objects.keys(RUNS))
    assert here.runs() == []


def test_evidence_that_was_changed_is_not_sent(objects: MemoryObjects, tmp_path: Path) -> None:
    here = Machine(tmp_path / "here")
    run = here.ran(1)
    Path(run.evidence or "").write_text("another text")
    assert here.sync(objects).without_evidence == (run.run,)
    assert objects.keys("history/evidence/") == []


def test_evidence_that_was_changed_in_the_store_is_not_fetched(objects: MemoryObjects, tmp_path: Path) -> None:
    run = Machine(tmp_path / "here").ran(1)
    objects.put(evidence_key(run) or "", "another text", NEW)
    assert fetch_evidence(objects, run) is None


def test_object_removed_during_a_sync_raises(tmp_path: Path) -> None:
    class Listing(MemoryObjects):
        def keys(self, prefix: str) -> list[str]:
            return [key_of(kept(1))]

    with pytest.raises(JournalError):
        sync(Listing(), {}, lambda _: None)
