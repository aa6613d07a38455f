"""Examinations of a workload on its account, before any experiment: what is missing for a run. They only read.

One write is the exception: a store without a proof of its conditional writes gets a probe, as before every first run.
"""

from __future__ import annotations

from gameday.doctor.examination import Examination
from gameday.doctor.experiments import experiments
from gameday.doctor.identity import identity
from gameday.doctor.kpis import kpis
from gameday.doctor.opt_in import opt_in
from gameday.doctor.quotas import quotas
from gameday.doctor.route import route
from gameday.doctor.session_policies import session_policies
from gameday.doctor.store import store
from gameday.doctor.zones import zones

EXAMINATIONS: tuple[Examination, ...] = (
    identity,
    route,
    store,
    experiments,
    session_policies,
    opt_in,
    kpis,
    quotas,
    zones,
)
"""All examinations, in the order in which they are made."""
