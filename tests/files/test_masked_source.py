"""The line that a mistake shows holds no secret, and its caret is still at the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from gameday.files.load import validate_files
from gameday.files.yaml.masked_source import masked_column, masked_source
from hypothesis import given
from hypothesis import strategies as st

HUSH = "hush-hush"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("lasts: 5m", "lasts: 5m"),
        (f"url: https://ana:{HUSH}@shop.test/?key={HUSH}#x", "url: https://***@shop.test/?key=***#***"),
        (f"query: 'up{{token=\"{HUSH}\"}}'", "query: 'up{token=\"***\"}'"),
        (f'query: "up{{token=\\"{HUSH}\\"}}"', 'query: "up{token=\\"***\\"}"'),
        (f"c: {{run: [count, {HUSH}], every: nope}}", "c: {run: ***, every: nope}"),
        (f'c: {{run: [count, "a]{HUSH}"], every: nope}}', "c: {run: ***, every: nope}"),
        (f"run: [count, {HUSH}", "run: ***"),
        (f"run: count {HUSH}", "run: ***"),
        (f'"run": ["count {HUSH}"]', '"run": ***'),
        ("rerun: 5m", "rerun: 5m"),
    ],
)
def test_masked_source_of_a_line_hides_its_secrets(line: str, masked: str) -> None:
    assert masked_source([line], 1) == masked


@pytest.mark.parametrize(
    "text",
    [
        f"c:\n  run:\n    - count\n    - {HUSH}",
        f"c:\n  run:\n  - count\n  # why\n\n  - {HUSH}",
        f"c:\n  run: [count,\n    x,\n    {HUSH}]",
        f"c:\n  run: >-\n    {HUSH}",
    ],
)
def test_masked_source_below_a_program_is_a_mask(text: str) -> None:
    lines = text.split("\n")
    assert HUSH not in "\n".join(masked_source(lines, number) for number in range(1, len(lines) + 1))
    assert masked_source(lines, len(lines)).strip() in ("***", "- ***")


def test_masked_source_after_a_program_is_shown() -> None:
    lines = ["c:", "  run:", "  - count", "  every: 5", "list:", "- first"]
    assert [masked_source(lines, number) for number in (4, 6)] == ["  every: 5", "- first"]


@given(st.text("ab", max_size=4), st.text("cd", max_size=4), st.integers(1, 4))
def test_masked_column_is_at_the_same_text(before: str, after: str, at: int) -> None:
    line, masked = f"{before}secret{after}", f"{before}***{after}"
    if at <= len(before):
        assert masked_column(line, masked, at) == at
    assert masked_column(line, masked, len(before) + 3) == len(before) + 1
    for index in range(len(after)):
        place = len(before) + len("secret") + index + 1
        assert masked[masked_column(line, masked, place) - 1 :] == after[index:]


TOP = "version: 1\nkind: workload\nname: w\nprovides: P.\naccount: '111122223333'\nregions: [us-east-1]\nkpis:\n  k:\n"
KPI = f"{TOP}    tier: technical\n    module: web\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{KPI}    gauge: {{prometheus: {{url: 'ftp://ana:{HUSH}@host', query: up}}}}\n",
        f"{KPI}    gauge: {{prometheus: {{url: 'http://ana:{HUSH * 9}@host?a', query: up}}}}\n",
        f"{KPI}    ratio: {{total: {{http: {{url: 'https://h/?k={HUSH}', every: soon}}}}}}\n",
        f"{KPI}    gauge: {{command: {{run: count {HUSH}}}}}\n",
        f"{KPI}    gauge: {{command: {{run: [count, [{HUSH}]]}}}}\n",
        f"{KPI}    gauge: {{command: {{run: [count, {HUSH}], every: nope}}}}\n",
        f"{KPI}    gauge:\n      command:\n        run:\n          - {{{HUSH}: 1}}\n",
        f"{KPI}    gauge: {{command: {{run: [count, '{HUSH}]}}}}\n",
        f"{KPI}    gauge: {{command: {{run: [count], url: https://ana:{HUSH}@host}}}}\n",
        f"{KPI}    gauge: {{prometheus: {{url: 'http://h', query: 'sum(up{{token=\"{HUSH}\"}})', unit: days}}}}\n",
        f"{KPI}    about: 'https://ana:{HUSH}@host\n",
        f"{TOP}    tier: [token={HUSH}]\n",
        f"{TOP}    tier: token={HUSH}\n",
        f"{TOP}    \x07: https://ana:{HUSH}@host\n",
    ],
)
def test_mistake_near_a_secret_does_not_show_it(text: str, tmp_path: Path) -> None:
    (path := tmp_path / "workload.yaml").write_text(text)
    mistakes = validate_files([path])
    assert mistakes
    shown = "\n".join(mistake.render() for mistake in mistakes)
    assert HUSH not in shown


def test_mistake_after_a_mask_has_its_caret_there(tmp_path: Path) -> None:
    line = f"    gauge: {{command: {{run: [count, {HUSH}], every: nope}}}}"
    (path := tmp_path / "workload.yaml").write_text(f"{KPI}{line}\n")
    mistake = next(mistake for mistake in validate_files([path]) if "nope" in mistake.what)
    assert mistake.column == line.index("nope") + 1
    assert mistake.source[mistake.caret - 1 :].startswith("nope")
    shown, caret = mistake.render().splitlines()[1:3]
    assert shown[caret.index("^") :].startswith("nope")
