"""A bundle of runs reads back as it was written, and a damaged or forged one is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
from gameday.errors import InvalidInput
from gameday.records.history import bundle
from gameday.records.history.bundle import Bundled, read_bundle, write_bundle

from tests.records.history.kept import kept

TEXT = '{"run":"x"}'
RUN = replace(kept(1), evidence_hash=sha256(TEXT.encode()).hexdigest())
BUNDLED = [Bundled(RUN, TEXT), Bundled(kept(2), None)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "runs.zip", BUNDLED)
    return tmp_path / "runs.zip"


def refused(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        list(read_bundle(path))
    return caught.value.gd_code


def test_bundle_reads_back_as_it_was_written(path: Path) -> None:
    assert list(read_bundle(path)) == BUNDLED


def test_same_runs_give_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    write_bundle(path, BUNDLED)
    assert path.read_bytes() == before


def test_bundle_holds_no_path_of_this_machine(tmp_path: Path) -> None:
    write_bundle(tmp_path / "runs.zip", [Bundled(replace(RUN, evidence="/home/me/reports/x.json"), TEXT)])
    assert [each.kept.evidence for each in read_bundle(tmp_path / "runs.zip")] == [None]


@pytest.mark.parametrize("name", ["../evil.json", "runs/../../evil.kept.json", "runs/x.exe", "runs/a b.kept.json"])
def test_bundle_with_a_foreign_name_is_refused(name: str, path: Path) -> None:
    with ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    assert refused(path) == "GD-E102"


def test_bundle_whose_record_was_changed_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "runs.zip", [Bundled(RUN, TEXT + " ")])
    assert refused(tmp_path / "runs.zip") == "GD-E102"


def test_bundle_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "runs.zip", [Bundled(replace(RUN, version=2), None)])
    assert refused(tmp_path / "runs.zip") == "GD-E102"


def test_bundle_larger_than_it_says_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST_KEPT", 100)
    assert refused(path) == "GD-E102"


@pytest.mark.parametrize("place", range(20))
def test_damaged_bundle_is_refused_or_reads_as_written(place: int, path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[place * len(raw) // 20] ^= 0x55
    path.write_bytes(bytes(raw))
    with suppress(InvalidInput):  # any other error fails the test
        assert all(each in BUNDLED for each in read_bundle(path))


@pytest.mark.parametrize("raw", [b"", b"PK", b"no zip at all", b"\0" * 100])
def test_file_that_is_no_zip_is_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "runs.zip").write_bytes(raw)
    assert refused(tmp_path / "runs.zip") == "GD-E102"
