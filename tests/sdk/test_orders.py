"""The orders example: its suite finds the three bugs of the shop's first version, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.waiting import LAST_NET

ROOT = Path(__file__).parent.parent.parent


def test_orders_suite_finds_only_the_planted_bugs() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "--tb=no",
        "experiments/orders",
        "-k",
        "not TestCustomers",
    ]
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "AWS_"))}
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=plain | {"ORDERS": "planted"},
        text=True,
        capture_output=True,
        timeout=LAST_NET,
        check=False,
    )
    assert set(re.findall(r"FAILED \S+::(\w+)", ran.stdout)) == {
        "test_place_with_lost_reply_takes_units_once",
        "test_announce_with_failing_queue_stops_after_three_tries",
        "test_ship_with_throttle_keeps_the_order",
        "test_no_single_failure_loses_an_order",  # searches all single failures, and finds the first bug again
    }, ran.stdout
    assert "4 failed, 7 passed" in ran.stdout
