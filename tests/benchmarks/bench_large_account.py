"""What a plan costs in a large account: requests, seconds under AWS's published rates, and memory.

    python -m tests.benchmarks.bench_large_account

The account has 1,000 functions, 1,000 tables and 10,000 instances of others, and the module has 20 functions, 20 tables
with 2 indexes each, and 10 stages. Seconds are virtual: what AWS's rates and round trips take, not this machine.
"""

from __future__ import annotations

import tracemalloc

from gameday.steady_state.clock import TestClock

from tests.doubles.crowded import Crowded, Strangers
from tests.doubles.estate import LARGE, plan_of
from tests.doubles.shop import open_shop

FAULTS = {
    "one function": {"throttle": {"function": "payments", "to": 0}},
    "one table": {"throttle": {"table": "ledger", "to": "10%"}},
    "the module": {"throttle": {"module": "payments", "to": 1}},
    "instances": {"terminate-instance": {"module": "web"}},
    "a zone": {"az-blackhole": {"zone": "us-east-1a"}},
}


def main() -> None:
    """Print one line for each fault."""
    print(f"{'fault':<16}{'requests':>10}{'throttled':>11}{'seconds':>9}{'memory':>10}   {Strangers()}")
    with open_shop(LARGE) as shop:
        for name, fault in FAULTS.items():
            clock = TestClock(1_800_000_000.0)
            account, began = Crowded(shop.account, clock), clock.now()
            tracemalloc.start()
            plan_of(shop, account, fault)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            seconds, sent = clock.now() - began, account.requests.total()
            print(f"{name:<16}{sent:>10}{account.throttled.total():>11}{seconds:>9.1f}{most / 1e6:>7.1f} MB")


if __name__ == "__main__":
    main()
