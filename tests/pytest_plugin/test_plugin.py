"""The pytest plugin as its users meet it: projects of their own, run by pytest inside this process or beside it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from gameday.engine.journal import Journal

pytest_plugins = ("pytester",)

WORKLOAD = """
version: 1
kind: workload
name: tiny
provides: Orders are taken, and news are read.
account: "111122223333"
regions: [us-east-1]
twin: twin.yaml
owns: {tags: {app: tiny}}
modules:
  shop: {owns: {functions: [shop]}, needs: [pay]}
  pay: {owns: {functions: [pay]}}
  news: {owns: {functions: [news]}}
kpis:
  orders:
    tier: business
    module: shop
    ratio: {bad: {cloudwatch: Tiny/Failed, period: 1s, missing: zero}, total: {cloudwatch: Tiny/Tried, period: 1s}}
    bound: {at_least: 95%}
  news-read:
    tier: business
    module: news
    ratio: {bad: {cloudwatch: Tiny/Unread, period: 1s, missing: zero}, total: {cloudwatch: Tiny/Asked, period: 1s}}
    bound: {at_least: 95%}
"""
TWIN = """
version: 1
kind: twin
zones: [us-east-1a, us-east-1b]
warm_up: 5s
modules:
  shop: {function: {}, latency: {p50: 5ms, p95: 10ms}, calls: [{to: pay}]}
  pay: {function: {}, latency: {p50: 5ms, p95: 10ms}}
  news: {function: {}, latency: {p50: 5ms, p95: 10ms}}
customers:
  rate: 40/s
  journeys: {buy: {share: 50%, enters: shop}, read: {share: 50%, enters: news}}
metrics:
  Tiny/Tried: {journey: buy, count: tried}
  Tiny/Failed: {journey: buy, count: failed}
  Tiny/Asked: {journey: read, count: tried}
  Tiny/Unread: {journey: read, count: failed}
"""


def experiment(name: str, module: str, **keys: str) -> str:
    written = {
        "version": "1",
        "kind": "experiment",
        "name": name,
        "workload": "workload.yaml",
        "hypothesis": f"Orders are taken without {module}.",
        "steady_state": "[orders]",
        "baseline": "1m",
        "faults": f"[{{throttle: {{module: {module}, to: 0}}}}]",
        "lasts": "30s",
        **keys,
    }
    return "".join(f"{key}: {value}\n" for key, value in written.items())


HELD, BROKEN = experiment("no-news", "news"), experiment("no-pay", "pay")
INLINE = """
def run(gameday_run, **keys):
    return gameday_run(**{
        "workload": "exp/workload.yaml", "steady_state": ["orders"], "baseline": "1m", "lasts": "30s",
        "faults": [{"throttle": {"module": "pay", "to": 0}}], **keys,
    })
"""


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytester forgets what a run imported; numpy and moto cannot be imported twice, so they are before."""
    import gameday.pytest_plugin.collection
    import gameday.pytest_plugin.fixtures
    import gameday.pytest_plugin.summary  # noqa: F401
    from gameday.cli.run import request_of
    from gameday.files.load import load_experiment
    from gameday.run.experiment import ExperimentRunner

    folder = tmp_path_factory.mktemp("tiny")
    for name, text in {"workload": WORKLOAD, "twin": TWIN, "no-pay": BROKEN}.items():
        (folder / f"{name}.yaml").write_text(text)
    ExperimentRunner(Journal.open(folder)).experiment(
        request_of(load_experiment(folder / "no-pay.yaml"), "twin", 0, False)
    )


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, loaded_once: None) -> pytest.Pytester:
    """A project with a workload, and experiments to be collected from exp/."""
    monkeypatch.setenv("GAMEDAY_HOME", str(pytester.path / "home"))
    pytester.makeini("[pytest]\naddopts = --strict-markers\ngameday_experiments = exp/*.yaml\n")
    (pytester.path / "exp").mkdir()
    write(pytester, workload=WORKLOAD, twin=TWIN)
    return pytester


def write(project: pytest.Pytester, **files: str) -> None:
    for name, text in files.items():
        (project.path / "exp" / f"{name.replace('_', '-')}.yaml").write_text(text)


def output(result: pytest.RunResult) -> str:
    return result.stdout.str()


def test_experiments_are_items_selected_by_name_fault_and_module(project: pytest.Pytester) -> None:
    day = "version: 1\nkind: gameday\nname: day\nworkload: workload.yaml\nexperiments: [no-news.yaml]\n"
    write(project, no_news=HELD, no_pay=BROKEN, day=day)
    for words, ids in {
        (): ["exp/no-news.yaml::no-news", "exp/no-pay.yaml::no-pay"],
        ("-k", "pay"): ["exp/no-pay.yaml::no-pay"],
        ("-k", "throttle and tiny and not pay"): ["exp/no-news.yaml::no-news"],
        ("-m", "not gameday"): [],
    }.items():
        result = project.runpytest_inprocess("--collect-only", "-q", *words)
        assert [line for line in result.outlines if "::" in line] == ids
        assert not result.errlines


def test_mistake_in_yaml_is_a_collection_error(project: pytest.Pytester) -> None:
    write(project, typo=HELD.replace("to: 0", "too: 0"), kind=HELD.replace("experiment\n", "experimnet\n"), good=HELD)
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "exp/kind.yaml:2:7: there is no kind `experimnet` [[]GD-F07[]]",
            "*did you mean `experiment`?",
            "exp/typo.yaml:8:36: unknown key `too` [[]GD-F04[]]",
            "*│ faults: [[]{throttle: {module: news, too: 0}}]",
            "*did you mean `to`?",
        ]
    )
    assert "Traceback" not in output(result)


def test_verdicts_become_outcomes_of_pytest(project: pytest.Pytester) -> None:
    twice = "[{throttle: {module: pay, to: 0}}, {throttle: {module: pay, to: 1}}]"
    write(
        project,
        broken=BROKEN,
        held=experiment("no-news", "news", isolation="{margin: 5%}", recovery="{within: 20s, from: undo}"),
        refused=experiment("twice", "pay", faults=twice),
        unknown=experiment("too-weak", "pay", faults="[{throttle: {module: pay, to: 900}}]"),
    )
    result = project.runpytest_inprocess("--junitxml=junit.xml", "--gameday-reports=out", "-rs")
    result.assert_outcomes(passed=1, failed=1, errors=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "no-pay (twin): Broken: orders while the fault lasted: 0% of *",
            "  broken: orders during: 0% of *; claimed at least 95%",
            "  orders, bound: at least 95%",
            "  100% █*█│▁*▁│*█",
            "    0% before 1m *│during 1m*│after 1m",
            "  repeat: pytest 'exp/broken.yaml::no-pay'",
            "*= gameday =*",
            "✗  no-pay * broken (twin) * restored",
            "✓  no-news * held (twin) * 1 contained, 1 not judged  restored",
            "–  twice * refused * untouched",
            "[?]  too-weak * unknown (twin) * restored",
            "SKIPPED * not injecting: throttle and throttle would both change *",
        ]
    )
    for hint in ("Traceback", "gameday/", "AssertionError"):
        assert hint not in output(result)
    cases = {case.get("name"): case for case in ET.parse(project.path / "junit.xml").iter("testcase")}
    kinds = {name: {child.tag for child in case} & {"failure", "error", "skipped"} for name, case in cases.items()}
    assert kinds == {"no-pay": {"failure"}, "no-news": set(), "twice": {"skipped"}, "too-weak": {"error"}}
    found = {one.get("name"): one.get("value") for one in cases["no-news"].iter("property")}
    assert found["gameday.verdict"] == "held"
    assert found["gameday.recovery"] == "not degraded"
    assert len(found["gameday.plan"] or "") == 64
    assert (project.path / "out" / "exp-broken.yaml--no-pay" / "no-pay.json").is_file()


def test_assertion_about_a_run_shows_its_details(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_pay=INLINE
        + """
def test_orders_need_no_payments(gameday_run):
    '''Orders are taken without payments.'''
    record = run(gameday_run)
    assert record.verdict == "broken"
    assert not record.held
    assert record.contained and record.restored
    assert record.recovered_within("10s", since="undo", sustained="20s")
    assert record.recovered_within("20s", sustained="10s")
"""
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       assert record.recovered_within("20s", sustained="10s")',
            "E *orders-need-no-payments (twin): not recovered within 20s of impact: orders: not back *",
            "E         claimed: Orders are taken without payments.",
            "E         100% █*█│▁*▁│*█",
            "test_pay.py:*: AssertionError",
        ]
    )
    assert "pytest_plugin/" not in output(result)
    assert "where" not in output(result)


def test_an_assertion_of_something_else_is_left_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_pay=INLINE
        + """
def test_it(gameday_run):
    record = run(gameday_run)
    if not record.held:
        assert 1 + 1 == 3
"""
    )
    result = project.runpytest_inprocess()
    result.stdout.fnmatch_lines(["E           assert (1 + 1) == 3"])


def test_mistake_in_a_test_shows_there(project: pytest.Pytester) -> None:
    write(project, alone=WORKLOAD.replace("twin: twin.yaml\n", ""))
    project.makepyfile(
        test_wrong=INLINE
        + """
def test_typo(gameday_run):
    run(gameday_run, steady_state=["order"], lasts=5)

def test_deep(gameday_run):
    low = {"at_least": "50%", "at_lest": "50%"}
    run(gameday_run, faults=[{"throttle": {"module": "pay", "too": 0}}], guard={"orders": low}, during={"orders": low})

def test_no_file(gameday_run):
    gameday_run("exp/no-nws.yaml")

def test_no_path(gameday_run):
    run(gameday_run, workload=None)

def test_no_workload(gameday_run):
    run(gameday_run, workload="workload.yml")

def test_nothing(gameday_run):
    gameday_run()

def test_object(gameday_run):
    run(gameday_run, during={"orders": object()})

def test_no_twin(gameday_twin):
    gameday_twin("exp/alone.yaml")

def test_no_seed(gameday_twin):
    gameday_twin("exp/workload.yaml", seed=-1)

def test_two_twins(gameday_twin):
    gameday_twin("exp/workload.yaml")
    gameday_twin("exp/workload.yaml")
"""
    )
    write(project, no_news=HELD)
    result = project.runpytest_inprocess("test_wrong.py")
    result.assert_outcomes(failed=10)
    result.stdout.fnmatch_lines(
        [
            "test_wrong.py::test_typo: lasts: `lasts`: a duration needs a number and a unit*",
            "test_wrong.py::test_typo: steady_state[[]0[]]: there is no KPI `order` [[]GD-F08[]]",
            "*did you mean `orders`?",
            "test_wrong.py::test_deep: faults[[]0[]].throttle.too: unknown key `too` [[]GD-F04[]]",
            "test_wrong.py::test_deep: guard.orders.at_lest: unknown key `at_lest` [[]GD-F04[]]",
            "*no-nws.yaml: there is no such file [[]GD-F01[]]",
            "*did you mean `no-news.yaml`?",
            "None is not a path [[]GD-E121[]]",
            "*workload.yml: there is no such file [[]GD-F01[]]",
            "*did you mean `*/exp/workload.yaml`?",
            "gameday_run takes an experiment file, or the keys of one as keywords [[]GD-E121[]]",
            "gameday_run: YAML cannot hold a value: *object*",
            "*alone.yaml names no twin [[]GD-E113[]]",
            "seed: -1 is not a whole number from 0 [[]GD-E121[]]",
            "a twin is already running in this process [[]GD-E100[]]",
        ]
    )
    for hint in ("Traceback", "During handling", "direct cause"):
        assert hint not in output(result)


def test_a_time_without_its_unit_is_shown_in_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_pay=INLINE + "\ndef test_it(gameday_run):\n    assert run(gameday_run).recovered_within('5')\n"
    )
    result = project.runpytest_inprocess()
    result.stdout.fnmatch_lines(
        [
            ">       assert run(gameday_run).recovered_within('5')",
            "E       gameday.errors.InvalidInput: recovered_within: within: a duration needs a number and a unit*",
            '*write it like record.recovered_within("5m", since="undo")',
        ]
    )
    assert "pydantic" not in output(result)


def test_a_twin_is_an_account_with_customers(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
def test_it(gameday_twin):
    twin = gameday_twin("exp/workload.yaml", seed=3)
    names = {one["FunctionName"] for one in twin.client("lambda").list_functions()["Functions"]}
    assert names == {"shop", "pay", "news"}
    twin.client("lambda").put_function_concurrency(FunctionName="pay", ReservedConcurrentExecutions=0)
    before = twin.now
    twin.live(10)
    assert twin.now == before + 10

def test_the_next_one_is_another(gameday_twin):
    answer = gameday_twin("exp/workload.yaml").client("lambda").get_function_concurrency(FunctionName="pay")
    assert "ReservedConcurrentExecutions" not in answer
"""
    )
    project.runpytest_inprocess("test_a_twin_is_an_account_with_customers.py").assert_outcomes(passed=2)


def test_refusal_on_an_account_is_skipped_with_its_reason(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    write(project, no_news=HELD)
    result = project.runpytest_inprocess("--gameday-on=aws", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [
            "gameday: experiments inject into the AWS account of the current credentials",
            "SKIPPED * not injecting: workload tiny names no `store`*",
        ]
    )


def test_globs_that_are_none_are_a_usage_error(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("-o", "gameday_experiments=/exp/*.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: gameday_experiments: *write globs relative to *, like experiments/[*].yaml"])


def test_a_time_limit_in_mid_run_undoes_and_says_so(project: pytest.Pytester) -> None:
    write(project, no_pay=BROKEN)
    project.makeconftest(
        """
import pytest
from gameday.run.loop import _Loop

def during(loop):  # as pytest-timeout does it in its handler of SIGALRM
    pytest.fail("Timeout (>1.0s) from pytest-timeout.")

def pytest_runtest_setup(item):
    item.config.stash.setdefault("patch", pytest.MonkeyPatch()).setattr(_Loop, "during", during)

def pytest_runtest_teardown(item):
    item.config.stash["patch"].undo()
"""
    )
    project.makepyfile(test_pay=INLINE + "\ndef test_it(gameday_run):\n    run(gameday_run)\n")
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["Timeout (>1.0s) from pytest-timeout.", "gameday: 1 change undone"] * 2)
    assert "gameday/" not in output(result)
    assert Journal.open(project.path / "home").unended() == []


def test_globs_that_match_nothing_are_warned_of(project: pytest.Pytester) -> None:
    nothing = ("--collect-only", "-q", "-o", "gameday_experiments=nope/*.yaml exp/*.yaml")
    told = "gameday_experiments: no file matches nope/[*].yaml, a glob from *"
    project.runpytest_inprocess(*nothing).stdout.fnmatch_lines([f"*PytestConfigWarning: {told}"])
    strict = project.runpytest_subprocess("-W", "error", *nothing)
    assert strict.ret == pytest.ExitCode.USAGE_ERROR
    strict.stderr.fnmatch_lines([f"ERROR: {told}"])


def test_an_experiment_named_on_the_command_line_needs_no_glob(project: pytest.Pytester) -> None:
    write(project, no_news=HELD)
    project.makeini("[pytest]\n")
    result = project.runpytest_inprocess("--collect-only", "-q", "exp/no-news.yaml")
    assert [line for line in result.outlines if "::" in line] == ["exp/no-news.yaml::no-news"]
    assert project.runpytest_inprocess("--collect-only", "-q").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_xdist_processes_share_the_work_and_one_table(project: pytest.Pytester) -> None:
    write(project, no_news=HELD, no_pay=BROKEN)
    result = project.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    for row in ("✓  no-news * held (twin) *", "✗  no-pay * broken (twin) *", "  100% █*█│▁*▁│*█"):
        result.stdout.fnmatch_lines([row])


LOADED = """
import sys
import pytest

class Look:
    def pytest_sessionfinish(self):
        print("LOADED", sorted(set(sys.modules) & set(sys.argv[1].split(","))))

pytest.main(["--collect-only", "-q", "-p", "no:hypothesispytest"], plugins=[Look()])
"""


def loaded(project: pytest.Pytester, *names: str) -> str:
    (project.path / "look.py").write_text(LOADED)
    result = project.run(sys.executable, "look.py", ",".join(names))
    return next(line for line in result.outlines if line.startswith("LOADED"))


def test_a_suite_without_experiments_loads_nothing_of_ours(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\n")
    project.makepyfile("def test_it(): pass")
    ours = ("gameday", "gameday.errors", "gameday.files", "gameday.steady_state")
    others = ("pydantic", "yaml", "boto3", "botocore", "moto", "numpy")
    assert loaded(project, *ours, *others) == "LOADED ['gameday']"


def test_collecting_experiments_loads_neither_aws_nor_numbers(project: pytest.Pytester) -> None:
    write(project, no_news=HELD)
    assert loaded(project, "gameday.files", "boto3", "botocore", "moto", "numpy", "scipy") == "LOADED ['gameday.files']"


def test_hypothesis_runs_drawn_faults_and_rejects_refusals(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_any=INLINE
        + """
from hypothesis import given, settings
from gameday.strategies import schedules

@settings(settings.get_profile("gameday"), max_examples=2, derandomize=True)
@given(schedules("exp/workload.yaml", "throttle", most=1, lasts=["30s"]))
def test_it(gameday_run, schedule):
    assert run(gameday_run, faults=schedule.faults, lasts=schedule.lasts).restored
"""
    )
    result = project.runpytest_inprocess("test_any.py")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*it * (twin) * restored"])


def test_the_project_files_are_found_from_the_test(project: pytest.Pytester) -> None:
    write(project, no_news=HELD)
    (project.path / "exp" / "test_beside.py").write_text(
        "def test_it(gameday_run):\n    assert gameday_run('no-news.yaml').held\n"
    )
    project.runpytest_inprocess("exp/test_beside.py").assert_outcomes(passed=1)


CODE = """
import boto3
import pytest
from moto import mock_aws

@pytest.fixture
def table(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(TableName="orders", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
        yield client

def put(table):
    table.put_item(TableName="orders", Item={"id": {"S": "1"}})
"""


def test_faults_of_the_sdk_begin_at_once_and_end_with_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_put=CODE
        + """
def test_two_throttles_are_retried(gameday_sdk, table):
    seen = gameday_sdk.throttle("dynamodb", "PutItem", first=2, sleep=lambda seconds: None)
    put(table)
    assert (seen.injected, seen.retried) == (2, 2)

def test_it_is_over(table):
    put(table)
    assert table.scan(TableName="orders")["Count"] == 1

def test_all_at_once(gameday_sdk, table):
    from gameday.sdk import Rule
    gameday_sdk(Rule(kind="fail", service="dynamodb"), sleep=lambda seconds: None)
    put(table)

def test_typo(gameday_sdk):
    gameday_sdk.throttle("dynamodb", "PutItme")
"""
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*- AWS calls under Gameday's faults -*",
            "1 calls, 4 attempts, 4 hit, 1 failed; * of back-off *",
            "  dynamodb.PutItem: 4 attempts, 4 hit, * of back-off → InternalServerError",
            "throttle: dynamodb has no operation `PutItme`; did you mean `PutItem`? [[]GD-E119[]]",
        ]
    )


def test_the_readme_says_what_happens(project: pytest.Pytester) -> None:
    from gameday.files.starter import write_starter

    readme = (Path(__file__).parent.parent.parent / "README.md").read_text()
    files = dict(re.findall(r"Put this into `(\w+\.py)`:\n\n```python\n(.*?)```", readme, re.DOTALL))
    assert set(files) == {"test_chaos.py", "test_counter.py"}
    write_starter(project.path / "chaos")
    project.makeini("[pytest]\ngameday_experiments = chaos/*.yaml\n")
    for name, code in files.items():
        (project.path / name).write_text(code)
    result = project.runpytest_inprocess("chaos", *files)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["E       assert 2 == 1", "2 calls, 3 attempts, 1 hit, 0 failed; *", "*UpdateItem: 2 *"]
    )
