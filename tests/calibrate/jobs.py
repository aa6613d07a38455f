"""All jobs of the table. Not in `__main__`, which spawned processes do not import."""

from __future__ import annotations

import time
from importlib import import_module

from tests.calibrate.row import Job, Row

GROUPS = ("delay", "false_aborts", "recovery", "isolation", "loss", "regression", "twin")
"""Modules of this directory, each with its `JOBS`."""
QUICK = 0.01


def jobs(words: str = "") -> list[Job]:
    """All jobs, in the order of the table."""
    found = [job for group in GROUPS for job in import_module(f"tests.calibrate.{group}").JOBS]
    return [job for job in found if words in job.name]


def fill(task: tuple[int, float]) -> tuple[list[Row], float]:
    """The rows of one job, and the seconds they took."""
    began = time.monotonic()
    return jobs()[task[0]].fill(task[1]), time.monotonic() - began
