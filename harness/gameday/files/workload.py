"""The workload file: its resources, its modules, their KPIs, and the limits of every run."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from gameday.aws.kinds import KINDS, ResourceKind
from gameday.aws.tags import TagKey, TagValue
from gameday.graph import reached
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import Count, Duration, Share
from gameday.steady_state.kpi.written import Prose, Written

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""A name in Gameday: lower case letters, digits and hyphens."""

MOST_REGIONS = 50
"""More than AWS has."""

Region = Annotated[str, Field(json_schema_extra={"pattern": "^[a-z]{2}-[a-z]+-[1-9]$"})]
"""A region; `gameday/aws/regions` lists them."""

AccountId = Annotated[str, Field(pattern="^[0-9]{12}$", json_schema_extra={"type": ["string", "integer"]})]
"""An account id. The loader reads it as text, with or without quotes."""


STORE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?")
"""A bucket and a prefix. Source: Amazon S3 User Guide, "General purpose bucket naming rules", "Naming objects"."""


def _store(raw: object) -> object:
    if isinstance(raw, str) and STORE.fullmatch(raw):
        return raw
    msg = f"a store is written like s3://bucket/prefix; found {raw!r}"
    raise ValueError(msg)


Store = Annotated[str, BeforeValidator(_store), Field(json_schema_extra={"pattern": "^s3://"})]


def _day(raw: object) -> object:
    if isinstance(raw, date):
        return raw
    try:
        return date.fromisoformat(raw if isinstance(raw, str) and len(raw) == 10 else "")
    except ValueError:
        msg = f"a day is written like 2026-12-20; found {raw!r}"
        raise ValueError(msg) from None


Day = Annotated[date, BeforeValidator(_day)]


def _role(raw: object) -> object:
    partition = raw.split(":")[1] if isinstance(raw, str) and raw.startswith("arn:") and raw.count(":") > 1 else "aws"
    if partition != "aws":
        msg = f"the role is of partition {partition}, and Gameday serves the standard partition (aws) alone"
        raise ValueError(msg)
    return raw


def _zone(raw: object) -> object:
    from zoneinfo import ZoneInfo  # late: few files have a freeze

    try:
        ZoneInfo(raw if isinstance(raw, str) else "")
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError; OSError: the name of a folder
        msg = f"a time zone is named as IANA does, like Europe/Berlin or UTC; found {raw!r}"
        raise ValueError(msg) from None
    return raw


Zone = Annotated[str, BeforeValidator(_zone)]
"""A time zone by its IANA name."""

Role = Annotated[
    str,
    Field(pattern=r"^arn:aws:iam::[0-9]{12}:role/([a-zA-Z0-9_+=,.@-]+/)*[a-zA-Z0-9_+=,.@-]{1,64}$"),
    BeforeValidator(_role),
]
"""The ARN of an IAM role, its path included (IAM User Guide, "IAM identifiers")."""


class OwnsBase(Written):
    """The resources of a workload or a module: by tags, and of each kind by name."""

    tags: dict[TagKey, TagValue] = Field({}, description="resources that have all of these tags")

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names that the file gives, by the key of their kind: {"functions": ("payments",)}."""
        return {key: names for key in KINDS if (names := getattr(self, key))}


def _names(kind: ResourceKind) -> object:
    return tuple[Annotated[str, Field(pattern=kind.pattern)], ...]


if TYPE_CHECKING:
    Owns = OwnsBase
else:  # a field for each kind, so that schema and mistakes know them
    Owns = create_model(
        "Owns",
        __base__=OwnsBase,
        __doc__=OwnsBase.__doc__,
        **{kind.owned_as: (_names(kind), Field((), description=kind.described)) for kind in KINDS.values()},
    )


class Module(Written):
    """A part of the workload that should fail alone: what it owns, and which modules it needs and tolerates."""

    owns: Owns = Field(description="the resources of the module, by tags or names")
    needs: tuple[Name, ...] = Field((), description="modules without which it fails")
    tolerates: tuple[Name, ...] = Field((), description="modules that it calls, but can work without")


class Limits(Written):
    """The limits of any run. On an account they refuse; on the twin they warn."""

    module_share: Share = Field(0.5, gt=0, le=1, description="the share of a module's instances that one run may hit")
    instances: Count = Field(20, ge=1, description="how many instances one run may hit")
    exposure: Duration = Field(
        900.0, ge=1, description="how long faults may last, including the time until they take effect"
    )


FIRST, LAST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""The time zones in which a day begins first and ends last (IANA: Pacific/Kiritimati and Etc/GMT+12)."""


class Freeze(Written):
    """Days on which no run injects into an account; the first and the last day count."""

    from_: Day = Field(alias="from", description="the first day, like 2026-12-20")
    to: Day = Field(description="the last day")
    zone: Zone | None = Field(
        None,
        description="the time zone of these days, like Europe/Berlin; by default they count from their begin in the "
        "first place on earth to their end in the last",
    )
    why: Prose = Field(description="the reason, for refusals")

    @model_validator(mode="after")
    def _in_order(self) -> Freeze:
        if self.to < self.from_:
            msg = f"the last day of a freeze is before its first: {self.from_} to {self.to}"
            raise ValueError(msg)
        return self

    def covers(self, now: float) -> bool:
        """Whether an instant, in seconds since the epoch, is in the freeze."""
        from zoneinfo import ZoneInfo

        first, last = (ZoneInfo(self.zone), ZoneInfo(self.zone)) if self.zone else (FIRST, LAST)
        return self.from_ <= datetime.fromtimestamp(now, first).date() and (
            datetime.fromtimestamp(now, last).date() <= self.to
        )


class Budget(Written):
    """How often a judgement may be wrong."""

    false_abort: Share = Field(0.0001, gt=0, lt=0.5, description="the probability that the guard aborts a healthy run")
    false_verdict: Share = Field(0.05, gt=0, lt=0.5, description="the probability that the verdict of a run is wrong")


class Workload(Written):
    """The resources and processes that together provide one atomic business function."""

    version: Literal[1] = Field(description="the version of the file format")
    kind: Literal["workload"] = Field(description="the kind of this file")
    name: Name = Field(description="its name in reports and plans")
    provides: Prose = Field(min_length=1, description="the business function, in one sentence")
    account: AccountId = Field(description="a run refuses any other account; the twin has this id")
    regions: tuple[Region, ...] = Field(
        min_length=1, max_length=MOST_REGIONS, description="its regions, like us-east-1"
    )
    production: bool = Field(False, description="true: a run on the account needs --production")
    twin: str | None = Field(None, description="the twin file, relative to this file")
    owns: Owns = Field(description="all resources of the workload: subnets, load balancers, …")
    opt_in: dict[TagKey, TagValue] | None = Field(
        {"gameday": "allowed"}, description="the tag that targets must have; null: none"
    )
    role: Role | None = Field(
        None, description="the role that a run on an account assumes; each session may only do what the plan needs"
    )
    store: Store | None = Field(
        None, description="the team's store of journals and leases, as s3://bucket/prefix; runs on an account need it"
    )
    limits: Limits = Field(Limits(), description="the limits of any run; on the twin they only warn")
    freezes: tuple[Freeze, ...] = Field((), description="days on which no run injects into an account")
    budget: Budget = Field(Budget(), description="how often a judgement may be wrong")
    modules: dict[Name, Module] = Field(min_length=1, description="the parts that should fail alone, by name")
    kpis: dict[Name, Kpi] = Field(min_length=1, description="what healthy means, by name")

    def suffers_with(self, hit: frozenset[str]) -> frozenset[str]:
        """Return the modules that may suffer with `hit`: those, and all that need them, also indirectly."""
        needed_by: dict[str, list[str]] = {}
        for name, module in self.modules.items():
            for needed in module.needs:
                needed_by.setdefault(needed, []).append(name)
        return reached(hit, needed_by)
