"""The texts that tests pin stand in one place, `tests/snapshots/`, and are written anew by `pytest --snapshot-update`.

A test asks for `snapshot`, and says `assert text == snapshot`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syrupy.extensions.amber import AmberSnapshotExtension

if TYPE_CHECKING:
    from syrupy.location import PyTestLocation

TESTS = Path(__file__).parent
PLACE = TESTS / "snapshots"


class InOnePlace(AmberSnapshotExtension):
    """Keeps the texts of `tests/room/test_x.py` in `tests/snapshots/room/test_x.ambr`."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        room = Path(test_location.filepath).parent.relative_to(TESTS)
        return str(PLACE / room)
