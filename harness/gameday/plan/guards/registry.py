"""All guards of a plan, in the order in which `gameday plan` prints and `gameday run` obeys them.

A code never changes its meaning, and is never used again. What can only be known after the baseline is in
`run/baseline_guards`, with codes from GD-P40 on.
"""

from __future__ import annotations

from gameday.plan.guards.account import account, region
from gameday.plan.guards.alarms import detector, kpi_alarms, stop_alarms
from gameday.plan.guards.clocks import clocks
from gameday.plan.guards.conditions import conditions, healing
from gameday.plan.guards.context import AccountContext, PlaceContext, PlanContext
from gameday.plan.guards.credentials import credentials
from gameday.plan.guards.guard import InjectionGuard
from gameday.plan.guards.kpis import kpi_sources
from gameday.plan.guards.limits import exposure, instances, module_share
from gameday.plan.guards.metrics import time_before
from gameday.plan.guards.own_instance import own_instance
from gameday.plan.guards.own_way import own_way
from gameday.plan.guards.production import freezes, production
from gameday.plan.guards.rates import call_rates
from gameday.plan.guards.saved_plan import saved_plan
from gameday.plan.guards.shared_targets import shared_targets
from gameday.plan.guards.store import lease, store
from gameday.plan.guards.subnet_owners import subnet_owners
from gameday.plan.guards.targets import faults, irreversible_actions, opt_in, shared_settings
from gameday.plan.guards.twin_load import twin_load
from gameday.plan.guards.undo_rights import inject_rights, session_policies, unchecked_rights, undo_rights

PLACE_GUARDS: tuple[InjectionGuard[PlaceContext], ...] = (
    InjectionGuard(region, refuses="GD-P01"),
    InjectionGuard(production, refuses="GD-P02"),
    InjectionGuard(freezes, refuses="GD-P03"),
    InjectionGuard(store, refuses="GD-P04", warns="GD-W04"),
)
"""Asked before any call: where one refuses, there is no plan."""

ACCOUNT_GUARDS: tuple[InjectionGuard[AccountContext], ...] = (InjectionGuard(account, refuses="GD-P05"),)
"""Asked once we know whose credentials these are, before anything else is read: where it refuses, there is no plan."""

READ_FAILED = "GD-P06"
"""A read failed while the plan was made, so there is no plan."""
NOT_RESTORABLE = "GD-P07"
"""A fault found a resource that is gone, is changing, or could not be put back, so there is no plan."""

PLAN_GUARDS: tuple[InjectionGuard[PlanContext], ...] = (
    InjectionGuard(twin_load, refuses="GD-P08"),
    InjectionGuard(faults, refuses="GD-P10", warns="GD-W10"),
    InjectionGuard(opt_in, refuses="GD-P11"),
    InjectionGuard(irreversible_actions, refuses="GD-P12"),
    InjectionGuard(shared_settings, refuses="GD-P13"),
    InjectionGuard(stop_alarms, refuses="GD-P14", warns="GD-W14"),
    InjectionGuard(detector, refuses="GD-P15", warns="GD-W15"),
    InjectionGuard(own_instance, refuses="GD-P16"),
    InjectionGuard(kpi_alarms, refuses="GD-P17"),
    InjectionGuard(kpi_sources, refuses="GD-P18"),
    InjectionGuard(call_rates, warns="GD-W19"),
    InjectionGuard(module_share, refuses="GD-P20", warns="GD-W20"),
    InjectionGuard(instances, refuses="GD-P21", warns="GD-W21"),
    InjectionGuard(exposure, refuses="GD-P22", warns="GD-W22"),
    InjectionGuard(undo_rights, refuses="GD-P23"),
    InjectionGuard(unchecked_rights, refuses="GD-P24", warns="GD-W24"),
    InjectionGuard(session_policies, refuses="GD-P25"),
    InjectionGuard(clocks, refuses="GD-P26", warns="GD-W26"),
    InjectionGuard(lease, refuses="GD-P27"),
    InjectionGuard(saved_plan, refuses="GD-P28"),
    InjectionGuard(conditions, refuses="GD-P29", warns="GD-W29"),
    InjectionGuard(shared_targets, refuses="GD-P30"),
    InjectionGuard(time_before, refuses="GD-P31"),
    InjectionGuard(healing, refuses="GD-P32"),
    InjectionGuard(inject_rights, refuses="GD-P35"),
    InjectionGuard(credentials, refuses="GD-P36", warns="GD-W36"),
    InjectionGuard(own_way, refuses="GD-P37", warns="GD-W37"),
    InjectionGuard(subnet_owners, refuses="GD-P38"),
)
"""Asked of a plan, all of them."""

GUARDS: tuple[InjectionGuard[PlanContext], ...] = (*PLACE_GUARDS, *ACCOUNT_GUARDS, *PLAN_GUARDS)
