"""Objects of this machine keep the store's conditions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from gameday.errors import JournalError
from gameday.store.local_objects import LocalObjects
from gameday.store.s3 import NEW


def test_put_of_a_new_object_succeeds_once(tmp_path):
    objects = LocalObjects(tmp_path / "x")
    with ThreadPoolExecutor(16) as pool:
        tags = list(pool.map(lambda number: objects.put("a/b.json", f"{number}", NEW), range(16)))
    assert len([tag for tag in tags if tag]) == 1


def test_put_follows_the_object_that_was_read(tmp_path):
    objects = LocalObjects(tmp_path)
    tag = objects.put("a/b.json", "1", NEW)
    assert objects.put("a/b.json", "2", "other") is None
    assert objects.put("a/b.json", "2", tag)
    assert objects.get("a/b.json").body == "2"


def test_keys_are_in_order_below_the_prefix(tmp_path):
    objects = LocalObjects(tmp_path)
    for key in ("a/2.json", "a/1.json", "b/3.json"):
        objects.put(key, key, NEW)
    assert objects.keys("a/") == ["a/1.json", "a/2.json"]
    objects.remove("a/1.json")
    assert (objects.keys("a/"), objects.get("a/1.json")) == (["a/2.json"], None)


def test_folder_that_is_a_file_is_one_error(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(JournalError) as raised:
        LocalObjects(tmp_path / "x").put("a/b.json", "1", NEW)
    assert raised.value.gd_code == "GD-E320"
