"""All jobs of the table. They are not in `__main__`, because spawned processes do not import it."""

from __future__ import annotations

import time
from importlib import import_module

from tests.calibrate.row import Job, Row

GROUPS = (
    *("delay", "false_aborts", "recovery", "isolation", "loss", "regression", "twin"),
    *("held_out", "unseen", "unseen_guard"),
)
"""Modules of this directory, each with its `JOBS`."""
QUICK = 0.01


def jobs(words: str = "") -> list[Job]:
    """Return the jobs whose name contains `words`, in the order of the table."""
    table = [job for group in GROUPS for job in import_module(f"tests.calibrate.{group}").JOBS]
    return [job for job in table if words in job.name]


def fill(task: tuple[int, float]) -> tuple[list[Row], float]:
    """Return the rows of a job, and the seconds that they took."""
    began = time.monotonic()
    return jobs()[task[0]].fill(task[1]), time.monotonic() - began
