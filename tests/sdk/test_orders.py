"""The orders example: its suite finds the three bugs of the shop as it was first written, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.waiting import LAST_NET

ROOT = Path(__file__).parent.parent.parent


def test_the_suite_finds_the_planted_bugs_and_nothing_else() -> None:
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
        "test_whichever_reply_is_lost_units_leave_the_stock_once",
        "test_a_queue_that_is_down_is_not_stormed",
        "test_a_throttle_in_the_warehouse_drops_no_order",
        "test_no_single_failure_loses_an_order",  # all single failures: it finds the first of the three again
    }, ran.stdout
    assert "4 failed, 7 passed" in ran.stdout
