"""Where a KPI's numbers come from: what every source says of itself, and what it answers when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, get_args

from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.registry import Registry
from gameday.steady_state.samples import Series
from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticKnownError, core_schema

if TYPE_CHECKING:
    from gameday.steady_state.kpi.kpi import Kpi

Kind = Literal["ratio", "latency", "rate", "gauge"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Unfit(ValueError):
    """A source answers, but never with what a KPI asks for: the KPI must be written otherwise."""


class Unanswered(ValueError):
    """AWS did not answer a call, and why."""


FOREIGN = (LookupError, TypeError, ValueError, AttributeError)
"""What reading an answer of another shape raises, which came from something else than the server that was asked."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source answers: samples by the KPI's name, and what it could not read since the last reading."""

    samples: Mapping[str, Series]
    remarks: tuple[str, ...] = ()


class Source(Protocol):
    """Something that knows the samples of KPIs."""

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """The complete bins that begin at `start` or later and end by `end`, for each KPI (seconds since the epoch).

        What is not there is a gap. Reading the same stretch again gives late points, and corrected ones.
        """
        ...


class CallAws(Protocol):
    """Calls AWS to read only, in the run's region unless another is named."""

    def __call__(
        self, operation: str, params: Mapping[str, JsonValue], *, paged: bool = False, region: str | None = None
    ) -> Any:  # JSON
        """The answer to `service.operation`, with `paged` all its pages merged. Raises Unanswered saying why."""
        ...


class HeardClocks(Protocol):
    """Takes what time a source says it is, to compare its clock with ours."""

    def now(self) -> float:
        """Our time, in seconds since the epoch."""
        ...

    def heard(self, name: str, date: str | None, sent: float) -> None:
        """A source says that it is `date` (as HTTP writes it), in answer to a request sent at that time."""
        ...


@dataclass(frozen=True)
class SourceContext:
    """What a source is opened with."""

    clock: Clock
    call: CallAws
    on_twin: bool = False  # the twin's metrics come at once, an account's late
    clocks: HeardClocks | None = None


def read_or_gap(source: Source, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
    """Read KPIs; where the source raises, the stretch is a gap, and a remark says why."""
    try:
        reading = source.read(kpis, start, end)
    except Exception as error:  # noqa: BLE001 - packages of others add sources, and no error of one may end a run
        why = " ".join(f"{type(error).__name__}: {error}".split())
        return Reading({}, (f"{', '.join(kpis)}: a read failed, which leaves a gap: {why}",))
    return Reading({name: series for name, series in reading.samples.items() if name in kpis}, reading.remarks)


class SourceSpec(Written):
    """Where a number comes from: the key that names the source, and what that source reads besides.

    A source is a subclass: its fields are the keys of the YAML mapping, and one of them is the source's own name.
    """

    name: ClassVar[str]  # the key that names it
    title: ClassVar[str]  # what people call it
    example: ClassVar[str]  # a mapping in YAML
    kinds: ClassVar[tuple[Kind, ...]] = KINDS  # what can be read from it
    counts_both: ClassVar[bool] = False  # counts good and bad together: a ratio names it once, under `total`
    calls: ClassVar[tuple[str, ...]] = ()  # what it calls of AWS, as service.operation; the policy allows these
    has_past: ClassVar[bool] = False  # knows of the time before it was opened
    is_late: ClassVar[bool] = False  # on an account, bins come late and are corrected: the run measures how late
    on_twin: ClassVar[bool] = False  # the twin serves it, too

    @property
    def interval(self) -> float:
        """Seconds between two readings: the length of a bin."""
        raise NotImplementedError

    @property
    def lag(self) -> float:
        """Seconds after its end until a bin is known, on an account; more where it `is_late`."""
        return 0.0

    @property
    def zero_if_missing(self) -> bool:
        """Whether no number is zero, where the denominator reported."""
        return False

    @property
    def unit_seconds(self) -> float:
        """Latency: the seconds of one unit in which it counts."""
        return 1.0

    @property
    def where(self) -> str | None:
        """The region that it reads in; None: the run's region."""
        return None

    @property
    def metric_name(self) -> str:
        """The CloudWatch metric, as Namespace/MetricName; empty where none is read."""
        return ""

    @property
    def alarm_name(self) -> str | None:
        """The CloudWatch alarm; None where none is read."""
        return None

    @property
    def cost(self) -> str | None:
        """What AWS charges for, as the rest of a sentence whose subject is the KPI."""
        return None

    def misfit(self, kind: Kind) -> str | None:
        """Why it cannot be read as a KPI of this kind, which is one of `kinds`; None: it may be."""
        del kind
        return None

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """The source of these KPIs, for the length of a block. Raises Unfit where a KPI can never be answered."""
        raise NotImplementedError

    @classmethod
    def shape_of(cls, written: object) -> type[SourceSpec]:
        """The source that a mapping names; `SourceSpec` itself where it names none, or several, or an unusable one."""
        named = [spec for spec in SOURCES.known if isinstance(written, dict) and spec.name in written]
        return named[0] if len(named) == 1 else SourceSpec

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls is not SourceSpec:
            return handler(source)
        as_it_is = core_schema.simple_ser_schema("any")
        return core_schema.no_info_plain_validator_function(_read, serialization=as_it_is)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # Which sources there are is known only when somebody asks for all of them: the schema of files adds them.
        return handler(schema) if cls is not SourceSpec else {"format": "kpi-source"}


def _accept(name: str, found: object) -> type[SourceSpec]:
    if not (isinstance(found, type) and issubclass(found, SourceSpec)):
        msg = "it is no subclass of SourceSpec"
        raise ValueError(msg)
    if found.name != name or name not in found.model_fields:
        msg = f"its `name` and one of its fields must be `{name}`"
        raise ValueError(msg)
    return found


_OURS = "gameday.steady_state.sources"
SOURCES: Registry[type[SourceSpec]] = Registry(
    "gameday.kpi_sources",
    {
        "cloudwatch": f"{_OURS}.cloudwatch:CloudWatchSpec",
        "alarm": f"{_OURS}.alarm:AlarmSpec",
        "logs": f"{_OURS}.logs:LogsSpec",
        "http": f"{_OURS}.http:HttpSpec",
        "prometheus": f"{_OURS}.prometheus:PrometheusSpec",
        "command": f"{_OURS}.command:CommandSpec",
    },
    _accept,
)
"""Every source that a KPI can name."""


def _named(written: Mapping[str, object]) -> list[str]:
    """The sources that a mapping names; those of other packages where it names none of ours."""
    return [key for key in written if SOURCES.is_built_in(key)] or [key for key in written if key in SOURCES]


def _read(raw: object) -> SourceSpec:
    if isinstance(raw, SourceSpec):
        return raw
    if not isinstance(raw, dict):
        raise PydanticKnownError("model_type", {"class_name": "SourceSpec"})
    named = _named(raw)
    if len(named) == 1:
        return _read_as(SOURCES[named[0]], raw)
    if not named and (strange := [key for key in raw if not _readers(key)]):
        errors: list[InitErrorDetails] = [
            {"type": "extra_forbidden", "loc": (key,), "input": raw[key]} for key in strange
        ]
        raise ValidationError.from_exception_data("SourceSpec", errors)
    msg = f"a KPI reads from exactly one of {', '.join(SOURCES)}; found {' and '.join(named) or 'none'}"
    raise ValueError(msg)


def _read_as(spec: type[SourceSpec], raw: dict[str, JsonValue]) -> SourceSpec:
    for key in raw.keys() - spec.model_fields.keys():
        if readers := _readers(key):
            msg = f"`{spec.name}` does not read `{key}`: it is for {' and '.join(readers)}"
            raise ValueError(msg)
    # As JSON and strictly, as the loader reads files: lists may become tuples, and nothing else becomes another type.
    return spec.model_validate_json(json.dumps(raw), strict=True)


def _readers(key: str) -> list[str]:
    """The sources that have a key."""
    return [spec.name for spec in SOURCES.known if key in spec.model_fields]
