from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from gameday.steady_state.clock import TestClock, WallClock
from gameday.steady_state.kpi.kpi import Bound, Kpi, watched
from gameday.steady_state.kpi.masks import KEEP_SECRETS
from gameday.steady_state.kpi.source import SourceContext
from gameday.steady_state.samples import Sample, Series
from gameday.steady_state.sources import open_sources
from gameday.steady_state.sources.http import HttpSource, ProbeResult, bins
from gameday.steady_state.sources.http_probe import HttpAnswer, HttpPool, HttpProbe
from gameday.steady_state.sources.pace import Ticker

from tests.steady_state.sources.calls import no_aws
from tests.steady_state.streams import kpi
from tests.waiting import LAST_NET, until

SPEC = HttpProbe.model_validate({"url": "http://localhost/", "every": "1s", "timeout": "2s"})


def probed(**more: object) -> Kpi:
    http = SPEC.model_dump(mode="json")
    return kpi(**{"ratio": {"total": {"http": http}}, "bound": {"at_least": "99%"}, **more})


def slow() -> Kpi:
    return kpi(latency={"http": SPEC.model_dump(mode="json")}, bound={"p95": "500ms"}, limits=["1s"])


def test_answer_counts_in_the_bin_of_its_arrival() -> None:
    series = bins(probed(), SPEC, [ProbeResult(0, 0.1, good=True), ProbeResult(1, 2.5, good=True)], 0, 4)
    assert series == (
        Sample(0, 1, 1, 0, 1.0),
        Sample(1, 1, 0, 0, None),  # still waiting: no outcome, and no gap
        Sample(2, 1, 1, 0, 1.0),
        Sample(3, 1, 0, 0, None),
    )


@pytest.mark.parametrize("done", [None, 7.5, 100.0])
def test_time_out_is_bad_when_the_time_is_up(done: float | None) -> None:
    series = bins(probed(), SPEC, [ProbeResult(1, done, good=True)], 0, 5)
    assert [(sample.start, sample.bad) for sample in series if sample.total] == [(3, 1)]


def test_bad_answer_counts_at_its_arrival() -> None:
    assert bins(probed(), SPEC, [ProbeResult(0, 0.2, good=False)], 0, 1) == (Sample(0, 1, 1, 1, 0.0),)


def test_latency_counts_late_failed_and_missing_answers() -> None:
    probes = [
        ProbeResult(0, 0.4, good=True),
        ProbeResult(0, 0.7, good=True),
        ProbeResult(0, 0.1, good=False),
        ProbeResult(-1.5, None),
    ]
    assert bins(slow(), SPEC, probes, 0, 1) == (Sample(0, 1, 4, 3, 0.25, ((1.0, 2.0),)),)


def test_limit_of_a_guard_is_counted() -> None:
    plain = slow().model_copy(update={"limits": ()})
    clock = TestClock(10.0)
    source = HttpSource({"slow": plain}, clock, fetch=lambda _: HttpAnswer(200))
    clock.sleep(5.0)
    series = source.read(watched({"slow": plain}, {"slow": Bound.model_validate({"p50": "1s"})}), 10.0, 15.0).samples
    assert {sample.over for sample in series["slow"]} == {((1.0, 0.0),)}


def test_bins_are_complete() -> None:
    probes = [ProbeResult(float(second), second + 0.1, good=True) for second in range(9)]
    assert [sample.start for sample in bins(probed(), SPEC, probes, 2.5, 5.9)] == [3, 4]


def test_ticker_with_slow_act_keeps_its_times() -> None:
    clock, dues, done = TestClock(100.2), [], threading.Event()

    class Hurried(TestClock):
        """Each look at the clock finds that time has passed, so that nothing is waited for."""

        def now(self) -> float:
            clock.sleep(0.5)
            return clock.now()

    def act(due: float) -> None:
        dues.append(due)
        if len(dues) == 2:
            clock.sleep(3.0)  # too slow: the times that pass meanwhile are left out
        if len(dues) == 4:
            done.set()

    pace = Ticker(1.0, Hurried(), act, "test")
    pace.start()
    assert done.wait(LAST_NET)
    pace.stop(10)
    assert dues[:2] == [101.0, 102.0]
    assert dues[2] >= 105.0
    assert all(due == int(due) for due in dues)
    assert dues == sorted(set(dues))


# Over loopback -------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names, and with what it was sent."""

    def do_GET(self) -> None:
        self.server.requests.release()  # type: ignore[attr-defined]
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        text = f"{self.command} {self.headers.get('Authorization')} {sent}".encode()
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Location", "/500")
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - the server asks for that name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.requests = threading.Semaphore(0)  # type: ignore[attr-defined]
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield httpd
        httpd.shutdown()
        thread.join()


def url(server: ThreadingHTTPServer, status: int) -> dict[str, str]:
    return {"url": f"http://127.0.0.1:{server.server_port}/{status}", "every": "50ms", "timeout": "50s"}


@pytest.mark.parametrize("status", [200, 302, 404, 503])
def test_pool_returns_status_and_follows_no_redirect(server: ThreadingHTTPServer, status: int) -> None:
    assert HttpPool()(HttpProbe.model_validate(url(server, status))).status == status


def test_probes_repeat_and_count_their_answers(server: ThreadingHTTPServer) -> None:
    own = kpi(ratio={"total": {"http": url(server, 200)}}, bound={"at_least": "99%"})
    bad = kpi(ratio={"total": {"http": url(server, 503)}}, bound={"at_least": "99%"})
    clock = WallClock()
    start = clock.now()
    with open_sources({"up": own, "down": bad}, SourceContext(clock, no_aws)) as source:
        for _ in range(8):
            assert server.requests.acquire(timeout=LAST_NET)  # type: ignore[attr-defined]
        # What was asked is answered at once, yet counted only when its thread has run: look until it is.
        series: dict[str, Series] = {}

        def are_counted() -> bool:
            series.update(source.read({"up": own, "down": bad}, start, clock.now()).samples)
            return all(any(sample.total for sample in series[name]) for name in ("up", "down"))

        until(are_counted)
    assert sum(sample.bad for sample in series["up"]) == 0
    assert all(sample.bad == sample.total for sample in series["down"])
    assert sum(sample.total for sample in series["down"]) > 0


def test_endless_answer_does_not_block_the_exit() -> None:
    held, over = threading.Semaphore(0), threading.Event()

    def fetch(_: HttpProbe) -> HttpAnswer:
        held.release()
        over.wait()  # as long as a server that sends its header byte by byte
        return HttpAnswer(200)

    own = probed(ratio={"total": {"http": {"url": "http://localhost/", "every": "20ms", "timeout": "20ms"}}})
    clock = WallClock()
    with HttpSource({"it": own}, clock, fetch) as source:
        for _ in range(3):
            assert held.acquire(timeout=LAST_NET)
        probing = [thread for thread in threading.enumerate() if thread.name.startswith("probe")]
        assert probing
        assert all(thread.daemon for thread in probing)
        assert all(sample.bad == sample.total for sample in source.read({"it": own}, 0, clock.now()).samples["it"])
    over.set()
    for thread in probing:
        thread.join(LAST_NET)
        assert not thread.is_alive()


def test_a_refused_connection_is_bad() -> None:
    def refuse(_: HttpProbe) -> int:
        raise ConnectionRefusedError

    clock, seen = WallClock(), threading.Event()
    own = probed(ratio={"total": {"http": {"url": "http://localhost/", "every": "20ms", "timeout": "1s"}}})

    def fetch(spec: HttpProbe) -> HttpAnswer:
        try:
            return refuse(spec)
        finally:
            seen.set()

    start = clock.now()
    with HttpSource({"it": own}, clock, fetch) as source:
        assert seen.wait(LAST_NET)

        def counted() -> Series:
            return tuple(
                sample for sample in source.read({"it": own}, start, clock.now()).samples["it"] if sample.total
            )

        series = until(counted)
    assert sum(sample.total for sample in series) == sum(sample.bad for sample in series) > 0


# What a request sends, and what answer is good ------------------------------------------------------------------------


def test_redirect_is_no_good_answer_by_default() -> None:
    assert not SPEC.admits(HttpAnswer(302))
    assert SPEC.admits(HttpAnswer(204))


@pytest.mark.parametrize(
    ("status", "good", "bad"), [(200, 200, 204), ("3xx", 302, 200), ([200, 404], 404, 500), (["2xx", 302], 302, 301)]
)
def test_status_says_which_answers_are_good(status: object, good: int, bad: int) -> None:
    spec = HttpProbe.model_validate({"url": "http://localhost/", "status": status})
    assert spec.admits(HttpAnswer(good))
    assert not spec.admits(HttpAnswer(bad))


@pytest.mark.parametrize("status", [99, 600, "2x", "ok", True, 200.0])
def test_status_of_another_form_is_a_mistake(status: object) -> None:
    with pytest.raises(ValueError, match="a status is written like"):
        HttpProbe.model_validate({"url": "http://localhost/", "status": status})


def test_answer_without_its_text_is_bad() -> None:
    spec = HttpProbe.model_validate({"url": "http://localhost/", "contains": '"status":"ok"'})
    assert spec.admits(HttpAnswer(200, '{"status":"ok"}'))
    assert not spec.admits(HttpAnswer(200, '{"status":"sorry"}'))


def test_request_has_its_method_headers_and_body(server: ThreadingHTTPServer) -> None:
    own = {"method": "POST", "headers": {"Authorization": "Bearer x"}, "body": "hello", "contains": "POST"}
    answer = HttpPool()(HttpProbe.model_validate({**url(server, 200), **own}))
    assert answer == HttpAnswer(200, "POST Bearer x hello")


def test_secrets_of_a_probe_are_masked_unless_kept() -> None:
    raw = {"url": "http://localhost/", "method": "POST", "headers": {"X-Key": "s3cret"}, "body": "s3cret"}
    spec = HttpProbe.model_validate(raw)
    assert "s3cret" not in spec.model_dump_json()
    kept = spec.model_dump_json(context=KEEP_SECRETS)
    assert HttpProbe.model_validate_json(kept) == spec


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"body": "x"}, "`contains`"),
        ({"method": "HEAD", "contains": "x"}, "`contains`"),
        ({"headers": {"Two words": "x"}}, "cannot be sent"),
        ({"headers": {"X": "one\r\nY: two"}}, "cannot be sent"),
    ],
)
def test_request_that_cannot_be_sent_is_a_mistake(own: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        HttpProbe.model_validate({"url": "http://localhost/", **own})
