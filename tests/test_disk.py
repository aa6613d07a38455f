"""Files of Gameday are for their owner alone, are replaced whole, and are never a pipe or a device."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.disk import FOR_OTHERS, make_private_folder, open_private, read_regular, write_anew


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_make_private_folder_makes_each_on_the_way_private(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    make_private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / each) for each in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_make_private_folder_leaves_a_folder_that_is_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a")
    assert mode(tmp_path) == 0o755


def test_open_private_makes_a_file_private(tmp_path: Path) -> None:
    with open_private(tmp_path / "new") as file:
        file.write(b"a")
    (old := tmp_path / "old").touch(0o666)
    with open_private(old) as file:
        file.write(b"b")
    assert [mode(tmp_path / "new"), mode(old), old.read_text()] == [0o600, 0o600, "b"]


def test_open_private_of_a_link_or_pipe_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match=name):
            open_private(tmp_path / name)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("wanted", "expected"), [(0o600, 0o600), (FOR_OTHERS, 0o666)])
def test_write_anew_keeps_no_mode_and_follows_no_link(wanted: int, expected: int, tmp_path: Path) -> None:
    (target := tmp_path / "target").write_text("kept")
    (link := tmp_path / "link").symlink_to(target)
    (old := tmp_path / "old").touch(0o644)
    for path in (link, old):
        write_anew(path, b"new", wanted)
        assert (mode(path), path.read_bytes(), path.is_symlink()) == (expected, b"new", False)
    assert target.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "old", "target"]


def test_write_anew_that_fails_names_the_file_and_leaves_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as failed:
        write_anew(tmp_path / "folder", b"new")
    assert failed.value.filename == str(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_read_regular_reads_a_file_or_its_beginning(tmp_path: Path) -> None:
    (path := tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(path)
    assert [read_regular(path), read_regular(tmp_path / "link", 2)] == [b"abc", b"ab"]


def test_read_regular_of_a_pipe_or_device_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"regular file|Is a directory"):
            read_regular(path)
