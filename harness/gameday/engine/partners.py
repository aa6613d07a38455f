"""What the journal works with: the plan of a run, and the store of its team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gameday.engine.entries import End, Entry, Run


class _RunFile(Protocol):
    @property
    def name(self) -> str: ...


class SharedStore(Protocol):
    """A store that the machines of a team share; it must hold a run's intents, too, before anything is sent."""

    def is_ours(self) -> bool: ...  # noqa: D102
    def must_be_free(self) -> None: ...  # noqa: D102
    def take(self, run: Run) -> None: ...  # noqa: D102
    def must_be_sure(self) -> None: ...  # noqa: D102
    def intend(self, entries: Sequence[Entry]) -> None: ...  # noqa: D102
    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None: ...  # noqa: D102
    def end(self, note: str) -> None: ...  # noqa: D102


class Planned(Protocol):
    """The parts of a plan that the journal keeps."""

    @property
    def workload(self) -> _RunFile: ...  # noqa: D102
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    def model_dump_json(self, *, by_alias: bool | None = None) -> str: ...  # noqa: D102
