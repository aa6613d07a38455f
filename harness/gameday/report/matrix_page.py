"""The page of a matrix, as HTML without script: findings, table, graph, and the evidence of each run."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from gameday.matrix.model import STATE_WORDS, Cell, Matrix
from gameday.report.html import environment_of
from gameday.report.matrix import KEY, RELATIONS, TITLES, basis, evidence, headline, mark
from gameday.report.matrix_graph import WORDS, graph
from gameday.text import printable

HERE = Path(__file__).parent


def page(matrix: Matrix) -> str:
    """Render the page; the same matrix gives the same bytes. It links to `<experiment>/index.html` of each run."""
    environment = environment_of(printable)
    return environment.get_template("matrix.html.j2").render(
        matrix=matrix,
        headline=headline(matrix),
        basis=basis(matrix),
        titles=TITLES,
        modules=matrix.modules,
        cells={(cell.experiment, cell.module): cell for cell in matrix.cells},
        mark=mark,
        states=STATE_WORDS,
        relations=RELATIONS,
        evidence=evidence,
        kind=_kind,
        shown=_shown,
        key=KEY,
        graph=graph(matrix),
        links=WORDS,
        styles=[Markup((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "matrix.css")],  # noqa: S704
    )


def _kind(cell: Cell) -> str:
    declared = {"hit": "hit", "needs": "declared", "through": "declared"}.get(cell.relation, "")
    return declared or ("undeclared" if cell.state == "spread" else "")


def _shown(cell: Cell) -> str:
    return cell.effect.in_words if cell.effect else STATE_WORDS[cell.state]
