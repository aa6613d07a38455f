"""Where samples come from. Loaded by name, so that a run without HTTP KPIs never loads an HTTP client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Protocol

from gameday.steady_state.clock import WallClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.reading import Origin
from gameday.steady_state.samples import Series
from gameday.steady_state.skew import Clocks


class Source(Protocol):
    """Something that knows the samples of KPIs."""

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> dict[str, Series]:
        """The complete bins that begin at `start` or later and end by `end`, for each KPI (seconds since the epoch).

        What is not there is a gap. Reading the same stretch again gives late points, and corrected ones.
        """
        ...


class Unfit(ValueError):
    """A source answers, but never with what a KPI asks for: the KPI must be written otherwise."""


class Sources:
    """Several sources as one: each KPI is read where it says."""

    def __init__(self, sources: Mapping[Origin, Source]) -> None:
        self._sources = sources

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> dict[str, Series]:
        """Every KPI's complete bins, see `Source`."""
        found: dict[str, Series] = {}
        for origin, source in self._sources.items():
            own = {name: kpi for name, kpi in kpis.items() if kpi.reading.origin == origin}
            if own:
                found |= source.read(own, start, end)
        return found


def once(say: Callable[[str], None]) -> Callable[[str], None]:
    """The same, but for words that were said already."""
    said: set[str] = set()

    def tell(words: str) -> None:
        if words not in said:
            said.add(words)
            say(words)

    return tell


@contextmanager
def open_sources(
    aws: Mapping[Origin, Source],
    kpis: Mapping[str, Kpi],
    say: Callable[[str], None] = lambda _: None,
    clocks: Clocks | None = None,
) -> Iterator[Source]:
    """All that `kpis` name, `aws` being opened already; probes, queries and programs go on until the block ends.

    `say` is told, once for each KPI, what a source cannot read, and `clocks` what time a source says it is. Raises
    Unfit where a KPI asks what its source can never answer.
    """
    by_origin = {
        origin: {name: kpi for name, kpi in kpis.items() if kpi.reading.origin == origin}
        for origin in ("http", "prometheus", "command")
    }
    sources: dict[Origin, Source] = dict(aws)
    with ExitStack() as stack:
        if by_origin["http"]:
            from gameday.steady_state.sources.http import HttpSource

            sources["http"] = stack.enter_context(HttpSource(by_origin["http"], WallClock()))
        if by_origin["prometheus"]:
            from gameday.steady_state.sources.prometheus import PrometheusServer, PrometheusSource

            sources["prometheus"] = stack.enter_context(
                PrometheusSource(by_origin["prometheus"], WallClock(), say, PrometheusServer(clocks))
            )
        if by_origin["command"]:
            from gameday.steady_state.sources.command import CommandSource

            sources["command"] = stack.enter_context(CommandSource(by_origin["command"], WallClock(), say))
        yield Sources(sources)
