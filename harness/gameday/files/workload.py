"""The workload file: what belongs to the workload, its modules and their KPIs, and the limits of every run."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from gameday.aws.kinds import KINDS
from gameday.aws.tags import TagKey
from gameday.graph import reached
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import Duration, Share
from gameday.steady_state.kpi.written import Prose, Written

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""A name of ours: lower case, digits and hyphens."""

Region = Annotated[str, Field(json_schema_extra={"pattern": "^[a-z]{2}-[a-z]+-[1-9]$"})]
"""A region; `gameday/aws/regions` lists them."""

AccountId = Annotated[str, Field(pattern=r"^\d{12}$", json_schema_extra={"type": ["string", "integer"]})]
"""An account id, read as text, quoted or not: the loader takes what was written."""


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


Role = Annotated[str, Field(pattern=r"^arn:aws:iam::\d{12}:role/([a-zA-Z0-9_+=,.@-]+/)*[a-zA-Z0-9_+=,.@-]{1,64}$")]
"""The ARN of an IAM role, its path included (IAM User Guide, "IAM identifiers")."""


class OwnsBase(Written):
    """What belongs to a workload or a module: resources by tags, and resources of each kind by name."""

    tags: dict[TagKey, str] = Field({}, description="resources that carry all of these tags")

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names that the file gives, by the key of their kind: {"functions": ("payments",)}."""
        return {key: names for key in KINDS if (names := getattr(self, key))}


if TYPE_CHECKING:
    Owns = OwnsBase
else:  # a field for each kind, so that schema and mistakes know them
    Owns = create_model(
        "Owns",
        __base__=OwnsBase,
        __doc__=OwnsBase.__doc__,
        **{kind.owned_as: (tuple[str, ...], Field((), description=kind.described)) for kind in KINDS.values()},
    )


class Module(Written):
    """A part of the workload that should fail alone: what it owns, what it needs and what it tolerates."""

    owns: Owns = Field(description="what belongs to the module, by tags or names")
    needs: tuple[Name, ...] = Field((), description="modules that it fails with")
    tolerates: tuple[Name, ...] = Field((), description="modules that it calls but works without")


class Limits(Written):
    """How far any run may go; on the twin what would refuse is a warning."""

    module_share: Share = Field(0.5, gt=0, le=1, description="of a module's instances that one run may hit")
    instances: int = Field(20, ge=1, description="that one run may hit")
    exposure: Duration = Field(900.0, gt=0, description="the longest that faults may last, effect and undo included")


class Freeze(Written):
    """Days on which nothing is injected on an account, both ends included."""

    from_: Day = Field(alias="from", description="the first day, like 2026-12-20")
    to: Day = Field(description="the last day")
    why: Prose = Field(description="what a refusal says")

    @model_validator(mode="after")
    def _in_order(self) -> Freeze:
        if self.to < self.from_:
            msg = f"a freeze ends on its last day or before it begins: {self.from_} to {self.to}"
            raise ValueError(msg)
        return self


class Budget(Written):
    """How often judgement may err."""

    false_abort: Share = Field(0.0001, gt=0, lt=0.5, description="chance that the guard aborts a healthy run")
    false_verdict: Share = Field(0.05, gt=0, lt=0.5, description="chance that a verdict is wrong")


class Workload(Written):
    """The resources and processes that together provide one atomic business function."""

    version: Literal[1] = Field(description="of these files' dialect")
    kind: Literal["workload"] = Field(description="what this file is")
    name: Name = Field(description="what reports and plans call it")
    provides: Prose = Field(min_length=1, description="the business function, in one sentence")
    account: AccountId = Field(description="any other account refuses; the twin takes this id")
    regions: tuple[Region, ...] = Field(min_length=1, description="where it runs, like us-east-1")
    production: bool = Field(False, description="true refuses unless the command line says --production")
    twin: str | None = Field(None, description="the file that says how the twin plays it, relative to this one")
    owns: Owns = Field(description="what belongs to the workload at all: subnets, load balancers, …")
    opt_in: dict[TagKey, str] | None = Field(
        {"gameday": "allowed"}, description="targets must carry this tag; null asks for none"
    )
    role: Role | None = Field(
        None, description="assumed on an account: to read, to inject only what is planned, and to undo only that"
    )
    store: Store | None = Field(
        None, description="where a team keeps journal and lease: s3://bucket/prefix; an account run needs it"
    )
    limits: Limits = Field(Limits(), description="how far any run may go; on the twin what would refuse is a warning")
    freezes: tuple[Freeze, ...] = Field((), description="days on which nothing is injected on an account")
    budget: Budget = Field(Budget(), description="how often judgement may err")
    modules: dict[Name, Module] = Field(min_length=1, description="the parts that should fail alone, by name")
    kpis: dict[Name, Kpi] = Field(min_length=1, description="what healthy means, by name")

    def suffers_with(self, hit: frozenset[str]) -> frozenset[str]:
        """The modules that may suffer when `hit` do: those, and all that need them, transitively (cycles are fine)."""
        needed_by: dict[str, list[str]] = {}
        for name, module in self.modules.items():
            for needed in module.needs:
                needed_by.setdefault(needed, []).append(name)
        return reached(hit, needed_by)
