"""CPU seconds of the twin: its world, and ten minutes of the storefront in which a zone is lost, with what they go to.

    python -m tests.benchmarks.bench_twin

Machines differ and are shared: the fixed loop of plain Python beside it says how fast this one is right now.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from gameday.change import Call
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
REGION = "us-east-1"


class Meter:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}

    def of(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, its time counted as this part's."""

        def metered(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.parts[part] = self.parts.get(part, 0.0) + time.process_time() - began

        return metered


def say(what: str, seconds: float, note: str = "") -> None:
    sys.stdout.write(f"{what:<44} {seconds:7.3f}s CPU  {note}\n")


def experiment(twin: Any, workload: Workload) -> Meter:
    """Ten minutes: a zone under a deny-all ACL for half of it, one KPI read each second, all every 15 seconds."""
    from tests.doubles.play import metrics_of
    from tests.replay import Customers

    meter = Meter()
    meter.parts["traffic"] = 0.0
    twin._traffic.advance = meter.of("traffic", twin._traffic.advance)
    source = metrics_of(twin.aws)
    read = meter.of("reading KPIs", source.read)
    calls = meter.of("calls of the fault and its undo", lambda work: work())
    customers = Customers(twin)
    open_again: Callable[[], None] | None = None
    lived = meter.of("living (traffic included)", twin.clock.sleep)
    for second in range(600):
        now = twin.clock.now()
        lived(1)
        read({"orders": workload.kpis["orders"]}, now, now + 1)
        if second % 15 == 0:
            read(workload.kpis, now - 15, now)
        if second == 150:
            open_again = calls(lambda: customers.close_zone("us-east-1a"))
        if second == 450 and open_again:
            calls(open_again)
    return meter


def main() -> None:
    """Print the figures."""
    workload, twin_file = (yaml.safe_load((STOREFRONT / name).read_text()) for name in ("workload.yaml", "twin.yaml"))
    files = Workload.model_validate(workload), TwinFile.model_validate(twin_file)
    began = time.process_time()
    from gameday.twin.twin import Twin

    say("loading moto and boto3", time.process_time() - began)
    for what in ("first world, 30s of warm-up included", "again", "and again"):
        began = time.process_time()
        with Twin(*files):
            say(what, time.process_time() - began)

    with Twin(*files) as twin:
        began = time.process_time()
        twin.clock.sleep(600)
        say("10 min at 50/s, nothing happens", time.process_time() - began)
    with Twin(*files) as twin:
        began = time.process_time()
        meter = experiment(twin, files[0])
        whole = time.process_time() - began
        say("10 min at 50/s, a zone lost for 5 of them", whole)
        controllers = meter.parts.pop("living (traffic included)") - meter.parts["traffic"]
        for part, seconds in {**meter.parts, "controllers and moto": controllers}.items():
            say(f"  {part}", seconds, f"{seconds / whole:4.0%}")

    with Twin(*files) as twin:
        describe = Call(service="ec2", operation="describe_network_acls")
        began = time.process_time()
        for _ in range(100):
            twin.aws.call(describe, REGION)
        say("one call to moto (mean of 100)", (time.process_time() - began) / 100)
    began = time.process_time()
    total = 0
    for number in range(2_000_000):
        total += number & 7
    say("calibration loop", time.process_time() - began)


if __name__ == "__main__":
    main()
