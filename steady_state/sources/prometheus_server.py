"""A Prometheus server's HTTP API.

Source: Prometheus, "HTTP API", https://prometheus.io/docs/prometheus/latest/querying/api/ (`query_range`: start and end
inclusive; `lookback_delta`).
"""

from __future__ import annotations

from time import monotonic
from urllib.parse import unquote

import urllib3
from gameday.steady_state.kpi.masks import masked_url
from gameday.steady_state.kpi.source import HeardClocks
from gameday.steady_state.sources.prometheus import PrometheusSpec

LARGEST = 32 * 2**20
"""The most bytes of an answer: an hour of some 10,000 series."""


class PrometheusServer:
    """Query over HTTP with urllib3, which sends a name and password in the URL as basic authentication."""

    def __init__(self, clocks: HeardClocks | None = None) -> None:
        self._clocks = clocks
        self._pool = urllib3.PoolManager(num_pools=32, maxsize=16, retries=False)

    def __call__(self, spec: PrometheusSpec, first: int, last: int) -> bytes:
        """Return the answer's body. Raises OSError without an answer, ValueError for a broken one or a bad status."""
        try:
            return self._request(spec, first, last)
        except urllib3.exceptions.ProtocolError as error:
            msg = "its answer broke off, or is not HTTP"
            raise ValueError(msg) from error
        except urllib3.exceptions.TimeoutError as error:
            raise TimeoutError from error
        except urllib3.exceptions.HTTPError as error:
            raise OSError(error) from error

    def _request(self, kpi_spec: PrometheusSpec, first: int, last: int) -> bytes:
        spec, period = kpi_spec.prometheus, kpi_spec.period
        url = urllib3.util.parse_url(spec.url)
        fields = {
            "query": _fresh(kpi_spec),
            "start": _number(first * period),
            "end": _number(last * period),
            "step": _number(period),
            "timeout": f"{round(spec.timeout * 1000)}ms",
            "lookback_delta": _number(period),
        }
        until = monotonic() + spec.timeout
        sent = self._clocks.now() if self._clocks else 0.0
        answer = self._pool.request(
            "GET",
            f"{url._replace(auth=None).url.rstrip('/')}/api/v1/query_range",
            fields=fields,
            headers=urllib3.make_headers(basic_auth=unquote(url.auth)) if url.auth else None,
            timeout=urllib3.Timeout(total=spec.timeout),
            redirect=False,
            preload_content=False,
        )
        if self._clocks:
            self._clocks.heard(f"Prometheus {masked_url(spec.url)}", answer.headers.get("date"), sent)
        try:
            body = _body(answer, until)
        finally:
            answer.close()
        # The body of a 400, 422 or 503 has Prometheus' error message.
        if answer.status not in (200, 400, 422, 503):
            msg = f"it answers with status {answer.status}"
            raise ValueError(msg)
        return body


def _body(answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """Read an answer piece by piece until a deadline: urllib3's time-outs apply to each piece alone."""
    body = bytearray()
    while piece := answer.read1(2**16, decode_content=False):
        body += piece
        if len(body) > LARGEST:
            msg = f"its answer is longer than {LARGEST // 2**20} MiB: select fewer series"
            raise ValueError(msg)
        if monotonic() > until:
            raise TimeoutError
    return bytes(body)


def _fresh(spec: PrometheusSpec) -> str:
    """Rewrite a selector to ignore values older than a period, which Prometheus repeats for five minutes by default.

    For an expression only `lookback_delta` does so, and some servers ignore it.
    """
    query = spec.prometheus.query
    return f"last_over_time({query}[{round(spec.period * 1000)}ms])" if spec.prometheus.selects else query


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
