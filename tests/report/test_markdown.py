"""The Markdown report: the same words, small enough for a comment, and safe with hostile text."""

from __future__ import annotations

from dataclasses import replace

from gameday.errors import Reason
from gameday.records.suite import Refusal, Suite
from gameday.report.markdown import LIMIT, markdown, text_of
from hypothesis import given
from hypothesis import strategies as st

from tests.report.sample import ACCOUNT, held, stuck, suite
from tests.report.test_html import hostile

NOW = "2026-09-22T09:30:00Z"


def test_report_begins_with_verdicts_and_folds_the_details() -> None:
    text = markdown(suite())
    lines = text.splitlines()
    assert lines[0] == "## Gameday storefront: 1 held, 2 broken, 1 refused"
    assert lines[4] == "| lose-a-zone | ✅ held (twin) | 2m20s of 5m | 2 contained, 1 not judged | restored |"
    assert "### ❌ throttle-payments: broken (twin)" in lines
    assert r"- not injecting: checkout: 4 of 6 instances would be hit, the limit is 50% \[GD-P20\]" in lines
    assert text.count("<details>") == text.count("</details>") == 3 * 5
    assert "| reserved concurrency of payments |" in text
    assert ACCOUNT not in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    columns = 0
    for line in markdown(suite()).splitlines():
        cells = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        columns = columns or cells
        assert cells in (0, columns), line
        columns = cells


def test_a_stuck_account_cannot_be_overlooked() -> None:
    text = markdown(Suite("day", NOW, (stuck(held()),)))
    assert "⚠️ stuck" in text
    assert "**The account needs a person.**" in text


def test_a_long_suite_leaves_out_details_and_says_so() -> None:
    text = markdown(Suite("day", NOW, (held(),) * 12))
    assert len(text.encode()) <= LIMIT
    assert text.count("### ✅ lose-a-zone") == 12
    assert "Gameday left out details to fit a comment; `index.html` has them." in text
    assert text.count("<details>") == text.count("</details>")


def test_however_many_experiments_the_limit_holds() -> None:
    refusals = tuple(Refusal(f"experiment-{number}", (Reason("", "é" * 200),)) for number in range(500))
    text = markdown(Suite("day", NOW, refusals))
    assert len(text.encode()) <= LIMIT
    assert text.startswith("## Gameday day: 500 refused")
    assert text.rstrip().endswith("`index.html` has them.")


def test_hostile_text_makes_no_markup_mention_or_link() -> None:
    shown = text_of("<script> | `x` [a](http://b) @team #12 **b** ~~c~~ www.d.e\n# head")
    assert shown == (
        "&lt;script&gt; \\| \\`x\\` \\[a\\](http:\u200b//b) @\u200bteam \\#\u200b12 "
        "\\*\\*b\\*\\* \\~\\~c\\~\\~ www\u200b.d.e \\# head"
    )
    text = markdown(Suite("day", NOW, (hostile(held()),)))
    assert "<script" not in text
    assert "<img" not in text


@given(st.text())
def test_text_stays_on_its_line_and_in_its_cell(raw: str) -> None:
    shown = text_of(raw)
    assert "\n" not in shown
    assert "<" not in shown
    assert "|" not in shown.replace("\\|", "")


def test_a_run_without_a_judgement_has_its_summary() -> None:
    text = markdown(Suite("day", NOW, (replace(held(), events=held().events[:1]),)))
    assert "❔ unknown (twin)" in text
    assert "The run ended before Gameday could judge it." in text
