"""Entry point of the pytest plugin: options, a marker, fixtures. Each imports the rest of Gameday on first use."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gameday.pytest_plugin.fixtures import Runner, Twins
    from gameday.pytest_plugin.sdk_faults import SdkFaults

PREFIX = "gameday."
"""Prefix of the properties that reports carry, as in `gameday.pytest_plugin.runner`."""
_files: pytest.StashKey[frozenset[Path]] = pytest.StashKey()
_began: pytest.StashKey[float] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options and the ini key."""
    group = parser.getgroup("gameday", "gameday: resilience experiments")
    group.addoption(
        "--gameday-on", choices=["twin", "aws"], default="twin", help="where to run experiments (default: twin)"
    )
    group.addoption("--gameday-reports", metavar="DIR", help="write each run's record and report into this folder")
    parser.addini("gameday_experiments", "YAML experiments to collect, as globs from the rootdir", "args", [])


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and find the files of experiments."""
    config.stash[_files], config.stash[_began] = _chosen(config), time.time()
    config.addinivalue_line("markers", "gameday: an experiment in YAML, collected by Gameday")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Warn in the header if experiments inject into an account."""
    if config.getoption("--gameday-on") == "aws":
        return "gameday: experiments inject into the AWS account of the current credentials"
    return None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the YAML files that `gameday_experiments` names, and experiments that the command line names."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    by_name = parent.session.isinitpath(file_path) and _is_experiment(file_path)
    if not by_name and file_path not in parent.config.stash[_files]:
        return None
    from gameday.pytest_plugin.collection import ExperimentFile

    return ExperimentFile.from_parent(parent, path=file_path)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table of verdicts, if there are any. Reports of other processes carry them as properties."""
    in_xdist = hasattr(config, "workerinput")
    if config.getoption("--gameday-on") == "aws" and not in_xdist:
        from gameday.pytest_plugin.account_lock import put_back_since

        put_back_since(config.stash[_began], config)
    stats = terminalreporter.stats.values()
    reports = [report for group in stats for report in group if hasattr(report, "user_properties")]
    runs = {
        report.nodeid: report.user_properties
        for report in reports
        if any(name.startswith(PREFIX) for name, _ in report.user_properties)
    }
    if runs:
        from gameday.pytest_plugin.summary import table

        terminalreporter.section("gameday")
        terminalreporter.write(table(runs.values()))


@pytest.fixture
def gameday_run(request: pytest.FixtureRequest) -> Runner:
    """Run an experiment (a YAML file, or its keys as keywords) and return its record for assertions."""
    from gameday.pytest_plugin.fixtures import Runner

    return Runner(request)


@pytest.fixture
def gameday_twin(request: pytest.FixtureRequest) -> Iterator[Twins]:
    """Open the twin of a workload: an AWS account inside the process, with customers and virtual time."""
    from gameday.pytest_plugin.fixtures import Twins

    with ExitStack() as until_then:
        yield Twins(request, until_then)


@pytest.fixture
def gameday_sdk(request: pytest.FixtureRequest) -> Iterator[SdkFaults]:
    """Inject faults into the boto3 calls of the code under test until the test ends: throttle, fail, delay, …."""
    from gameday.pytest_plugin.sdk_faults import SdkFaults

    with ExitStack() as until_then:
        yield SdkFaults(request, until_then)


def _is_experiment(file: Path) -> bool:
    """Whether the file's `kind:` is experiment; a search that avoids an import of YAML."""
    return file.is_file() and bool(re.search(rb"^kind:\s*experiment\b", file.read_bytes(), re.MULTILINE))


def _chosen(config: pytest.Config) -> frozenset[Path]:
    """Find the files that the globs match. Raises UsageError for an invalid glob."""
    globs: list[str] = config.getini("gameday_experiments")
    try:
        matches = {glob: frozenset(config.rootpath.glob(glob)) for glob in globs}
    except (NotImplementedError, ValueError) as error:
        msg = f"gameday_experiments: {error}: write globs relative to {config.rootpath}, like experiments/*.yaml"
        raise pytest.UsageError(msg) from error
    for glob in (glob for glob, files in matches.items() if not files):
        # pytest warns in the same way of `testpaths` that match nothing.
        warning = pytest.PytestConfigWarning(
            f"gameday_experiments: no file matches {glob}, a glob from {config.rootpath}"
        )
        try:
            config.issue_config_time_warning(warning, stacklevel=2)
        except pytest.PytestConfigWarning:  # -W error
            raise pytest.UsageError(str(warning)) from None
    return frozenset[Path]().union(*matches.values())
