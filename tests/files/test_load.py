# ruff: noqa: E501 - the tables of mistakes are wide
"""What loading promises: files become values, or every mistake at once, with its place, its reason and its remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import botocore.loaders
import pytest
import yaml
from gameday.aws.regions import REGIONS, partition_of
from gameday.errors import Exit, InvalidInput
from gameday.faults import CATALOGUE
from gameday.faults.ec2 import TerminateInstance
from gameday.files.fault_entries import ScheduledFault
from gameday.files.load import load_any, load_experiment, load_workload, validate_files
from gameday.files.loaded import LoadedTwin
from gameday.files.schema import MODELS
from gameday.files.twin_zones import zones_of
from gameday.files.yaml import document
from gameday.files.yaml import parser as yaml12
from gameday.files.yaml.messages import PATTERNS
from gameday.files.yaml.mistake import InvalidFile, Mistake, MistakeKind
from gameday.files.yaml.model_at import keys_of
from gameday.steady_state.kpi.source import SOURCES
from gameday.steady_state.kpi.units import Amount
from gameday.steady_state.kpi.written import Written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STARTER = Path(yaml12.__file__).parent.parent / "starter"
NAMES = ("workload.yaml", "twin.yaml", "lose-an-instance.yaml", "gameday.yaml")
W, T, E, G = NAMES
RULES = "{version: 1, kind: rules, rules: [{throttle: {service: dynamodb, share: 50%}}]}"


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text((STARTER / name).read_text())
    return tmp_path


def edit(folder, name, *pairs):
    path = folder / name
    text = path.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


def mistakes_of(path, environ=None):
    with pytest.raises(InvalidFile) as raised:
        load_any(path, environ or {})
    assert raised.value.exit == Exit.INVALID
    return raised.value.mistakes


def words(mistake):
    """What a mistake says, and its remedy."""
    return f"{mistake.what}\n→ {mistake.remedy}".replace(str(Path(mistake.file).parent), "FOLDER")


def text_mistake(folder, text):
    """The only mistake in a file with this text."""
    path = folder / "some.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (mistake,) = mistakes_of(path)
    return mistake


def at(mistake):
    return mistake.source[mistake.column - 1 :]


# --- what files become ----------------------------------------------------------------------------------------------


def test_experiment_loads_with_its_faults_workload_and_twin(folder):
    loaded = load_experiment(folder / E)
    assert loaded.experiment.name == "lose-an-instance"
    assert loaded.experiment.faults == (ScheduledFault(TerminateInstance(module="orders", count=1)),)
    assert set(loaded.workload.modules) == set(loaded.twin.modules) == {"web", "orders"}
    assert (loaded.path, loaded.workload_path, loaded.twin_path) == (folder / E, folder / W, folder / T)


def test_a_gameday_comes_with_its_experiments_in_order(folder):
    (folder / "again.yaml").write_text((folder / E).read_text().replace("name: lose-an", "name: again-lose-an"))
    edit(folder, G, ("  - lose-an-instance.yaml\n", "  - lose-an-instance.yaml\n  - again.yaml\n"))
    loaded = load_any(folder / G)
    assert [one.experiment.name for one in loaded.experiments] == ["lose-an-instance", "again-lose-an-instance"]


def test_a_workload_without_a_twin_is_loaded(folder):
    edit(folder, W, ("twin: twin.yaml", "# twin"))
    loaded = load_workload(folder / W)
    assert (loaded.workload.name, loaded.twin, loaded.twin_path) == ("shop", None, None)


def test_a_twin_file_is_loaded_by_its_kind(folder):
    assert isinstance(load_any(folder / T), LoadedTwin)


def test_a_file_of_another_kind_than_asked_for_is_a_mistake(folder):
    with pytest.raises(InvalidFile, match=r"this is a workload, not an experiment .GD-F12.\n.*→ name an experiment"):
        load_experiment(folder / W)


def test_faults_that_were_stored_are_read_again(folder):
    loaded = load_experiment(edit(folder, E, ("module: orders, count: 1", "ids: [0123, i-1]")))
    stored = type(loaded.experiment).model_validate_json(loaded.experiment.model_dump_json(by_alias=True))
    assert stored.faults == loaded.experiment.faults == (ScheduledFault(TerminateInstance(ids=("0123", "i-1"))),)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_example_of_the_catalogue_loads(folder, name):
    more = "\nmodules:\n  " + "\n  ".join(
        f"{m}: {{owns: {{tags: {{m: x}}}}}}" for m in ("payments", "checkout", "recommendations")
    )
    edit(folder, W, ("\nmodules:", more), ("twin: twin.yaml", "# twin"))
    loaded = load_experiment(
        edit(folder, E, ("terminate-instance: {module: orders, count: 1}", CATALOGUE[name].example))
    )
    assert type(loaded.experiment.faults[0].fault) is CATALOGUE[name]


# --- YAML as editors read it ----------------------------------------------------------------------------------------


def test_words_and_numbers_are_those_of_yaml_1_2(folder):
    tags = (
        "{a: on, b: no, c: 1:30, d: 012, e: 1.10, f: 0x1F, g: true, h: .inf, i: 1_000, j: 2026-12-20, k: '~', l: 1e400}"
    )
    loaded = load_workload(edit(folder, W, ("{app: shop}", tags)))
    assert loaded.workload.owns.tags == {
        "a": "on", "b": "no", "c": "1:30", "d": "012", "e": "1.10", "f": "0x1F",
        "g": "true", "h": ".inf", "i": "1_000", "j": "2026-12-20", "k": "~", "l": "1e400",
    }  # fmt: skip


def test_an_account_keeps_its_leading_zero(folder):
    loaded = load_workload(edit(folder, W, ('"111122223333"', "011122223333")))
    assert loaded.workload.account == "011122223333"


@pytest.mark.parametrize(("text", "value"), [("0o14", 12), ("0x10", 16), ("012", 12), ("+5", 5)])
def test_whole_numbers_are_those_of_the_core_schema(folder, text, value):
    loaded = load_workload(edit(folder, W, ("instances: 5", f"instances: {text}")))
    assert loaded.workload.limits.instances == value


def test_anchors_merges_and_x_keys_are_for_writing_less(folder):
    edit(
        folder,
        W,
        ("version: 1", "x-count: &count {period: 1s, statistic: Sum}\nx-more: ${NEVER_SET}\nversion: 1"),
        ("{cloudwatch: Shop/OrdersTried, period: 1s}", "{cloudwatch: Shop/OrdersTried, <<: *count}"),
        ("{cloudwatch: Shop/PagesTried, period: 1s}", "{<<: [*count, {period: 5m}], cloudwatch: Shop/PagesTried}"),
    )
    kpis = load_workload(folder / W, {}).workload.kpis
    assert (kpis["orders"].source.period, kpis["pages"].source.period) == (1.0, 1.0)


def test_a_mistake_behind_an_anchor_stands_where_it_was_written(folder):
    edit(
        folder,
        W,
        ("version: 1", "x-count: &count {period: 1}\nversion: 1"),
        ("{cloudwatch: Shop/OrdersTried, period: 1s}", "{cloudwatch: Shop/OrdersTried, <<: *count}"),
    )
    (mistake,) = mistakes_of(folder / W)
    assert at(mistake) == "1}"
    assert mistake.source.startswith("x-count")


def test_variables_are_filled_into_values(folder):
    edit(
        folder,
        W,
        ('"111122223333"', "${ACCOUNT}"),
        ("instances: 5", "instances: ${COUNT:-7}"),
        ("shop}", "'${A}-${B:-b}'}"),
    )
    workload = load_workload(folder / W, {"ACCOUNT": "011122223333", "A": "a"}).workload
    assert (workload.account, workload.limits.instances, workload.owns.tags) == ("011122223333", 7, {"app": "a-b"})


def test_variables_are_not_filled_into_keys(folder):
    edit(folder, W, ("{app: shop}", "{'${KEY}': shop}"))
    assert load_workload(folder / W, {"KEY": "app"}).workload.owns.tags == {"${KEY}": "shop"}


@pytest.mark.parametrize("written", ["${NOPE}", "${EMPTY}", "${not a name}"])
def test_variable_without_a_value_is_a_mistake_at_its_place(folder, written, snapshot):
    edit(folder, W, ("Customers find products and order them.", f"x {written}"))
    (mistake,) = mistakes_of(folder / W, {"EMPTY": ""})
    assert words(mistake) == snapshot
    assert at(mistake) == f"x {written}"


NESTED = "a: " + "[" * 60 + "]" * 60
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)
FAT = f"a: &a '{'x' * 100_000}'\nb: [{','.join(['*a'] * 200)}]\n"
DEEP_BY_ALIAS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))

UNREADABLE = [
    ("", 1, 1),
    ("# nothing\n", 1, 1),
    ("- a\n- b\n", 1, 1),
    ("just words", 1, 1),
    ("a: 1\n---\nb: 2\n", 2, 1),
    ("a: 1\nb:\n\tc: 1\n", 3, 1),
    ("a: b: c\n", 1, 5),
    ("a: [1\nb: 2\n", 1, 4),
    ("a: {b: 1\nc: 2\n", 1, 4),
    ("a: 'b\n", 1, 4),
    ('a: "\\q"\n', 1, None),
    ("a: @b\n", 1, 4),
    ("a: 1\n  b: 2\n", 2, 4),
    ("- a\nb: 1\n", 2, 1),
    ("a: 1\nb\n", 2, 1),
    ("a: 'it's'\n", 1, 8),
    ("a: {b: 1,, c: 2}\n", 1, 10),
    ("a: *b\n", 1, 4),
    ("a: &a [*a]\n", 1, 8),
    ("a: &a\n  <<: *a\n", 2, 7),
    ("a: !!python/object:os.system {}\n", 1, 4),
    ("a: !!int '5'\n", 1, 4),
    ("<<: 5\n", 1, 5),
    ("? [a]\n: b\n", 1, 3),
    ("%YAML 2.0\n---\na: 1\n", 1, 1),
    ("a: 1\nb: \x1b[31m\n", 2, 4),
    (b"a: 1\nb: caf\xe9\n", 2, 7),
    ("a: 1\n".encode("utf-16"), 1, 1),
    (NESTED, 1, 44),
    (DEEP_BY_ALIAS, 40, 12),
    (BOMB, 5, None),
    (FAT, 2, None),
    ("a: 1\n" * 200_001, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize("parser", [yaml.SafeLoader, *filter(None, [getattr(yaml, "CSafeLoader", None)])])
@pytest.mark.parametrize(("text", "line", "column"), UNREADABLE, ids=[repr(case[0])[:30] for case in UNREADABLE])
def test_a_text_that_cannot_be_read_says_where_and_why(monkeypatch, folder, parser, text, line, column, snapshot):
    monkeypatch.setattr(yaml12, "_PARSER", parser)
    mistake = text_mistake(folder, text)
    assert words(mistake) == snapshot
    assert mistake.line == line
    assert column in (None, mistake.column)


def test_duplicate_keys_name_both_lines_and_hide_no_mistake(folder):
    edit(folder, E, ("baseline: 3m", "hypothesis: x\nbaseline: 3"))
    first, second = mistakes_of(folder / E)
    assert first.what == "the key `hypothesis` occurs twice; the first is on line 8"
    assert (first.source, first.line, first.remedy) == ("hypothesis: x", 11, "keep one of the two")
    assert second.what.startswith("`baseline`: a duration needs a number and a unit")


def test_a_byte_order_mark_and_other_line_ends_are_fine(folder):
    text = (folder / E).read_text().replace("lasts: 5m", "lasts: 5").replace("\n", "\r\n")
    (folder / E).write_bytes(b"\xef\xbb\xbf" + text.encode())
    (mistake,) = mistakes_of(folder / E)
    assert at(mistake).startswith("5 ")
    assert mistake.source.startswith("lasts: 5 ")


# --- the shape of the files -----------------------------------------------------------------------------------------

SCHEDULE = 'schedule: {days: [tue], at: "10:30", zone: Europe/Berlin}\non_broken:'

SHAPE = [
    # file, old, new; the text at the place of the mistake
    (E, "hypothesis:", "hypotesis:", "hypotesis:"),
    (E, "lasts: 5m", "", "version: 1"),
    (E, "lasts: 5m", "lasts: 5", "5 "),
    (E, "lasts: 5m", "lasts: 0s", "0s "),
    (E, "lasts: 5m", "lasts:", ""),
    (E, "from: impact", "from: impct", "impct"),
    (E, "from: impact", "from_: impact", "from_:"),
    (E, "name: lose-an-instance", "name: LoseAn_Instance", "LoseAn"),
    (E, "orders-capacity: any", "orders-capacity: none", "none"),
    (E, "{margin: 1%}", "{margin: 1}", "1}"),
    (E, "{margin: 1%}", "1%", "1%"),
    (E, "[orders, orders-latency, orders-capacity]", "orders", "orders "),
    (E, "[orders, orders-latency, orders-capacity]", "[]", "[]"),
    (E, "[orders, orders-latency, orders-capacity]", "[[orders]]", "[orders]]"),
    (E, "allow: [irreversible]", "allow: [irreversibles]", "irreversibles"),
    (E, "allow: [irreversible]", "allow: [conflict-prone]", "conflict"),
    (E, "allow:", "detected_by: {alarm: x}\nallow:", "detected_by"),
    (E, "allow:", 'detected_by: {alarm: "", within: 1m}\nallow:', '""'),
    (E, "allow:", "detected_by: orders-low\nallow:", "orders-low"),
    (G, "on_broken: go-on", "on_broken: goon", "goon"),
    (G, "on_broken:", "windows: []\non_broken:", "windows"),
    (G, "on_broken:", SCHEDULE.replace("Berlin", "Bärlin"), "Europe/Bärlin"),
    (G, "on_broken:", SCHEDULE.replace("10:30", "10h"), '"10h"'),
    (G, "on_broken:", SCHEDULE.replace("tue", "30"), "30"),
    (G, "on_broken:", SCHEDULE.replace("[tue]", '"30 2 30 2 *"'), '"30 2 30 2'),
    (G, "on_broken:", SCHEDULE.replace("tue", "second tues"), "second tues"),
    (G, "on_broken:", SCHEDULE.replace("tue", "tue, 1"), "1]"),
    (G, "on_broken:", SCHEDULE.replace("tue", "tue, tue"), "tue]"),
    (G, "on_broken:", SCHEDULE.replace("Europe/Berlin", "posix/Europe/Berlin"), "posix/"),
    (G, "on_broken:", SCHEDULE.replace("}", ", start_within: 2h}"), "2h"),
    (G, "on_broken:", SCHEDULE.replace("}", ", windows: [{from: '09:00', to: '10:00'}]}"), "tue"),
    (G, "on_broken:", "tell: []\non_broken:", "tell"),
    (G, "on_broken:", "confirm: true\non_broken:", "confirm"),
    (G, "on_broken:", "playbook: x\non_broken:", "playbook"),
    (W, "provides:", "role: x\nprovides:", "x"),
    (W, "provides:", "role: arn:aws:iam::999988887777:role/ops/gameday\nprovides:", "arn:aws:iam::999988887777"),
    (W, "provides:", "production: yes\nprovides:", "yes"),
    (W, "instances: 5", "instances: 5.5", "5.5"),
    (W, "instances: 5", "instances: '5'", "'5'"),
    (W, "instances: 5", "instances: true", "true"),
    (W, "instances: 5", "instances: 0", "0"),
    (W, "{app: shop}", "{app: null}", "null}"),
    (W, "{app: shop}", "{app: [shop]}", "[shop]"),
    (W, '"111122223333"', "1122223333", "1122223333"),
    (W, "provides: Customers find products and order them.", 'provides: ""', '""'),
    (W, "  pages:\n", "  Pages:\n", "Pages:"),
    (W, "tier: business", "tier: busines", "busines"),
    (W, "limits:", "budget: {false_abort: 60%}\nlimits:", "60%"),
    (W, "limits:", "freezes: [{from: 20261220, to: 2026-12-24, why: x}]\nlimits:", "20261220"),
    (W, "limits:", "freezes: [{from: 2026-12-20, to: 2026-12-19, why: x}]\nlimits:", "{from"),
    (W, "Shop/OrdersTried", "OrdersTried", "OrdersTried"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {prometheus: up}", "up}"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {prometheus: {url: 'http://p:9090/?x=1', query: up}}", "'http"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {prometheus: {url: 'http://p:9090'}}", "prometheus:"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}\n    bound: {at_least: 6, for: 95%}", "rate: {prometheus: {url: 'http://p:9090', query: 'sum(x)'}}\n    bound: {at_least: 3/s}", "orders-capacity:"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {logs: {group: 'a b', query: x}}", "'a b'"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {alarm: 'arn:aws:sns:us-east-1:111122223333:x'}", "'arn"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}\n    bound: {at_least: 6, for: 95%}", "rate: {alarm: x}\n    bound: {at_least: 3/s}", "orders-capacity:"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {logs: {group: /shop, query: 'stats count(*) as value by bin(5m)'}}", "orders-capacity:"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "gauge: {logs: {group: /shop, query: 'stats count(*) as n by bin(1m)'}}", "orders-capacity:"),
    (W, "gauge: {cloudwatch: Shop/OrdersHealthy, statistic: Minimum, period: 1s}", "", "orders-capacity:"),
    (W, "period: 1s, missing: zero", "period: 1m, missing: zero", "ratio:"),
    (W, "period: 1s, missing: zero", "period: 7s, missing: zero", "bad:"),
    (W, "bound: {at_least: 6, for: 95%}", "bound: {at_least: 6%}", "orders-capacity:"),
    (W, "bound: {at_least: 6, for: 95%}", "bound: {at_most: lots}", "lots"),
    (W, "bound: {p95: 300ms}", "bound: {p95: fast}", "fast"),
    (W, "bound: {p95: 300ms}", "bound: {at_least: 5}", "orders-latency:"),
    (T, "slots: 32", "slotss: 32", "slotss"),
    (T, "latency: {p50: 15ms, p95: 40ms}", "latency: {p50: 15ms, p95: 4ms}", "latency:"),
    (T, "{each_zone: 2, launch", "{each_zone: 2, lunch", "lunch_delay"),
    (T, "{each_zone: 2, launch", "{each_zone: 2, zones: [us-east-1z], launch", "us-east-1z"),
    (T, "rate: 50/s", "rate: 50", "50"),
    (T, "zones:", "Zones:", "Zones:"),
    (T, "Shop/OrdersTried: {journey: buy, count: tried}", "Shop/OrdersTried: {count: tried}", "Shop/OrdersTried"),
    (T, "metrics:", "alarms: {a: {metric: Shop/OrdersFailed, above: 1, points: 3, of: 2}}\nmetrics:", "a: {"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "place"), SHAPE, ids=[f"{case[0]}: {case[2] or case[1]}" for case in SHAPE]
)
def test_a_wrong_shape_says_where_why_and_what_to_do(folder, name, old, new, place, snapshot):
    (mistake,) = mistakes_of(edit(folder, name, (old, new)))
    assert words(mistake) == snapshot
    assert mistake.remedy
    assert at(mistake).startswith(place)
    assert mistake.file == str(folder / name)


TOPS = [
    ("version: 1", "1", "version: 2", "2"),
    ("version: 1", "1", "version: '1'", "'1'"),
    ("version: 1", "1", "version: true", "true"),
    ("version: 1", "1", "", "kind"),
    ("kind: experiment", "1", "kind: gate", "gate"),
    ("kind: experiment", "1", "kind: experimnt", "experimnt"),
    ("kind: experiment", "1", "kind: [x]", "[x]"),
    ("kind: experiment", "1", "", "version"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "_", "new", "place"), TOPS, ids=[case[2] or f"no {case[0]}" for case in TOPS])
def test_unsupported_kind_or_version_is_reported_first(folder, old, _, new, place, snapshot):
    (mistake,) = mistakes_of(edit(folder, E, (old, new), ("lasts: 5m", "lasts: 5")))
    assert words(mistake) == snapshot
    assert at(mistake).startswith(place)


def _fields(model):
    for field in model.model_fields.values():
        yield field
        if isinstance(field.annotation, type) and issubclass(field.annotation, Written):
            yield from _fields(field.annotation)


def test_every_pattern_of_the_files_has_words():
    def patterns(schema):
        if isinstance(schema, dict):
            yield from ([schema["pattern"]] if isinstance(schema.get("pattern"), str) else [])
            yield from schema.get("patternProperties", {})
        for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
            yield from patterns(below)

    units = (
        "(ms|s|m|h|d)",
        " *%$",
        "/ *[smh]$",
        "^s3://",
        "-[1-9]$",
        "|tue|",
        ":[0-5][0-9]$",
    )  # read, and put into words, by functions
    raw = {pattern for model in MODELS.values() for pattern in patterns(model.model_json_schema())}
    assert {pattern for pattern in raw if not any(unit in pattern for unit in units)} == set(PATTERNS)
    fields = [field for source in SOURCES.values() for field in _fields(source)]
    assert [
        field for field in fields if any(hasattr(rule, "pattern") for rule in field.metadata) and not field.title
    ] == []


# --- faults ---------------------------------------------------------------------------------------------------------

ENTRY = "- terminate-instance: {module: orders, count: 1}"
FAULTS = [
    ("- terminat-instance: {module: orders}", "terminat-instance"),
    ("- xyz: {}", "xyz"),
    ("- reboot-instance", "reboot-instance"),
    ("- rebot-instance", "rebot-instance"),
    ("- reboot-instance:", "reboot-instance:"),
    ("- reboot-instance: orders", "orders"),
    ("- {terminate-instance: {module: orders}, at: soon}", "soon"),
    ("- {terminate-instance: {module: orders}, at: 2m}", "2m}"),
    ("- {terminate-instance: {module: orders}, for: 2m}", "2m}"),
    ("- {reboot-instance: {module: orders}, for: 0s}", "0s}"),
    ("- {at: 2m}", "{at"),
    ("- {reboot-instance: {module: web}, stop-instance: {module: web}}", "stop-instance"),
    ("- {az-blackhole: , zone: us-east-1a}", "zone:"),
    ("- {}", "{}"),
    ("- 5", "5"),
    ("- isolate-module: {}", "isolate-module"),
    ("- az-blackhole: {zone: us-east-1a, lauches: blocked}", "lauches"),
    ("- az-blackhole: {zone: us-east-1a, launches: blokked}", "blokked"),
    ("- stop-instance: {module: orders, share: 0.5}", "0.5"),
    ("- stop-instance: {module: orders, share: 5%, count: 1}", "stop-instance"),
    ("- throttle: {module: orders, to: 5/s}", "5/s"),
    ("- reboot-instance: {module: order}", "order}"),
    ("- az-blackhole: {zone: us-east-1d}", "us-east-1d"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "place"), FAULTS, ids=[case[0] for case in FAULTS])
def test_a_wrong_fault_says_where_why_and_what_to_do(folder, entry, place, snapshot):
    (mistake,) = mistakes_of(edit(folder, E, (ENTRY, entry)))
    assert words(mistake) == snapshot
    assert mistake.remedy
    assert at(mistake).startswith(place)


def test_zone_of_another_region_is_a_mistake_without_a_twin_too(folder):
    edit(folder, W, ("twin: twin.yaml", "# twin"))
    (mistake,) = mistakes_of(edit(folder, E, (ENTRY, "- az-blackhole: {zone: eu-west-1a}")))
    assert mistake.what == "zone `eu-west-1a` is not in us-east-1"
    assert at(mistake).startswith("eu-west-1a")


def test_an_unknown_kpi_of_an_effect_is_a_mistake(folder):
    (mistake,) = mistakes_of(edit(folder, E, ("\nlasts:", "\neffect: {kpi: ordrs}\nlasts:")))
    assert "ordrs" in mistake.what
    assert at(mistake).startswith("ordrs")


# --- across files ---------------------------------------------------------------------------------------------------

ACROSS = [
    # loaded; edits of files; the file of the mistake, and the text at its place
    (E, [(E, "orders, orders-latency", "orders, orders-latncy")], E, "orders-latncy"),
    (E, [(E, "steady_state: [orders,", "steady_state: [orders, orders,")], E, "orders, orders-l"),
    (E, [(E, "  orders-capacity: any", "  order-capacity: any")], E, "order-capacity"),
    (E, [(E, "  orders: {at_least: 50%}", "  zzz: {at_least: 50%}")], E, "zzz"),
    (E, [(E, "  orders-capacity: any", "  orders-capacity: any\n  pages: any")], E, "pages"),
    (E, [(E, "  orders: {at_least: 98%}", "  orders: {p95: 1s}")], E, "{p95"),
    (E, [(E, "  orders: {at_least: 50%}", "  orders: {at_least: 50}")], E, "{at_least: 50}"),
    (E, [(E, "  orders: {at_least: 50%}", "  orders-latency: {at_least: 5}")], E, "{at_least: 5}"),
    (E, [(E, "lasts: 5m", "lasts: 4m")], E, "4m"),
    (E, [(E, "lasts: 5m", "lasts: 16m")], E, "16m"),
    (E, [(E, "lasts:", "detected_by: {alarm: orders-low, within: 6m}\nlasts:"), (T, "metrics:", "alarms: {orders-low: {metric: Shop/OrdersFailed, above: 1}}\nmetrics:")], E, "5m"),
    (E, [(E, "lasts:", "detected_by: {alarm: order-low, within: 2m}\nlasts:"), (T, "metrics:", "alarms: {orders-low: {metric: Shop/OrdersFailed, above: 1}}\nmetrics:")], E, "order-low"),
    (E, [(E, "lasts:", "detected_by: {alarm: 'arn:aws:cloudwatch:us-west-2:999922223333:alarm:orders-low', within: 2m}\nlasts:"), (T, "metrics:", "alarms: {orders-low: {metric: Shop/OrdersFailed, above: 1}}\nmetrics:")], E, "'arn"),
    (E, [(E, "lasts:", "detected_by: {alarm: 'arn:aws:sns:us-east-1:111122223333:orders-low', within: 2m}\nlasts:")], E, "'arn"),
    (E, [(E, "lasts:", "stop_when: [orders-low]\ndetected_by: {alarm: orders-low, within: 2m}\nlasts:"), (T, "metrics:", "alarms: {orders-low: {metric: Shop/OrdersFailed, above: 1}}\nmetrics:")], E, "orders-low, within"),
    (E, [(E, "lasts:", "region: us-west-2\nlasts:")], E, "us-west-2"),
    (E, [(W, "[us-east-1]", "[us-east-1, eu-west-1]")], E, "version"),
    (E, [(E, "workload: workload.yaml", "workload: worklod.yaml")], E, "worklod"),
    (E, [(E, "workload: workload.yaml", "workload: twin.yaml")], E, "twin.yaml"),
    (E, [(E, "workload: workload.yaml", "workload: .")], E, "."),
    (E, [(E, "workload: workload.yaml", "workload: no/w.yaml")], E, "no/w"),
    (E, [(E, "workload: workload.yaml", 'workload: "a\\0b"')], E, '"a'),
    (W, [(W, "twin: twin.yaml", "twin: gameday.yaml")], W, "gameday.yaml"),
    (W, [(W, "tolerates: [orders]", "tolerates: [order]")], W, "order]"),
    (W, [(W, "tolerates: [orders]", "needs: [zzz]")], W, "zzz"),
    (W, [(W, "tolerates: [orders]", "needs: [web]")], W, "web]"),
    (W, [(W, "tolerates: [orders]", "tolerates: [orders]\n    needs: [orders]")], W, "orders]"),
    (W, [(W, "    module: web\n", "    module: webb\n")], W, "webb"),
    (W, [(T, "  orders:\n    instances", "  ordrs:\n    instances"), (T, "to: orders", "to: ordrs"), (T, "module: orders, count: latency", "module: ordrs, count: latency"), (T, "module: orders, count: healthy", "module: ordrs, count: healthy"), (W, "  orders:\n    owns: {tags: {module: orders}}", "  orders:\n    owns: {tags: {module: orders}}\n  ordrs: {owns: {tags: {a: b}}}")], T, "modules:"),
    (W, [(T, "customers:", "  extra: {function: {}, latency: {p50: 1s, p95: 1s}}\ncustomers:")], T, "extra"),
    (W, [(W, "  web:\n    owns: {tags: {module: web}}", "  web:\n    owns: {functions: [web]}")], T, "instances"),
    (W, [(T, "us-east-1b", "eu-west-1b")], T, "eu-west-1b"),
    (T, [(T, "us-east-1b", "us-east-1a")], T, "us-east-1a, us-east-1c"),
    (T, [(T, "to: orders", "to: order")], T, "order,"),
    (T, [(T, "only: [buy]", "only: [buys]")], T, "buys"),
    (T, [(T, "share: 70%, enters: web", "share: 70%, enters: webs")], T, "webs"),
    (T, [(T, "share: 70%", "share: 60%")], T, "journeys:"),
    (T, [(T, "{journey: buy, count: tried}", "{journey: by, count: tried}")], T, "by,"),
    (T, [(T, "{module: orders, count: latency}", "{module: orderz, count: latency}")], T, "orderz"),
    (T, [(T, "metrics:", "alarms: {low: {metric: Shop/OrdersFailled, above: 1}}\nmetrics:")], T, "Shop/OrdersFailled"),
    (T, [(T, "customers:", "  f: {function: {}, latency: {p50: 1s, p95: 1s}}\ncustomers:"), (T, "{module: orders, count: healthy}", "{module: f, count: healthy}")], T, "healthy"),
    (G, [(G, "- lose-an-instance.yaml", "- loose-an-instance.yaml")], G, "loose"),
    (G, [(G, "- lose-an-instance.yaml", "- workload.yaml")], G, "workload.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("load", "edits", "name", "place"), ACROSS, ids=[f"{case[0]}: {case[1][0][2]}" for case in ACROSS]
)
def test_values_that_do_not_fit_name_place_reason_and_remedy(folder, load, edits, name, place, snapshot):
    for file, old, new in edits:
        edit(folder, file, (old, new))
    (mistake,) = mistakes_of(folder / load)
    assert words(mistake) == snapshot
    assert (mistake.file, at(mistake).startswith(place)) == (str(folder / name), True), at(mistake)


def test_experiments_of_a_gameday_belong_to_its_workload(folder):
    (folder / "other.yaml").write_text((folder / W).read_text())
    edit(folder, E, ("workload: workload.yaml", "workload: other.yaml"))
    (mistake,) = mistakes_of(folder / G)
    assert "is an experiment of " in mistake.what
    assert "other.yaml, but the game day is of " in mistake.what
    assert mistake.remedy == "write a game day for each workload"


def test_recovery_from_undo_needs_no_longer_fault(folder):
    edit(folder, E, ("from: impact", "from: undo"), ("lasts: 5m", "lasts: 1m"))
    assert load_experiment(folder / E).experiment.lasts == 60


def circle(folder, journey):
    """The starter's twin in which `orders` calls `web` on a journey; on `buy`, `web` calls `orders`."""
    latency = "    latency: {p50: 30ms, p95: 80ms}"
    edit(folder, T, (latency, f"{latency}\n    calls: [{{to: web, only: [{journey}]}}]"))


def test_circle_of_calls_on_one_journey_is_a_mistake(folder):
    circle(folder, "buy")
    (mistake,) = mistakes_of(folder / T)
    assert mistake.kind is MistakeKind.CONFLICT
    assert "web → orders → web" in mistake.what


def test_a_circle_of_needs_is_fine(folder):
    circle(folder, "browse")
    edit(
        folder,
        W,
        ("tolerates: [orders]", "needs: [orders]"),
        ("{module: orders}}", "{module: orders}}\n    needs: [web]"),
    )
    assert load_workload(folder / W).workload.suffers_with(frozenset({"web"})) == {"web", "orders"}


def test_every_mistake_is_reported_at_once(folder):
    edit(
        folder,
        E,
        ("lasts: 5m", "lasts: 5"),
        ("[orders, ", "[ordrs, "),
        ("module: orders,", "module: order,"),
        ("allow:", "alow:"),
    )
    edit(folder, W, ("tolerates: [orders]", "tolerates: [order]"), ("tier: business", "tier: busy"))
    edit(folder, T, ("share: 70%", "share: 60%"))
    said = [mistake.what for mistake in mistakes_of(folder / G)]
    for part in ("`lasts`", "unknown key `alow`", "no module `order`", "no KPI `ordrs`", "`tier`", "add up to 90%"):
        assert any(part in what for what in said), part
    edit(folder, W, ("tolerates: [order]", "tolerates: [orders]"), ("tier: busy", "tier: business"))
    edit(folder, T, ("share: 60%", "share: 70%"))
    said = [mistake.what for mistake in mistakes_of(folder / E)]
    for part in ("`lasts`", "unknown key `alow`", "no module `order`", "no KPI `ordrs`"):
        assert any(part in what for what in said), part


def test_names_are_checked_while_the_workload_is_wrong_elsewhere(folder):
    edit(folder, W, ("tier: business", "tier: busy"))
    edit(folder, E, ("[orders, ", "[ordrs, "), ("module: orders,", "module: order,"))
    said = {mistake.what: mistake.remedy for mistake in mistakes_of(folder / E)}
    assert said["there is no KPI `ordrs`"] == "did you mean `orders`?"
    assert said["there is no module `order`"] == "did you mean `orders`?"
    assert len(said) == 3


def test_names_are_not_guessed_where_the_workload_has_none(folder):
    edit(folder, W, ("kpis:", "kpi:"))
    assert {Path(mistake.file).name for mistake in mistakes_of(folder / E)} == {W}


# --- validating many, and rendering ---------------------------------------------------------------------------------


def test_folders_are_validated_and_shared_mistakes_reported_once(folder):
    (folder / "more").mkdir()
    (folder / "more" / "a.yml").write_text((folder / E).read_text().replace("workload.yaml", "../workload.yaml"))
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "b.yaml").write_text("broken: [")
    assert validate_files([folder]) == []
    edit(folder, W, ("instances: 5", "instances: 0"))
    (mistake,) = validate_files([folder, folder / E])
    assert mistake.what == "`instances` is at least 1; found `0`"


def test_a_file_that_is_not_there_or_no_file_is_a_mistake(folder, tmp_path):
    (missing,) = validate_files([folder / "gamday.yaml"])
    assert (
        missing.render()
        == f"{folder}/gamday.yaml: there is no such file [GD-F01]\n       → did you mean `gameday.yaml`?"
    )
    (nowhere,) = validate_files([folder / "no" / "x.yaml"])
    assert nowhere.remedy == f"there is no folder {folder}/no either"
    (empty := tmp_path / "empty").mkdir()
    (nothing,) = validate_files([empty])
    assert nothing.what == "the folder has no YAML file"
    (device,) = validate_files([Path("/dev/null")])
    assert device.what == "this is not a regular file"


def test_a_file_that_lies_elsewhere_is_found(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (deep := folder / "experiments" / "shop").mkdir(parents=True)
    for name in ("lose-a-zone.yaml", "blackhole.yaml"):
        (deep / name).write_text((folder / E).read_text())
    for asked, remedy in (
        ("lose-a-zone.yaml", "did you mean `experiments/shop/lose-a-zone.yaml`?"),
        ("blckhole.yaml", "did you mean `experiments/shop/blackhole.yaml`?"),
        ("experimnts/shop/lose-a-zone.yaml", "there is no folder experimnts either: did you mean `experiments`?"),
        ("xyz.yaml", "the folder has: gameday.yaml, lose-an-instance.yaml, twin.yaml, workload.yaml"),
    ):
        (mistake,) = validate_files([asked])
        assert (mistake.what, mistake.remedy) == ("there is no such file", remedy)
    (mistake,) = validate_files([deep / "lose-a-zone.yaml"])
    assert mistake.what == "`workload.yaml`: there is no such file"
    (above := deep.parent / "workload.yaml").write_text((folder / W).read_text())
    (mistake, _) = validate_files([deep / "lose-a-zone.yaml", above])
    assert mistake.remedy == "did you mean `../workload.yaml`?"


def test_a_mistake_is_shown_with_its_line_and_a_caret(folder):
    edit(folder, E, ("from: impact", "from: impct"), ("       # the system heals by itself", ""))
    (mistake,) = mistakes_of(folder / E)
    assert mistake.render().splitlines() == [
        f"{folder / E}:21:30: `from` is impact or undo; found `impct` [GD-F07]",
        "    21 │ recovery: {within: 4m, from: impct, sustained: 1m}",
        "       │                              ^",
        "       → did you mean `impact`?",
    ]


def test_long_line_is_cut_around_the_place_without_controls():
    source = "é" * 500 + "HERE" + "\x1b[31m" * 100
    shown = Mistake("f\x1b.yaml", 1, 501, "what\x07").render().splitlines()
    assert shown == ["f\N{REPLACEMENT CHARACTER}.yaml:1:501: what\N{REPLACEMENT CHARACTER} [GD-F11]"]
    _, line, caret = Mistake("f", 1, 501, "what", source=source).render().splitlines()
    assert line[caret.index("^") :].startswith("HERE")
    assert "\x1b" not in line
    assert len(line) < 120


def test_carets_stand_right_under_wide_characters():
    _, line, caret = Mistake("f", 1, 3, "what", source="日本x").render().splitlines()
    assert (line.index("x"), caret.index("^")) == (11, 13)  # two wide characters take four columns


def test_all_mistakes_are_the_errors_text(folder):
    edit(folder, E, ("lasts: 5m", "lasts: 5"), ("baseline: 3m", "baseline: 3"))
    with pytest.raises(InvalidInput, match=r"(?s)baseline.*lasts.*\n2 mistakes"):
        load_any(folder / E)


def test_a_file_that_may_not_be_read_is_a_mistake(folder, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(document, "read_regular", denied)
    (mistake,) = validate_files([folder / E])
    assert mistake.what == "Gameday cannot read the file: Permission denied"


def test_validating_loads_nothing_dear(folder):
    code = (
        "import sys; from pathlib import Path; from gameday.files.load import validate_files;"
        "assert validate_files([Path(sys.argv[1])]) == [];"
        "print(*sorted({'numpy', 'scipy', 'boto3', 'botocore', 'moto', 'rich', 'jinja2'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


# --- any text at all ------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["{", "}", "[", "]", ": ", "- ", "&a ", "*a", "<<: *a", "\t", "\n", "\n  ", "'", '"', "|", "#", "!", "!!str ", "%", "@",
     "${X}", "${X:-5}", "${", "\x00", "\u2028", "\ufeff", "null", "true", "0x1f", "1e999", "9" * 30, "-1", "? ", "---\n",
     "...", "\\", ".inf", "any", "😀", "'\\ud800'", '"\\ud800"', "workload.yaml", "az-blackhole", "5m", "99%"]
)  # fmt: skip
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def value_or_mistakes(path):
    """Any content of a file becomes a value or is invalid input."""
    try:
        load_any(path, {"X": "1"})
    except InvalidFile as invalid:
        said = str(invalid)
        invalid_without_words = not invalid.mistakes or not said.encode()
    else:
        invalid_without_words = False
    assert not invalid_without_words


@FUZZ
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_become_a_value_or_mistakes(folder, raw):
    (folder / "any.yaml").write_bytes(raw)
    value_or_mistakes(folder / "any.yaml")


@FUZZ
@given(
    name=st.sampled_from(NAMES), where=st.floats(0, 1), length=st.integers(0, 40), piece=st.lists(PIECES, max_size=3)
)
def test_any_damage_to_a_good_file_becomes_a_value_or_mistakes(folder, name, where, length, piece):
    text = (STARTER / name).read_text()
    start = int(where * len(text))
    (folder / name).write_text(text[:start] + "".join(piece) + text[start + length :])
    value_or_mistakes(folder / name)
    value_or_mistakes(folder / G)
    (folder / name).write_text(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | PIECES | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5) | PIECES, below, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(data=st.data(), kind=st.sampled_from(sorted(MODELS)))
def test_any_values_under_known_keys_become_a_value_or_mistakes(folder, data, kind):
    keys = [key for key in keys_of(MODELS[kind]) if key not in ("version", "kind")]
    drawn = data.draw(st.dictionaries(st.sampled_from(keys), JSON, max_size=6))
    starters = {"workload": W, "twin": T, "experiment": E, "gameday": G}
    text = (STARTER / starters[kind]).read_text() if kind in starters else RULES
    good = yaml.safe_load(text)
    (folder / "any.yaml").write_text(yaml.safe_dump({**good, **drawn}, allow_unicode=True), errors="surrogatepass")
    value_or_mistakes(folder / "any.yaml")


@FUZZ
@given(
    st.dictionaries(st.text("abcxyz-", min_size=1, max_size=4), st.text(min_size=1, max_size=6).filter(str.isprintable))
)
def test_a_text_is_read_as_it_was_written(folder, tags):
    dumped = yaml.safe_dump({"tags": tags}, default_style='"', allow_unicode=True, default_flow_style=True, width=10**6)
    edit(folder, W, ("owns: {tags: {app: shop}}", f"owns: {dumped.strip()}"))
    try:
        if not any("${" in text for text in tags.values()):
            assert load_workload(folder / W).workload.owns.tags == tags
    finally:
        (folder / W).write_text((STARTER / W).read_text())


def test_bounds_are_read_with_their_units(folder):
    experiment = load_experiment(folder / E).experiment
    assert experiment.during["orders"].at_least == Amount(0.98, "%")
    assert experiment.during["orders-capacity"] == "any"


# --- what AWS would not take ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "remedy"),
    [
        ("us-esat-1", "did you mean `us-"),
        ("us-east-9", "did you mean `us-east-"),
        ("us-east-1a", "did you mean `us-east-1`?"),
        ("US-EAST-1", "did you mean `us-east-1`?"),
        ("moon", "write one like us-east-1"),
    ],
)
def test_a_region_that_is_not_there_is_a_mistake(folder, region, remedy):
    (mistake,) = mistakes_of(edit(folder, W, ("regions: [us-east-1]", f"regions: [{region}]")))
    assert mistake.what == f"`{region}` is not a region of AWS's standard partition"
    assert at(mistake).startswith(region)
    assert mistake.remedy.startswith(remedy)


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_region_of_another_partition_is_named_so(folder, region, partition):
    (mistake,) = mistakes_of(edit(folder, W, ("regions: [us-east-1]", f"regions: [{region}]")))
    assert partition in mistake.what
    assert "did you mean" not in mistake.remedy


def test_other_partitions_are_those_of_botocore():
    read = botocore.loaders.Loader().load_data("partitions")["partitions"]
    others = {name: each["id"] for each in read if each["id"] != "aws" for name in each["regions"]}
    regional = {name: id_ for name, id_ in others.items() if not name.endswith("-global")}
    assert {name: partition_of(name) for name in regional} == regional
    assert {partition_of(name) for name in REGIONS} == {None}


def test_the_regions_known_are_those_of_botocore():
    read = botocore.loaders.Loader().load_data("partitions")["partitions"]
    (regions,) = (one["regions"] for one in read if one["id"] == "aws")
    assert set(REGIONS) == {name for name in regions if not name.endswith("-global")}


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-7", "mx-central-1", "il-central-1", "eu-south-2"])
def test_every_region_of_the_partition_passes(folder, region):
    for name in (W, T):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("us-east-1", region))
    assert load_workload(folder / W, {}).workload.regions == (region,)


def test_a_tag_has_a_key(folder):
    (mistake,) = mistakes_of(edit(folder, E, ("module: orders", 'tags: {"": orders}')))
    assert mistake.what == "`` is not the key of a tag: 1 to 128 characters"


def test_a_load_balancer_that_checks_without_end_is_a_mistake(folder):
    path = folder / T
    path.write_text(path.read_text() + "\nhealth_check: {interval: 1ms}\n")
    (mistake,) = mistakes_of(path)
    assert mistake.what == "`interval` is at least 1s; found `1ms`"
    assert "ELB takes at least 5s" in mistake.remedy


def test_dangling_link_names_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("gone.yaml")
    (mistake,) = validate_files([tmp_path / "x.yaml"])
    assert "gone.yaml" in mistake.what
    assert "did you mean" not in mistake.remedy


# --- zones of the twin ----------------------------------------------------------------------------------------------


def test_zones_known_are_those_of_moto():
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    moto = {region: tuple(zone.name for zone in zones) for region, zones in RegionsAndZonesBackend.zones.items()}
    assert {region: zones_of(region) for region in REGIONS} == {region: moto.get(region, ()) for region in REGIONS}


@pytest.mark.parametrize("zone", ["us-east-1", "us-east-1z", "us-east-1aa"])
def test_zone_that_the_twin_cannot_simulate_is_a_mistake(folder, zone):
    edit(folder, T, ("us-east-1a", zone))
    (mistake,) = mistakes_of(folder / W)
    assert mistake.kind is MistakeKind.BAD_REFERENCE
    assert at(mistake).startswith(zone)


def test_twin_needs_a_zone_in_the_region_of_the_experiment(folder):
    edit(folder, W, ("regions: [us-east-1]", "regions: [us-east-1, us-west-2]"))
    edit(folder, E, ("name: lose", "region: us-west-2\nname: lose"))
    (mistake,) = mistakes_of(folder / E)
    assert at(mistake).startswith("us-west-2")
    edit(folder, T, ("us-east-1c", "us-west-2b"))
    assert load_experiment(folder / E).twin
