"""A fault resolved against the account: its changes, and the effect that proves it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gameday.change.base import Change
from gameday.change.call import Frozen
from gameday.change.condition import Condition
from gameday.change.created_resource import CreatedResource
from gameday.change.irreversible_action import IrreversibleAction
from gameday.change.probe import Probe
from gameday.change.setting_change import SettingChange

AnyChange = Annotated[SettingChange | CreatedResource | IrreversibleAction, Field(discriminator="kind")]
"""A change as pydantic reads it: its `kind` says which of the three it is."""


class Effect(Frozen):
    """The proof that a fault works: an effect read from the account, never our own write read back.

    The fault has taken effect as soon as any probe that covers nothing in particular holds. Where probes cover hit
    resources, all of them must hold at the same time. With `kpi`, that KPI must also have left its bound for certain.
    Without an effect within `deadline` seconds the run's verdict is unknown. The fault's time (`lasts`) starts at the
    effect.
    """

    about: str
    probes: tuple[Probe, ...]
    deadline: float = 300.0
    kpi: str | None = None  # the KPI that the experiment names as the proof
    blind_to: str = ""  # the traffic that the probes cannot show to be cut, in words: then a KPI must show it


class HitResource(Frozen):
    """A resource that a fault hits without a call that names it, like an instance whose subnet is cut off."""

    resource: str  # its kind, in words
    id: str


class PlannedFault(Frozen):
    """One fault, resolved against the account: stages of changes (each stage may depend on those before it).

    Within a stage the changes are independent and go out in parallel. Undo takes the stages in reverse.
    """

    fault: str  # its name in the catalogue
    label: str  # one line: what it will do
    stages: tuple[tuple[AnyChange, ...], ...]
    effect: Effect
    at: float = 0.0  # when it is injected, in seconds after the effect of the faults that begin at 0
    lasts: float | None = None  # how long it stays once it takes effect; None: until all faults end
    hit: tuple[HitResource, ...] = ()  # what it hits besides the targets of its changes
    cut_off: tuple[HitResource, ...] = ()  # what loses its network besides: its owners, by name
    hits: dict[str, float] = Field({})  # module → share of its capacity that the fault takes away, 0 to 1
    conditions: tuple[Condition, ...] = ()  # what must be true on AWS before anything is sent
    without_opt_in: tuple[str, ...] = ()  # targets that lack the workload's opt-in tag
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_timed(self) -> bool:
        """Whether it begins or ends apart from the others."""
        return self.at > 0 or self.lasts is not None

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, in the order of the stages."""
        return tuple(change for stage in self.stages for change in stage)

    @property
    def lost(self) -> tuple[str, ...]:
        """What all changes lose for good, in words."""
        return tuple(dict.fromkeys(what for change in self.changes for what in change.lost))

    @property
    def setting_changes(self) -> tuple[SettingChange, ...]:
        """The changes that set a setting."""
        return tuple(change for change in self.changes if isinstance(change, SettingChange))

    @property
    def irreversible_actions(self) -> tuple[IrreversibleAction, ...]:
        """The changes that nothing undoes."""
        return tuple(change for change in self.changes if isinstance(change, IrreversibleAction))
