"""The page: one file, nothing fetched, nothing hostile run, the same bytes for the same suite."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from gameday.errors import Reason
from gameday.events import Aborted, Ended, Judged, NoEffect, Remark, Sampled
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report.chart import chart
from gameday.report.html import MANY, _kpi_rows, first_kpi, page
from gameday.steady_state.kpi.claim import PhaseJudgement, Verdict

from tests.report.sample import ACCOUNT, broken, held, refused, spread, stuck, suite

CSS = (Path(__file__).parent.parent.parent / "harness" / "gameday" / "report" / "page.css").read_text()
HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>" onload="alert(3) {{ 7*7 }} {% raw %}'


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text inside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif self.cdata_elem != "style":
            self.text += data + " "


@pytest.fixture(scope="module")
def whole() -> str:
    return page(suite())


@pytest.fixture(scope="module")
def elements(whole: str) -> Elements:
    return Elements(whole)


def test_the_same_suite_gives_the_same_bytes(whole: str) -> None:
    assert page(suite()) == whole


def test_three_experiments_stay_well_below_600_kilobytes(whole: str) -> None:
    assert len(whole.encode()) < 400_000


def test_nothing_is_fetched_from_anywhere(whole: str, elements: Elements) -> None:
    for tag, attrs in elements.found:
        assert tag not in {"iframe", "object", "embed", "audio", "video", "base", "form", "img"}
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            value = attrs.get(name)
            assert value is None or value.startswith("#") or value == "data:,", (tag, name, value)
    assert not re.findall(r"url\(|@import|@font-face", "".join(re.findall(r"<style>(.*?)</style>", whole, re.DOTALL)))


def test_only_our_own_scripts_may_run(elements: Elements) -> None:
    policy = next(attrs["content"] or "" for tag, attrs in elements.found if tag == "meta" and "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'")
    code = [text for attrs, text in elements.scripts if attrs.get("type") is None]
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in code}
    assert set(policy.split("script-src ")[1].split()) == digests
    assert len(code) == 2


def test_every_chart_hands_its_values_to_the_script(elements: Elements) -> None:
    data = [json.loads(text) for attrs, text in elements.scripts if attrs.get("type") == "application/json"]
    assert len(data) == 3 * 8
    drawn = chart(held(), "orders")
    assert data[0]["kpi"] == "orders"
    assert tuple(data[0]["values"]) == drawn.values
    assert [limit["low"] for limit in data[0]["limits"]] == [0.99, 0.95, 0.99]


def test_claim_verdict_and_evidence_can_be_read(elements: Elements) -> None:
    text = " ".join(elements.text.split())
    for part in (
        "1 held, 2 broken, 1 refused",
        "held (twin)",
        "With one zone gone customers keep buying",
        "2m20s of 5m",
        "spread to search, 3 contained, 1 unknown",
        "smallest detectable change: 2.1 points",
        "cannot be undone: a terminated instance does not come back",
        "write back acl-0d7e5512",
        "13 mutating API calls",
        "ec2.create_network_acl",
        "gameday run experiments/storefront/lose-a-zone.yaml --seed 7",
        "arn:aws:sts::…3333:assumed-role/gameday/ana",
        f"sha256:{held().plan.digest}",
        "not injecting: checkout: 4 of 6 instances would be hit, the limit is 50%",
        "the listener terminal was dropped: broken pipe",
    ):
        assert part in text, part


def test_account_ids_are_shortened_everywhere(whole: str) -> None:
    assert ACCOUNT not in whole
    assert "…3333" in whole


def test_verdict_has_a_shape_and_a_word_besides_colour(whole: str) -> None:
    used = set(re.findall(r'href="#i-([\w-]+)"', whole))
    assert {"held", "broken", "refused", "hit", "may-suffer", "contained", "spread", "unknown"} <= used
    assert used <= set(re.findall(r'<symbol id="i-([\w-]+)"', whole))


def test_hostile_text_is_shown_and_never_run(whole: str) -> None:
    found = Elements(page(Suite(HOSTILE, HOSTILE, (hostile(held()), Refusal(HOSTILE, (Reason("", HOSTILE),))))))
    plain = Elements(page(Suite("day", "2026-09-22T09:30:00Z", (held(), refused()))))
    assert [tag for tag, _ in found.found if tag in ("script", "img")].count("img") == 0
    assert len(found.scripts) == len(plain.scripts)
    assert not any(name.startswith("on") for _, attrs in found.found for name in attrs)
    assert "<img src=x onerror=alert(2)>" in found.text
    assert "{{ 7*7 }}" in found.text


def test_stuck_account_is_shown_before_the_first_chart() -> None:
    text = page(Suite("day", "2026-09-22T09:30:00Z", (stuck(held()),)))
    alert = text.index("The account needs a person.")
    assert text.index('<article id="experiment-1"') < alert < text.index("<figure")
    assert "was absent, is 5: somebody else changed it" in text


def test_quoted_words_are_code_and_a_refusal_has_its_remedy() -> None:
    refusal = Refusal(
        "x", (Reason("", "it does not say `allow: [irreversible]` <b>"), Reason("", "half a `quote", "say `so`"))
    )
    text = page(Suite("day", "2026-09-22T09:30:00Z", (refusal,)))
    assert "it does not say <code>allow: [irreversible]</code> &lt;b&gt;" in text
    assert "half a `quote" in text
    assert "→ say <code>so</code>" in text


def test_one_experiment_alone_has_no_table_of_contents() -> None:
    assert "<nav" not in page(Suite("lose-a-zone", "2026-09-22T09:30:00Z", (held(),)))


def test_a_run_that_got_nowhere_still_has_a_page() -> None:
    bare = replace(held(), events=held().events[:1])
    text = " ".join(Elements(page(Suite("day", "soon", (bare,)))).text.split())
    assert "unknown (twin)" in text
    assert "no data" in text
    assert "not known" in text


def test_an_aborted_run_says_why() -> None:
    record = held()
    events = (
        *(event for event in record.events if not isinstance(event, Judged | Ended)),
        NoEffect(record.end, 0, "no health check failed"),
        Aborted(record.end, "guard", "orders is at 31%"),
        Ended(record.end, "restored", 1),
    )
    text = " ".join(Elements(page(Suite("day", "soon", (replace(record, events=events),)))).text.split())
    assert "aborted by guard orders is at 31%" in text
    assert "no effect no health check failed" in text


def test_the_first_chart_shows_what_decided_the_verdict() -> None:
    assert first_kpi(held()) == "orders"
    assert first_kpi(broken()) == "orders"
    assert first_kpi(spread()) == "search-latency"


def test_first_kpi_is_claimed_even_if_another_is_broken() -> None:
    judged = held().judged
    assert judged
    unclaimed = {row.kpi for row in judged.judgement.phases if row.verdict == "broken"}
    assert "pages" in unclaimed
    assert first_kpi(held()) not in unclaimed


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize("ground", ["paper", "surface", "code"])
@pytest.mark.parametrize("ink", ["ink", "muted", "held", "broken", "unknown", "refused"])
def test_text_is_readable_in_every_scheme(scheme: str, ground: str, ink: str) -> None:
    # WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1 for text.
    colours = variables(scheme)
    light, dark = sorted((luminance(colours[ground]), luminance(colours[ink])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def variables(scheme: str) -> dict[str, str]:
    start = {"light": 0, "dark": CSS.index("prefers-color-scheme: dark"), "print": CSS.index("@media print")}[scheme]
    block = CSS[CSS.index(":root {", start) :].partition("}")[0]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
    return {
        name: f"#{value[1] * 2}{value[2] * 2}{value[3] * 2}" if len(value) == 4 else value
        for name, value in found.items()
    }


def luminance(colour: str) -> float:
    # WCAG 2.2, relative luminance.
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def hostile(record: Record) -> Record:
    """The record with hostile text wherever people, or an account, can put some."""
    plan = record.plan
    planned_fault = plan.planned_faults[0]
    effect = planned_fault.effect.model_copy(update={"about": HOSTILE})
    stages = tuple(
        tuple(change.model_copy(update={"about": HOSTILE}) for change in stage) for stage in planned_fault.stages
    )
    planned_fault = planned_fault.model_copy(update={"label": HOSTILE, "effect": effect, "stages": stages})
    kpis = {HOSTILE if name == "pages" else name: kpi for name, kpi in plan.workload.kpis.items()}
    modules = {HOSTILE if name == "search" else name: one for name, one in plan.workload.modules.items()}
    workload = plan.workload.model_copy(update={"kpis": kpis, "modules": modules})
    experiment = plan.experiment.model_copy(update={"name": HOSTILE, "hypothesis": HOSTILE})
    changed = {
        "experiment": experiment,
        "workload": workload,
        "planned_faults": (planned_fault,),
        "warnings": (Reason("", HOSTILE),),
    }
    judged = record.judged
    assert judged
    judgement = replace(judged.judgement, sentence=HOSTILE, notes=(HOSTILE,))
    events = tuple(
        replace(event, judgement=judgement)
        if isinstance(event, Judged)
        else replace(event, kpi=HOSTILE)
        if isinstance(event, Sampled) and event.kpi == "pages"
        else event
        for event in record.events
    )
    calls = tuple(replace(call, params={HOSTILE: HOSTILE}, error=HOSTILE) for call in record.calls)
    events = (Remark(record.start, HOSTILE), *calls, *events)
    return replace(
        record,
        plan=plan.model_copy(update=changed),
        events=events,
        run=HOSTILE,
        principal=HOSTILE,
        command=HOSTILE,
        files=(HOSTILE,),
        commit=HOSTILE,
    )


def test_table_of_many_kpis_begins_with_the_worst() -> None:
    def row(verdict: Verdict) -> dict[str, PhaseJudgement]:
        return {"during": PhaseJudgement("x", "during", verdict, "bound", "seen")}

    names = [f"kpi-{number:02}" for number in range(MANY + 1)]
    bad = {names[-1]: row(Verdict.BROKEN), names[9]: row(Verdict.UNKNOWN)}
    rows = {name: row(Verdict.HELD) for name in names} | bad
    shown = [shown.kpi for shown in _kpi_rows(names, tuple(names), rows)]
    assert shown[:3] == [names[-1], names[9], names[0]]
    assert [shown.kpi for shown in _kpi_rows(names[1:], tuple(names), rows)] == names[1:]
