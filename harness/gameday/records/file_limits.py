"""Names and sizes of the files of runs, for code that reads them without their models."""

from __future__ import annotations

LARGEST = 256 * 2**20
"""Bytes of the largest record that `read_record` reads; an hour of ten KPIs by the second is 5 MB."""
ENDING = ".refused.json"
"""The ending of a refusal's file. Readers of records skip it."""
