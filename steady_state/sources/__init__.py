"""The sources of samples, a file for each. A run imports only the sources that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading, Source, SourceContext, SourceSpec, read_or_gap
from gameday.steady_state.samples import Series
from gameday.steady_state.sources.remarks import Remarks


class Sources:
    """Combine several sources by name: each KPI has its own."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Read every KPI's complete bins, see `Source`."""
        samples: dict[str, Series] = {}
        remarks: tuple[str, ...] = ()
        for name, source in self._sources.items():
            own = {kpi_name: kpi for kpi_name, kpi in kpis.items() if kpi.source.name == name}
            if own:
                reading = read_or_gap(source, own, start, end)
                samples |= reading.samples
                remarks += reading.remarks
        return Reading(samples, remarks)


class NotOnTwin:
    """A source that the twin does not serve: no samples, and a remark for each KPI."""

    def __init__(self) -> None:
        self._remarks = Remarks()

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Return no samples, and the reason."""
        del start, end
        for name, kpi in kpis.items():
            self._remarks.add(f"{name} has no data: the twin does not serve `{kpi.source.name}`")
        return Reading({}, self._remarks.take())


@contextmanager
def open_sources(kpis: Mapping[str, Kpi], context: SourceContext) -> Iterator[Source]:
    """Open all sources that `kpis` name; probes, queries and programs run until the block ends.

    Raises Unfit where a source can never answer a KPI.
    """
    by_source: dict[type[SourceSpec], dict[str, Kpi]] = {}
    for name, kpi in kpis.items():
        by_source.setdefault(type(kpi.source), {})[name] = kpi
    with ExitStack() as stack:
        sources: dict[str, Source] = {}
        for spec, own in by_source.items():
            served = spec.on_twin or not context.on_twin
            sources[spec.name] = stack.enter_context(spec.open(own, context)) if served else NotOnTwin()
        yield Sources(sources)
