"""Redundancy checks: what an account and a twin file show without any fault. Reads only."""

from __future__ import annotations

from gameday.checks import peaks, shared, waiting, zones
from gameday.checks.finding import Check

CHECKS: tuple[Check, ...] = (*zones.CHECKS, *peaks.CHECKS, *shared.CHECKS, *waiting.CHECKS)
"""Every kind of finding, by its stable id."""
