"""What the matrix concludes from declarations and effects: values in, findings out."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from gameday.errors import Exit, InvalidInput
from gameday.files.workload import Workload
from gameday.matrix.compare import difference
from gameday.matrix.findings import analyse
from gameday.matrix.model import Matrix, MatrixRow, ObservedEffect, from_json, seed_of_row, to_json
from gameday.report.matrix import headline, markdown, terminal
from gameday.report.matrix_graph import graph
from gameday.report.matrix_page import page
from gameday.steady_state.kpi.claim import Verdict
from hypothesis import given
from hypothesis import strategies as st

SILENT = None


def workload(without: tuple[str, ...] = (), **modules: dict[str, list[str]]) -> Workload:
    """Modules by name, each with one KPI of its name unless said otherwise."""
    kpi = {"ratio": {"bad": {"cloudwatch": "N/B"}, "total": {"cloudwatch": "N/T"}}, "bound": {"at_least": "99%"}}
    raw: dict[str, Any] = {
        "version": 1,
        "kind": "workload",
        "name": "shop",
        "provides": "A shop.",
        "account": "111122223333",
        "regions": ["us-east-1"],
        "owns": {"tags": {"app": "shop"}},
        "modules": {name: {"owns": {"functions": [name]}, **more} for name, more in modules.items()},
        "kpis": {
            name: {"tier": "technical", "module": name, **kpi} for name in [*modules, "spare"] if name not in without
        },
    }
    raw["kpis"]["spare"].pop("module")
    return Workload.model_validate(raw)


def effect(module: str, change: float | None, kpi: str = "") -> ObservedEffect:
    verdict = Verdict.UNKNOWN if change is None else Verdict.BROKEN if change > 0.01 else Verdict.HELD
    low, high = (None, None) if change is None else (change - 0.001, change + 0.001)
    return ObservedEffect(kpi or module, module, verdict, change, low, high, 0.02, f"changed by {change}", "share")


def row(shop: Workload, module: str, **changes: float | None) -> MatrixRow:
    """A fault on a module: it suffers, others as said, the rest not at all."""
    told: dict[str, float | None] = dict.fromkeys((kpi.module for kpi in shop.kpis.values() if kpi.module), 0.0)
    told |= {module: 1.0} if module in told else {}
    told |= changes
    return MatrixRow(f"throttle-{module}", module, None, {module: 1.0}, tuple(effect(one, told[one]) for one in told))


def matrix(shop: Workload, **rows: dict[str, float | None]) -> Matrix:
    """All rows; those that are not said hurt only their own module."""
    return analyse(
        shop, tuple(row(shop, name, **rows.get(name, {})) for name in shop.modules), 0, 0.01, "run {experiment}"
    )


def links(found: Matrix) -> list[tuple[str, str, str]]:
    return [(one.kind, one.source, one.module) for one in found.findings]


def test_damage_that_is_declared_is_no_finding() -> None:
    shop = workload(web={"needs": ["api"]}, api={"needs": ["db"]}, db={})
    found = matrix(shop, api={"web": 0.5}, db={"api": 0.5, "web": 0.5})
    assert (links(found), found.exit) == ([], Exit.HELD)


def test_damage_that_is_not_declared_is_a_hidden_dependency() -> None:
    found = matrix(workload(web={}, db={}), db={"web": 0.4})
    assert links(found) == [("hidden", "db", "web")]
    assert found.exit == Exit.BROKEN
    assert "web got worse by 40 points (39.9 to 40.1)" in found.findings[0].words
    assert found.findings[0].repeat == "run throttle-db"


def test_tolerated_module_that_hurts_is_not_tolerated() -> None:
    found = matrix(workload(web={"tolerates": ["ads"]}, ads={}), ads={"web": 0.4})
    assert (links(found), found.exit) == ([("not-tolerated", "ads", "web")], Exit.BROKEN)


def test_need_that_nothing_shows_is_dead_and_breaks_nothing() -> None:
    found = matrix(workload(web={"needs": ["db"]}, db={}))
    assert (links(found), found.exit) == ([("dead", "db", "web")], Exit.HELD)


def test_a_need_is_not_called_dead_where_the_fault_shows_nowhere() -> None:
    assert links(matrix(workload(web={"needs": ["db"]}, db={}), db={"db": 0.0})) == []


def test_need_with_unknown_effect_is_not_dead() -> None:
    assert links(matrix(workload(web={"needs": ["db"]}, db={}), db={"web": SILENT})) == []


def test_need_may_show_at_a_kpi_of_the_callee() -> None:
    """Orders belong to checkout and come through web: they suffer with both, so web's need of checkout is seen."""
    shop = workload(web={"needs": ["checkout"]}, checkout={})
    assert links(matrix(shop, web={"checkout": 0.9})) == []


def test_explained_spread_names_the_undeclared_link_of_its_chain() -> None:
    shop = workload(web={"needs": ["api"]}, api={}, ads={})
    found = matrix(shop, api={"web": 0.5}, ads={"api": 0.3, "web": 0.6})
    assert links(found) == [("hidden", "ads", "api")]
    assert [one.way for one in found.findings[0].chains] == [("ads", "api", "web")]


def test_chain_may_end_at_modules_behind_the_victim() -> None:
    shop = workload(web={"needs": ["checkout"], "tolerates": ["ads"]}, checkout={}, ads={})
    found = matrix(shop, web={"checkout": 0.9}, ads={"web": 0.9, "checkout": 0.9})
    assert links(found) == [("not-tolerated", "ads", "web")]
    assert [one.way for one in found.findings[0].chains] == [("ads", "web", "checkout")]


def two_behind_one_front(tracking: float) -> Matrix:
    """Booking and tracking lie behind the gateway, and each owns a journey's KPI; tracking's own answers change, too.

    The gateway needs booking, which needs the ledger. The ledger's fault hurts both journeys by the gateway.
    """
    shop = workload(
        gateway={"needs": ["booking"], "tolerates": ["tracking"]}, booking={"needs": ["ledger"]}, tracking={}, ledger={}
    )
    journeys = {"book-customers": "booking", "track-customers": "tracking"}
    kpis = dict(shop.kpis) | {
        name: shop.kpis[owner].model_copy(update={"module": owner}) for name, owner in journeys.items()
    }
    shop = shop.model_copy(update={"kpis": kpis})

    def hit(module: str, journeys_fall: tuple[str, ...], **changes: float | None) -> MatrixRow:
        found = row(shop, module, **changes)
        fallen = (effect(journeys[name], 0.9 if name in journeys_fall else 0.0, name) for name in journeys)
        return dataclasses.replace(found, effects=(*found.effects, *fallen))

    rows = (
        hit("gateway", tuple(journeys), booking=SILENT, tracking=SILENT),
        hit("booking", ("book-customers",), gateway=0.9),
        hit("tracking", ("track-customers",)),
        hit("ledger", tuple(journeys), booking=0.9, gateway=0.9, tracking=tracking),
    )
    return analyse(shop, rows, 0, 0.01)


def test_a_journey_explains_its_own_kpi_and_no_other() -> None:
    (found,) = [finding for finding in two_behind_one_front(0.98).findings if finding.kind == "hidden"]
    assert (found.source, found.module, found.effect and found.effect.kpi) == ("ledger", "tracking", "tracking")


def test_a_journey_that_its_front_explains_is_no_finding() -> None:
    found = two_behind_one_front(0.0)
    assert found.hidden == ()
    assert [note for note in found.notes if note.startswith("throttle-ledger: tracking suffers")]


def test_each_row_repeats_with_its_own_seed() -> None:
    shop = workload(web={}, db={}, ads={})
    rows = tuple(row(shop, name, **({"web": 0.4} if name != "web" else {})) for name in shop.modules)
    found = analyse(shop, rows, 7, 0.01, "{experiment} {seed}")
    assert {finding.repeat for finding in found.findings} == {
        f"throttle-{name} {seed_of_row(7, f'throttle-{name}')}" for name in ("db", "ads")
    }
    assert seed_of_row(7, "throttle-db") != seed_of_row(7, "throttle-ads")


def test_a_size_names_the_worst_minute_where_it_is_worse() -> None:
    mild = effect("web", 0.4)
    assert mild.size == "40 points (39.9 to 40.1)"
    assert dataclasses.replace(mild, worst_minute=0.98).size == "40 points (39.9 to 40.1; 98 in the worst minute)"
    assert dataclasses.replace(mild, worst_minute=0.405).size == mild.size


def test_a_matrix_at_another_load_is_not_comparable() -> None:
    found = matrix(workload(web={}))
    at = [dataclasses.replace(found, customers=rate) for rate in (50.0, 125.0)]
    with pytest.raises(InvalidInput, match="50 customers a second"):
        difference(*at)
    assert "at 125 customers/s" in terminal(at[1])


def test_a_dead_need_shows_although_a_front_hurts_the_journey() -> None:
    """web fails with auth, so the journey that booking owns fails, too: that is no sign that booking needs auth."""
    shop = workload(web={"needs": ["auth", "booking"]}, booking={"needs": ["auth"]}, auth={})
    kpis = dict(shop.kpis) | {"customers": shop.kpis["booking"].model_copy(update={"module": "booking"})}
    shop = shop.model_copy(update={"kpis": kpis})
    rows = tuple(
        dataclasses.replace(found, effects=(*found.effects, effect("booking", 0.9, "customers")))
        for found in (row(shop, "web", booking=SILENT), row(shop, "booking", web=0.9), row(shop, "auth", web=0.5))
    )
    assert ("dead", "auth", "booking") in links(analyse(shop, rows, 0, 0.01))


def faint(shop: Workload, low: float) -> Matrix:
    """ads hurt web, proven; of api, which web needs, only the estimate shows it: it answers others, too."""
    hit = row(shop, "ads", web=0.03)
    unsure = ObservedEffect("api", "api", Verdict.UNKNOWN, 0.01, low, 0.013, 0.017, "unknown", "share")
    effects = tuple(unsure if one.module == "api" else one for one in hit.effects)
    rows = (dataclasses.replace(hit, effects=effects), row(shop, "api", web=0.9), row(shop, "web"))
    return analyse(shop, rows, 0, 0.01)


def test_faint_effect_is_still_the_link_that_explains_a_spread() -> None:
    found = faint(workload(web={"needs": ["api"]}, api={"tolerates": ["ads"]}, ads={}), low=0.007)
    assert links(found) == [("not-tolerated", "ads", "api")]
    assert [one.way for one in found.findings[0].chains] == [("ads", "api", "web")]


def test_where_nothing_shows_between_who_suffers_is_the_finding() -> None:
    found = faint(workload(web={"needs": ["api"]}, api={"tolerates": ["ads"]}, ads={}), low=-0.002)
    assert links(found) == [("hidden", "ads", "web")]


def test_faint_effect_further_down_excuses_no_tolerating_module() -> None:
    found = faint(workload(web={"needs": ["api"], "tolerates": ["ads"]}, api={"tolerates": ["ads"]}, ads={}), low=0.007)
    assert links(found) == [("not-tolerated", "ads", "web")]


@pytest.mark.parametrize(
    ("at_web", "found"),
    [
        (0.0095, [("not-tolerated", "ads", "web")]),  # a fault that hurts ads a third as much hurts web a third as much
        (0.001, [("hidden", "db", "web")]),  # web had to suffer from it, and did not: it needs the table itself
    ],
)
def test_tolerated_module_is_the_link_when_its_need_is_hit(at_web: float, found: list[Any]) -> None:
    shop = workload(web={"tolerates": ["ads"]}, ads={"needs": ["db"]}, db={})
    seen = matrix(shop, db={"ads": 0.99, "web": 0.03}, ads={"ads": 0.33, "web": at_web})
    assert links(seen) == found
    if at_web == 0.0095:
        assert [one.way for one in seen.findings[0].chains] == [("db", "ads", "web")]
        assert seen.findings[0].experiment == "throttle-db"
        assert "web declares that it tolerates ads, and does not: web got worse by 3 points" in seen.findings[0].words


@pytest.mark.parametrize(
    ("ads_with_db", "found"),
    [
        (SILENT, [("not-tolerated", "ads", "web")]),  # web is stuck in its calls of ads, which fails with the table
        (0.0, [("not-tolerated", "ads", "web"), ("hidden", "db", "web")]),  # ads goes on without the table
    ],
)
def test_tolerated_module_without_callers_is_the_link(ads_with_db: float | None, found: list[Any]) -> None:
    shop = workload(web={"tolerates": ["ads"]}, ads={"needs": ["db"]}, db={})
    seen = matrix(shop, db={"ads": ads_with_db, "web": 0.9}, ads={"ads": SILENT, "web": 0.4})
    assert sorted(one for one in links(seen) if one[0] != "dead") == sorted(found)


def test_hidden_link_further_up_is_one_finding() -> None:
    """bank <- payments (declared) <- mail (hidden): the bank's row is explained by the row of payments."""
    shop = workload(payments={"needs": ["bank"]}, bank={}, mail={})
    found = matrix(shop, bank={"payments": 0.9, "mail": 0.9}, payments={"mail": 0.9})
    assert links(found) == [("hidden", "payments", "mail")]
    assert [one.way for one in found.findings[0].chains] == [("bank", "payments", "mail")]


def test_two_hidden_links_in_a_row_are_two_findings() -> None:
    found = matrix(workload(one={}, two={}, three={}), one={"two": 0.9, "three": 0.9}, two={"three": 0.9})
    assert links(found) == [("hidden", "one", "two"), ("hidden", "two", "three")]
    assert [one.way for one in found.findings[0].chains] == [("one", "two", "three")]


def test_modules_that_hurt_each_other_are_each_reported() -> None:
    """A shared pool: every module hurts every other, and none explains another."""
    shop = workload(a={}, b={}, c={})
    found = matrix(shop, a={"b": 0.9, "c": 0.9}, b={"a": 0.9, "c": 0.9}, c={"a": 0.9, "b": 0.9})
    assert len(links(found)) == 6


def test_a_cycle_of_needs_is_allowed() -> None:
    shop = workload(a={"needs": ["b"]}, b={"needs": ["a"]}, c={})
    assert links(matrix(shop, a={"b": 0.9}, b={"a": 0.9})) == []
    assert links(matrix(shop, a={"b": 0.9}, b={"a": 0.9}, c={"a": 0.9, "b": 0.9})) == [("hidden", "c", "a")]


def test_module_without_traffic_keeps_no_cell_unknown() -> None:
    shop = workload(web={"needs": ["api"], "tolerates": ["ads"]}, api={"needs": ["db"]}, ads={}, db={})
    rows: dict[str, dict[str, float | None]] = {
        "web": {"api": SILENT, "ads": SILENT, "db": SILENT},
        "api": {"web": 0.5, "db": SILENT, "ads": SILENT},
    }
    found = matrix(shop, **rows, db={"api": 0.5, "web": 0.5})
    assert (found.open, found.exit) == ((), Exit.HELD)
    assert {cell.state for cell in found.cells if cell.experiment == "throttle-web"} == {"spread", "starved"}


def test_silence_that_nothing_explains_is_unknown() -> None:
    found = matrix(workload(web={}, db={}), db={"web": SILENT})
    assert found.exit == Exit.UNKNOWN
    assert found.open == ("throttle-db, web: changed by None",)


def test_a_hidden_dependency_outweighs_what_is_unknown() -> None:
    assert matrix(workload(web={}, db={}, ads={}), db={"web": SILENT, "ads": 0.5}).exit == Exit.BROKEN


def test_a_row_that_was_refused_is_named_and_unknown() -> None:
    shop = workload(web={}, db={})
    found = analyse(shop, (row(shop, "web"), MatrixRow("throttle-db", "db", None, {}, (), ("no table",))), 0, 0.01)
    assert (found.exit, found.open) == (Exit.UNKNOWN, ("throttle-db did not run: no table",))
    assert "throttle-db" in terminal(found)


def test_module_without_kpi_is_noted_and_changes_no_answer() -> None:
    found = matrix(workload(without=("db",), web={}, db={}))
    assert (found.notes, found.exit) == (("Gameday cannot judge db: it has no KPI",), Exit.HELD)


def zone(**changes: float) -> MatrixRow:
    effects = tuple(effect(name, change) for name, change in changes.items())
    return MatrixRow("lose-z1", None, "z1", {"web": 1 / 3, "api": 1 / 3}, effects)


@pytest.mark.parametrize(("hurt", "kinds"), [(0.3, []), (0.6, [("zonal", "z1", "web")])])
def test_a_zone_that_hurts_more_than_its_share_is_a_coupling(hurt: float, kinds: list[tuple[str, str, str]]) -> None:
    shop = workload(web={}, api={}, db={})
    rows = (*(row(shop, name) for name in shop.modules), zone(web=hurt, api=0.0, db=0.0))
    assert links(analyse(shop, rows, 0, 0.01)) == kinds


def test_module_outside_a_zone_is_a_coupling_unless_explained() -> None:
    shop = workload(web={}, api={}, db={})
    rows = tuple(row(shop, name) for name in shop.modules)
    found = analyse(shop, (*rows, zone(web=0.1, api=0.1, db=0.2)), 0, 0.01)
    assert links(found) == [("zonal", "z1", "db")]
    hidden = (row(shop, "web", db=0.5), *rows[1:])
    assert links(analyse(shop, (*hidden, zone(web=0.1, api=0.1, db=0.2)), 0, 0.01)) == [("hidden", "web", "db")]


NAMES = ("a", "b", "c", "d", "e")
PAIRS = st.sets(st.sampled_from([(one, other) for one in NAMES for other in NAMES if one != other]))


def named(pairs: set[tuple[str, str]], of: str) -> list[str]:
    return [other for one, other in sorted(pairs) if one == of]


def undeclared(found: Matrix) -> set[tuple[str, str]]:
    return {
        (cell.experiment.removeprefix("throttle-"), cell.module)
        for cell in found.cells
        if cell.state == "spread" and cell.relation in ("tolerates", "none")
    }


def drawn(
    needs: set[tuple[str, str]], tolerates: set[tuple[str, str]], spreads: set[tuple[str, str]]
) -> tuple[set[tuple[str, str]], Matrix]:
    declared = {one: {"needs": named(needs, one), "tolerates": named(tolerates - needs, one)} for one in NAMES}
    shop = workload((), **declared)
    rows: dict[str, dict[str, float | None]] = {one: dict.fromkeys(named(spreads, one), 0.5) for one in NAMES}
    found = matrix(shop, **rows)
    return {(one.source, one.module) for one in found.hidden}, found


@given(PAIRS)
def test_without_declarations_each_spread_is_found_or_explained(
    spreads: set[tuple[str, str]],
) -> None:
    hidden, found = drawn(set(), set(), spreads)
    chained = {(chain.way[0], chain.way[-1]) for one in found.hidden for chain in one.chains}
    assert hidden | chained == spreads == undeclared(found)


@given(PAIRS, PAIRS, PAIRS)
def test_only_an_undeclared_spread_is_a_hidden_dependency(
    needs: set[tuple[str, str]], tolerates: set[tuple[str, str]], spreads: set[tuple[str, str]]
) -> None:
    hidden, found = drawn(needs, tolerates, spreads)
    assert hidden <= undeclared(found)
    assert from_json(to_json(found), "x") == found


def test_a_matrix_is_read_as_it_was_written_and_nothing_else_is() -> None:
    with pytest.raises(InvalidInput, match=r"old\.json is not a matrix"):
        from_json("{}", "old.json")


def test_only_a_new_hidden_dependency_breaks_a_comparison() -> None:
    shop = workload(web={}, db={}, ads={})
    old, new = matrix(shop, db={"web": 0.4}), matrix(shop, db={"web": 0.8}, ads={"web": 0.4})
    assert difference(old, old).lines == ()
    assert difference(old, old).exit == Exit.HELD
    later = difference(old, new)
    assert ([line for line in later.lines if line.startswith("new")], later.exit) == (
        ["new: web depends on ads, and does not declare it: web got worse by 40 points (39.9 to 40.1)"],
        Exit.BROKEN,
    )
    assert any(line.startswith("throttle-db, web: hurt (web by 40 points") for line in later.lines)
    back = difference(new, old)
    assert (back.exit, [line for line in back.lines if line.startswith("new:")]) == (Exit.HELD, [])
    assert any(line.startswith("no longer found: web depends on ads") for line in back.lines)


def test_matrices_of_different_workloads_are_not_compared() -> None:
    one = matrix(workload(web={}))
    with pytest.raises(InvalidInput, match="other"):
        difference(dataclasses.replace(one, workload="other"), one)


def test_the_table_tells_states_apart_without_colour() -> None:
    found = matrix(workload(web={"tolerates": ["ads"]}, ads={}), ads={"web": 0.4})
    text = terminal(found)
    assert "throttle-web  [X]  (.)\n" in text
    assert "throttle-ads   X!  [X]\n" in text
    assert "declared as tolerated, but not tolerated: web declares that it tolerates ads" in text
    assert "| throttle-ads | ` X!` | `[X]` |" in markdown(found)


def test_the_page_draws_declared_observed_and_hidden_links_apart() -> None:
    shop = workload(web={"needs": ["api", "old"]}, api={}, old={}, ads={})
    found = matrix(shop, api={"web": 0.5}, ads={"api": 0.3, "web": 0.3})
    drawn = {edge.words: edge.kind for edge in graph(found).edges}
    assert drawn == {
        "web → api: declared, and seen": "observed",
        "web → old: declared, and not seen to spread": "declared",
        "api → ads: seen, and not declared": "hidden",
    }
    text = page(found)
    assert page(found) == text
    assert "also: web suffers too, ads → api → web: web got worse by 30 points" in text
    assert "<script" not in text
    assert '<p class="matrix-verdict">1 hidden dependency, 1 dead declaration</p>' in text
    assert "or write <code>needs: [ads]</code> in api" in text


def test_the_page_shows_twenty_modules_within_its_drawing() -> None:
    shop = workload((), **{f"module-with-a-name-{number}": {} for number in range(20)})
    drawn = graph(matrix(shop))
    assert len({(node.x, node.y) for node in drawn.nodes}) == 20
    assert all(
        0 <= node.x <= drawn.width - drawn.box and 0 <= node.y <= drawn.height - drawn.tall for node in drawn.nodes
    )


def test_matrix_without_findings_says_so_and_names_a_kpi_once() -> None:
    quiet = matrix(workload(web={}, db={}))
    assert headline(quiet) == "No undeclared dependency was found"
    assert headline(matrix(workload(web={}, db={}), db={"web": SILENT})).endswith(", 1 cell not known")
    assert [effect("web", 0.5, kpi).in_words for kpi in ("web", "pages")] == ["changed by 0.5", "pages changed by 0.5"]


def test_other_regions_of_a_workload_are_noted() -> None:
    shop = workload(web={})
    assert matrix(shop).notes == ()
    wide = shop.model_copy(update={"regions": ("us-east-1", "eu-west-1")})
    assert matrix(wide).notes == ("only us-east-1 is hit, and not eu-west-1",)
