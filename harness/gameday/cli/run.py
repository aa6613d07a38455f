"""Run `gameday plan`, `policy`, `run` and `report`, after click has parsed their options."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.change import Call
from gameday.cli.failure import show
from gameday.cli.keeping import Keeping, keeping
from gameday.cli.output import tell
from gameday.engine.journal import Journal
from gameday.errors import Exit, InvalidInput, Refused, worst
from gameday.files.load import load_any
from gameday.files.loaded import LoadedExperiment, LoadedGameday
from gameday.plan.guards.context import RunFacts
from gameday.plan.own_instance import NOWHERE, where_we_run
from gameday.plan.plan import Place, Plan, RunRequest
from gameday.plan.planner import make_plan
from gameday.plan.saved import read_plan
from gameday.records.file_limits import ENDING
from gameday.records.origin import digest_of, origin_of
from gameday.records.record import Record, judged_again, read_record
from gameday.records.refusal_file import read_refusal
from gameday.records.suite import Refusal, Suite
from gameday.report.json_lines import JsonLines
from gameday.report.plan_text import plan_text
from gameday.report.progress import PlainProgress, progress
from gameday.report.still_working import StillWorking
from gameday.report.terminal import verdict_table
from gameday.report.write import write_entry, write_pages, write_reports
from gameday.run.environment import open_environment
from gameday.run.experiment import ExperimentRunner, new_run_id, plan_on
from gameday.run.signals import undo_on_signals
from gameday.run.stop import StopRequest
from gameday.run.team import must_be_free

if TYPE_CHECKING:
    from gameday.iam.policy import Policies


@dataclass(frozen=True)
class RunOptions:
    """The options of `gameday run`."""

    place: str
    seed: int | None
    production: bool
    local_journal: bool
    yes: bool
    as_json: bool
    reports: Path | None
    command: str
    release: str | None = None


def request_of(loaded: LoadedExperiment, place: str, seed: int, production: bool) -> RunRequest:
    """Build the request to plan or run, from a loaded experiment and the options."""
    where: Place = "aws" if place == "aws" else "twin"
    twin = loaded.twin if where == "twin" else None
    here = where_we_run() if where == "aws" else NOWHERE
    paths = (loaded.path, loaded.workload_path, loaded.twin_path)
    digests = tuple((str(path), digest) for path in paths if path and (digest := digest_of(path)))
    return RunRequest(loaded.experiment, loaded.workload, twin, where, seed, production, *here, digests)


def make(file: Path, place: str, seed: int, production: bool) -> tuple[Plan, str]:
    """Plan one experiment, and return the plan and its text. Reads only."""
    request = _one_request(file, place, seed, production)
    with (
        still_working(request.place) as working,
        open_environment(
            request.place, request.workload, request.twin, request.region, seed, watch=working.watch
        ) as environment,
    ):
        made = plan_on(environment, request, RunFacts(must_be_free=partial(must_be_free, request)))
    return made, plan_text(made)


@contextmanager
def still_working(place: str) -> Iterator[StillWorking]:
    """Yield what writes lines to stderr for as long as the block lasts; an account writes none."""
    working = StillWorking(sys.stderr)
    with working if place == "twin" else nullcontext():
        yield working


def _one_request(file: Path, place: str, seed: int, production: bool) -> RunRequest:
    loaded = load_any(file)
    if not isinstance(loaded, LoadedExperiment):
        raise InvalidInput(
            f"{file} is not an experiment",
            "name an experiment (a game day has a policy, and no plan)",
            gd_code="GD-E101",
        )
    return request_of(loaded, place, seed, production)


def make_policies(file: Path, place: str, seed: int, production: bool) -> tuple[str, str]:
    """Return the IAM policies of an experiment or a game day as JSON, and their size. Raises Refused."""
    from gameday.iam.policy import policies_of

    loaded = load_any(file)
    if isinstance(loaded, LoadedGameday):
        policies = day_policies(loaded, place, seed, production)
        words = "targets by their opt-in tag: the policies also cover later targets of these experiments"
    else:
        made, reads = _planned(_one_request(file, place, seed, production))
        policies, words = policies_of(made, reads), _sizes(made)
    given = {name: policy for name, policy in asdict(policies).items() if policy}
    return json.dumps(given, indent=2), words


def day_policies(loaded: LoadedGameday, place: str, seed: int, production: bool) -> Policies:
    """Return the policies for a role that runs a game day, now and later. Raises Refused."""
    from gameday.iam.policy import policies_of_day

    requests = [request_of(each, place, seed, production) for each in loaded.experiments]
    return policies_of_day([_planned(request) for request in requests])


def _planned(request: RunRequest) -> tuple[Plan, tuple[Call, ...]]:
    """Plan one experiment; return its plan and the reads that made it. Raises Refused."""
    from gameday.iam.recorder import Recorder

    with (
        still_working(request.place) as working,
        open_environment(
            request.place, request.workload, request.twin, request.region, request.seed, watch=working.watch
        ) as environment,
    ):
        recorder = Recorder(environment.account)
        made = make_plan(request, recorder, environment.clock.now())
    if made.refusals:
        raise Refused(made.refusals)
    return made, tuple(recorder.calls.values())


def _sizes(made: Plan) -> str:
    from gameday.iam.policy import session_policies

    try:
        sizes = [f"{name}: {len(text):,} characters" for name, text in session_policies(made, new_run_id()).items()]
    except Refused as refusal:  # only a run that assumes a role needs a session policy
        return str(refusal)
    return f"session policies of a run: {'; '.join(sizes)} (STS takes 2,048)"


def play(file: Path, options: RunOptions) -> Exit:
    """Run a file, show the verdicts, and write the reports."""
    started = datetime.now(UTC)
    requests, saved, name, on_broken = _requests(file, options)
    origin = origin_of([file, *(Path(path) for request in requests for path, _ in request.digests)], options.release)
    history = keeping(requests, origin, options.command, partial(tell, err=True))
    lines = [JsonLines(sys.stdout)] if options.as_json else []
    display = progress(sys.stderr)
    working = StillWorking(sys.stderr, pauses=not isinstance(display, PlainProgress))
    player = ExperimentRunner(
        Journal.open(),
        [history.keeper, *lines, display, working],
        watch=working.watch,
        confirm=lambda plan: _confirm(plan, options.yes, player.stop),
        local_journal=options.local_journal,
        command=options.command,
        files=(str(file),),
        origin=origin,
    )
    folder = options.reports or Path("reports") / f"{started:%Y%m%d-%H%M%S}-{name}"
    on_twin = working if options.place == "twin" else nullcontext()
    with undo_on_signals(player.stop, display.shows), on_twin:
        runs = (
            (player.experiment(request, saved) for request in requests)
            if saved
            else player.several(requests, on_broken)
        )
        ended = _to_the_end(runs, folder, started.isoformat(timespec="seconds"), history)
    not_run = tuple(request.experiment.name for request in requests[len(ended.entries) :])
    suite = Suite(name, started.isoformat(timespec="seconds"), ended.entries, not_run)
    written = ended.unwritten or _pages(folder, suite)
    if not options.as_json:
        tell(verdict_table(suite))
    codes = [
        suite.exit,
        *([Exit.INTERRUPTED] if player.stop.is_signal else []),
        *([show(ended.error)] if ended.error else []),
    ]
    if isinstance(written, Path):
        tell(f"report: {written}", err=options.as_json)
        return worst(codes)
    # Reports that cannot be written must not hide the state of the account.
    failure = show(written)
    return worst([*codes, Exit.BUG]) if failure == Exit.BUG else worst(codes) or failure


@dataclass(frozen=True)
class _EndedRuns:
    entries: tuple[Record | Refusal, ...]
    error: Exception | None  # that ended the suite before its last experiment
    unwritten: InvalidInput | None  # why a record could not be written


def _to_the_end(runs: Iterator[Record | Refusal], folder: Path, started: str, history: Keeping) -> _EndedRuns:
    """Take the runs of a suite, and write and keep each at its end. Raises what the first one raises."""
    entries: list[Record | Refusal] = []
    unwritten: InvalidInput | None = None
    try:
        for entry in runs:
            entries.append(entry)
            written = None
            try:
                written = write_entry(folder, tuple(entries), started)
            except InvalidInput as error:
                unwritten = error
            history.keep(entry, written)
    except Exception as error:
        if not entries:
            raise
        return _EndedRuns(tuple(entries), error, unwritten)
    return _EndedRuns(tuple(entries), None, unwritten)


def _pages(folder: Path, suite: Suite) -> Path | Exception:
    try:
        return write_pages(folder, suite)
    except Exception as error:  # noqa: BLE001 - a page that cannot be made must not hide the verdicts
        return error


def _requests(file: Path, options: RunOptions) -> tuple[tuple[RunRequest, ...], Plan | None, str, str]:
    if file.suffix == ".json":
        saved = read_plan(file)
        if options.seed is not None and options.seed != saved.seed:
            raise InvalidInput(
                f"{file} was made with seed {saved.seed}", "leave out --seed, or make another plan", gd_code="GD-E105"
            )
        if saved.place != options.place:
            raise InvalidInput(f"{file} is a plan for {saved.place}", f"pass --on {saved.place}", gd_code="GD-E105")
        return (_request_again(file, saved, options.production),), saved, saved.experiment.name, "go-on"
    loaded = load_any(file)
    if isinstance(loaded, LoadedExperiment):
        request = request_of(loaded, options.place, options.seed or 0, options.production)
        return (request,), None, loaded.experiment.name, "go-on"
    if not isinstance(loaded, LoadedGameday):
        raise InvalidInput(f"{file} cannot be run", "run an experiment, a gameday, or a saved plan", gd_code="GD-E101")
    requests = tuple(
        request_of(loaded_experiment, options.place, options.seed or 0, options.production)
        for loaded_experiment in loaded.experiments
    )
    return requests, None, loaded.gameday.name, loaded.gameday.on_broken


def _request_again(file: Path, saved: Plan, production: bool) -> RunRequest:
    here = where_we_run() if saved.place == "aws" else NOWHERE
    digests = ((str(file), digest),) if (digest := digest_of(file)) else ()
    return RunRequest(saved.experiment, saved.workload, saved.twin, saved.place, saved.seed, production, *here, digests)


def _confirm(plan: Plan, yes: bool, stop: StopRequest) -> None:
    if plan.place == "aws" and not yes:
        ask(plan_text(plan), stop)


def ask(text: str, stop: StopRequest) -> None:
    """Show the plan, and ask for a `yes`. Raises Refused for any other answer."""
    print(text, file=sys.stderr)
    if not sys.stdin.isatty():
        raise Refused(
            ("stdin is not a terminal, so Gameday cannot ask for confirmation",),
            "review the plan, then pass --yes",
            gd_code="GD-E204",
        )
    print("Type yes to inject: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if stop.why or answer != "yes":
        raise Refused((stop.why or "the answer was not yes",), gd_code="GD-E204")


def report_again(file: Path, folder: Path) -> Exit:
    """Judge a stored record again, and write its reports. The worse of the two verdicts counts."""
    if file.name.endswith(ENDING):
        refusal, started = read_refusal(file)
        suite = Suite(refusal.name, started, (refusal,))
    else:
        record = read_record(file)
        suite = Suite(record.name, record.started, (judged_again(record),))
    page = write_reports(folder, suite)
    tell(verdict_table(suite))
    tell(f"report: {page}")
    return suite.exit
