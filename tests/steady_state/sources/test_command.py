from __future__ import annotations

import sys
import threading

import pytest
from gameday.steady_state.clock import WallClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import SourceContext
from gameday.steady_state.samples import Sample
from gameday.steady_state.sources import open_sources
from gameday.steady_state.sources.command import CommandSource, Program, parse, run

from tests.steady_state.sources.calls import no_aws
from tests.steady_state.streams import kpi
from tests.waiting import until


def python(script: str, **more: str) -> dict[str, object]:
    return {"command": {"run": [sys.executable, "-c", script], **more}}


def queue(script: str, **more: str) -> Kpi:
    return kpi(gauge=python(script, **more), bound={"at_most": 10})


def jobs(script: str) -> Kpi:
    return kpi(ratio={"total": python(script)}, bound={"at_least": "99%"})


def sampled(own: Kpi) -> tuple[tuple[Sample, ...], list[str]]:
    """Run the KPI's program twice by hand, for the bins that end at 20 and 30."""
    source = CommandSource({"it": own}, WallClock())
    source.sample("it", 20.0)
    source.sample("it", 30.0)
    reading = source.read({"it": own}, 0, 30)
    return reading.samples["it"], [*reading.remarks]


def test_a_gauge_is_the_number_on_the_last_line() -> None:
    series, remarks = sampled(queue("print('looking …'); print(12)"))
    assert series == (Sample(10, 10, 1, 1, 12.0), Sample(20, 10, 1, 1, 12.0))
    assert remarks == []


def test_a_ratio_is_good_and_bad() -> None:
    series, remarks = sampled(jobs("print(98, 2)"))
    assert series[0] == Sample(10, 10, 100, 2, 0.98)
    assert sampled(jobs("print(0, 0)"))[0][0] == Sample(10, 10, 0, 0, None)
    assert remarks == []


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (queue("print('many')"), "its last line must be one number; it is 'many'"),
        (queue("print(1, 2)"), "its last line must be one number; it is '1 2'"),
        (queue("print('nan')"), "its last line must be one number; it is 'nan'"),
        (queue("pass"), "its last line must be one number; it is ''"),
        (jobs("print(7)"), "its last line must be two counts, `good bad`; it is '7'"),
        (jobs("print(7, -1)"), "its last line must be two counts, `good bad`; it is '7 -1'"),
        (queue("import sys; sys.exit('no such queue')"), "ended with exit code 1: no such queue"),
    ],
)
def test_wrong_output_is_a_gap_with_one_remark(own: Kpi, reason: str) -> None:
    series, remarks = sampled(own)
    assert series == ()
    assert len(remarks) == 1
    assert remarks[0].startswith("it has a gap: ")
    assert remarks[0].endswith(reason)


def test_slow_program_is_a_gap() -> None:
    spec = Program.model_validate(
        {"run": [sys.executable, "-c", "input_ = __import__('threading').Event().wait()"], "timeout": "200ms"}
    )
    with pytest.raises(ValueError, match=r"took longer than 0\.2s"):
        run(spec)


@pytest.mark.parametrize("program", ["/no/such/program", "/"])
def test_program_that_does_not_start_is_a_gap(program: str) -> None:
    with pytest.raises(ValueError, match="does not start"):
        run(Program.model_validate({"run": [program]}))


def test_no_shell_reads_the_arguments() -> None:
    script = "import sys; print(sys.argv[1])"
    spec = Program.model_validate({"run": [sys.executable, "-c", script, "$(echo 7); `echo 8` | cat"]})
    assert run(spec) == "$(echo 7); `echo 8` | cat\n"


@pytest.mark.parametrize(("text", "numbers"), [("7\n", (7.0,)), ("a\n\n-1.5e3 \n\n", (-1500.0,))])
def test_parse_reads_the_last_line(text: str, numbers: tuple[float, ...]) -> None:
    assert parse(text, "gauge") == numbers


def test_programs_run_until_the_block_ends() -> None:
    own, start, clock = queue("print(3)", every="50ms"), WallClock().now(), WallClock()
    with open_sources({"it": own}, SourceContext(clock, no_aws)) as source:
        series = until(lambda: source.read({"it": own}, start - 1, clock.now()).samples["it"])
    assert series[0].value == 3
    assert not [thread for thread in threading.enumerate() if thread.name == "command-it"]
