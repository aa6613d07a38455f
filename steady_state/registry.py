"""What can be named in files: ours by name, and what installed packages add under a group of entry points.

Source: Python Packaging User Guide, "Entry points specification".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Unusable(ValueError):
    """An installed package adds something that cannot be used."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


class Registry(Mapping[str, T]):
    """Name → what has that name; ours first, then what other packages add, by name.

    `built_in` maps our names to `module:attribute`. Each is imported when it is first asked for, and packages are
    searched only for a name that is not ours, or to list all. `accept` checks what was imported, and raises ValueError
    saying why it does not fit. What a package adds wrongly raises `error` of the reason and the remedy.
    """

    def __init__(
        self,
        group: str,
        built_in: Mapping[str, str],
        accept: Callable[[str, object], T],
        error: Callable[[str, str], Exception] = Unusable,
    ) -> None:
        self._group = group
        self._built_in = built_in
        self._accept = accept
        self._error = error
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """What has the name. Raises KeyError, and `error` where a package's entry cannot be used."""
        if name not in self._loaded:
            ours = self._built_in.get(name)
            self._loaded[name] = self._accept(name, _imported(ours)) if ours else self._from_package(self._added[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self._added

    def __len__(self) -> int:
        return len(self._built_in) + len(self._added)

    def __contains__(self, name: object) -> bool:
        return self.is_built_in(name) or name in self._added

    def is_built_in(self, name: object) -> bool:
        """Whether we have the name ourselves; no package is searched."""
        return name in self._built_in

    @property
    def known(self) -> tuple[T, ...]:
        """All of ours, and what was asked for of other packages so far."""
        added = [name for name in self._loaded if name not in self._built_in]
        return tuple(self[name] for name in (*self._built_in, *added))

    @cached_property
    def _added(self) -> dict[str, EntryPoint]:
        # Late: searching all installed packages costs as much as a short command.
        from importlib.metadata import entry_points

        found: dict[str, EntryPoint] = {}
        for point in sorted(entry_points(group=self._group), key=lambda point: point.name):
            if point.name in self._built_in:
                raise self._unusable(point, "that name is Gameday's own")
            if point.name in found:
                raise self._unusable(point, f"{_package(found[point.name])} adds the same name")
            found[point.name] = point
        return found

    def _from_package(self, point: EntryPoint) -> T:
        try:
            return self._accept(point.name, point.load())
        except Exception as error:
            raise self._unusable(point, f"{type(error).__name__}: {error}") from error

    def _unusable(self, point: EntryPoint, why: str) -> Exception:
        what = f"{_package(point)} adds `{point.name}` to {self._group}, which cannot be used: {why}"
        return self._error(what, "update that package, or uninstall it")


def _imported(place: str) -> object:
    module, _, name = place.partition(":")
    found: object = getattr(import_module(module), name)
    return found


def _package(point: EntryPoint) -> str:
    return f"package {point.dist.name}" if point.dist else "a package"
