"""The page as a reader sees it, in a real browser; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gameday.records.suite import Suite
from gameday.report.html import page

from tests.report.browser import Chromium, found
from tests.report.sample import stuck, suite
from tests.report.test_html import HOSTILE, hostile

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium on this machine (apt-get install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page(suite()), encoding="utf-8")
    return path


def heard(browser: Chromium, *methods: str) -> list[dict[str, Any]]:
    return [event["params"] for event in browser.events if event.get("method") in methods]


def test_the_page_asks_for_nothing_and_complains_about_nothing(browser: Chromium, file: Path) -> None:
    for dark in (False, True):
        browser.open(file, 1280, 800, dark=dark)
        browser.ask("new Promise(done => setTimeout(done, 50))")
        asked = [event["request"]["url"] for event in heard(browser, "Network.requestWillBeSent")]
        assert asked == [file.as_uri()]
        assert heard(browser, "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled") == []


def test_verdict_and_first_chart_stand_above_the_fold(browser: Chromium, file: Path) -> None:
    browser.open(file, 1280, 800)
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    parts = (".verdict", "article h2", ".lead", "figure.big .live canvas")
    bottoms = [browser.ask(bottom.format(part)) for part in parts]
    assert bottoms == sorted(bottoms)
    assert bottoms[-1] <= 800


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_scrolls_sideways(browser: Chromium, file: Path, width: int) -> None:
    browser.open(file, width, 844)
    assert browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)") is None
    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_nothing_scrolls_sideways_with_hostile_names(browser: Chromium, tmp_path: Path) -> None:
    long = "x" * 300
    path = tmp_path / "hostile.html"
    entries = (hostile(suite().entries[0]), stuck(suite().entries[1]))  # type: ignore[arg-type]
    path.write_text(page(Suite(HOSTILE + long, "soon", entries)), encoding="utf-8")
    browser.open(path, 390, 844)
    assert browser.ask("document.documentElement.scrollWidth") <= 390
    assert heard(browser, "Page.javascriptDialogOpening", "Runtime.exceptionThrown", "Log.entryAdded") == []
    assert len(heard(browser, "Network.requestWillBeSent")) == 1


def test_every_chart_is_drawn_by_script_and_readable_without(browser: Chromium, file: Path) -> None:
    shown = "[...document.querySelectorAll('{}')].filter(one => one.getClientRects().length).length"
    browser.open(file, 1280, 800)
    assert browser.ask(shown.format("figure canvas")) == 24
    assert browser.ask(shown.format("figure .plot")) == 0
    browser.open(file, 1280, 800, script=False)
    assert browser.ask(shown.format("figure canvas")) == 0
    assert browser.ask(shown.format("figure .plot")) == 24
    assert "█" in browser.ask("document.querySelector('figure.big .plot').textContent")


def test_a_pointer_reads_all_charts_of_an_experiment_at_once(browser: Chromium, file: Path) -> None:
    browser.open(file, 1280, 800)
    box = browser.ask(
        "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('.u-over').getBoundingClientRect())"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + box[2] / 2, y=box[1] + box[3] / 2)
    browser.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    read = browser.ask("[...document.querySelectorAll('article:first-child .readout')].map(one => one.textContent)")
    assert len(read) == 8
    assert all(text.startswith("+1m") for text in read)
    assert read[0].endswith("%")
    others = browser.ask("[...document.querySelectorAll('article:nth-child(2) .readout')].map(one => one.textContent)")
    assert set(others) == {""}


def test_charts_on_paper_are_drawn_for_paper(browser: Chromium, file: Path) -> None:
    browser.open(file, 1280, 800, dark=True)
    pixels = "(canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join())"
    canvas = f"{pixels}(document.querySelector('figure.big canvas'))"
    before = browser.ask(canvas)
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert browser.ask(canvas) != before
    shown = "[...document.querySelectorAll('{}')].filter(one => one.getClientRects().length).length"
    assert browser.ask(shown.format("figure canvas")) == 24
    assert browser.ask(shown.format("figure .plot")) == 0
    browser.call("Emulation.setEmulatedMedia", media="")
