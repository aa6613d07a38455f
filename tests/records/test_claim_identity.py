"""What changes the identity of a claim, and what does not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml
from gameday.files.load import load_any
from gameday.files.loaded import LoadedExperiment
from gameday.records.claim_identity import claim_identity, without_ids
from hypothesis import given
from hypothesis import strategies as st

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
NAME = "lose-a-zone.yaml"


class Files:
    """The files of the storefront in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in STOREFRONT.glob("*.yaml"):
            (folder / path.name).write_text(path.read_text())

    def identity(self, name: str = NAME) -> str:
        loaded = load_any(self.folder / name)
        assert isinstance(loaded, LoadedExperiment)
        return claim_identity(loaded.experiment, loaded.workload)

    def edit(self, name: str, before: str, after: str) -> None:
        text = (self.folder / name).read_text()
        assert before in text, before
        (self.folder / name).write_text(text.replace(before, after, 1))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (NAME, "hypothesis: With one zone", "hypothesis: With a single zone"),
        (NAME, "lasts: 7m", "lasts: 8m"),
        (NAME, "zone: us-east-1a", "zone: us-east-1b"),
        (NAME, "orders: {at_least: 95%}", "orders: {at_least: 96%}"),
        (NAME, "recovery: {within: 5m", "recovery: {within: 4m"),
        (NAME, "isolation: {margin: 1%}", "isolation: {margin: 2%}"),
        (NAME, "orders: {at_least: 50%}", "orders: {at_least: 60%}"),
        (NAME, "within: 30s", "within: 40s"),
        ("workload.yaml", "bound: {at_least: 99%}", "bound: {at_least: 98%}"),
        ("workload.yaml", "Storefront/OrdersFailed", "Storefront/PagesFailed"),
        ("workload.yaml", "needs: [payments, ledger]", "needs: [payments, ledger, catalog]"),
    ],
)
def test_changed_claim_has_another_identity(name: str, before: str, after: str, files: Files) -> None:
    was = files.identity()
    files.edit(name, before, after)
    assert files.identity() != was


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (NAME, "lasts: 7m", "lasts: 420s  # seven minutes"),
        (NAME, "name: lose-a-zone", "name: lose-one-zone"),
        (NAME, "lasts: 7m", "lasts: 7m\nregion: us-east-1"),
        (NAME, "lasts: 7m", "lasts: 7m\nbaseline: 400s"),
        ("workload.yaml", "111122223333", "444455556666"),
        ("workload.yaml", "provides: ", "provides: In short, "),
        ("workload.yaml", "about: ", "about: In short, "),
        ("workload.yaml", "name: storefront", "name: shopfront"),
    ],
)
def test_change_outside_the_claim_keeps_the_identity(name: str, before: str, after: str, files: Files) -> None:
    text = (files.folder / name).read_text()
    if "baseline" in after and "baseline:" in text:
        before = next(line for line in text.splitlines() if line.startswith("baseline:"))
        after = "baseline: 400s"
    was = files.identity()
    files.edit(name, before, after)
    assert files.identity() == was


def test_order_of_keys_keeps_the_identity(files: Files) -> None:
    was = files.identity()
    for name in (NAME, "workload.yaml"):
        raw = yaml.safe_load((files.folder / name).read_text())
        (files.folder / name).write_text(yaml.safe_dump(_shuffled(raw, random.Random(7)), sort_keys=False))
    assert files.identity() == was


def test_declaration_without_another_module_keeps_identity(files: Files) -> None:
    named = "lose-an-instance.yaml"  # its fault names module checkout
    was = files.identity(named)
    files.edit("workload.yaml", "needs: [payments, ledger]", "needs: [payments]")
    assert files.identity(named) == was  # web and checkout may suffer, as before
    files.edit("workload.yaml", "needs: [catalog, checkout]", "needs: [catalog]")
    assert files.identity(named) != was


def test_default_that_is_written_keeps_the_identity(files: Files) -> None:
    was = files.identity()
    files.edit(NAME, "recovery: {within: 5m, from: impact, sustained: 1m}", "recovery: {within: 5m}")
    assert files.identity() == was


def test_kpi_that_isolation_judges_is_part_of_the_claim(files: Files) -> None:
    was = files.identity()
    files.edit("workload.yaml", "Storefront/LedgerFailed", "Storefront/PagesFailed")
    assert files.identity() != was


def test_kpi_that_nothing_judges_is_no_part_of_the_claim(files: Files) -> None:
    files.edit(NAME, "isolation: {margin: 1%}", "")
    was = files.identity()
    files.edit("workload.yaml", "Storefront/LedgerFailed", "Storefront/PagesFailed")
    assert files.identity() == was


def test_ids_of_resources_and_accounts_are_left_out() -> None:
    raw = {
        "ids": ["i-0123456789abcdef0", "i-89abcdef"],
        "alarm": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:orders-low",
        "dimensions": {"LoadBalancer": "app/shop/50dc6c495c0c9188", "Account": "111122223333"},
        "name": "checkout-2026",
    }
    assert without_ids(raw, "111122223333") == {
        "ids": ["i-*", "i-*"],
        "alarm": "arn:aws:cloudwatch:us-east-1:*:alarm:orders-low",
        "dimensions": {"LoadBalancer": "app/shop/*", "Account": "*"},
        "name": "checkout-2026",
    }


@given(st.text(alphabet="abcdefghij-/: ", max_size=40))
def test_text_without_ids_stays(text: str) -> None:
    assert without_ids(text, "111122223333") == text or any(len(part) >= 8 for part in text.split("-"))


def _shuffled(raw: object, draw: random.Random) -> object:
    if isinstance(raw, dict):
        items = [(key, _shuffled(value, draw)) for key, value in raw.items()]
        draw.shuffle(items)
        return dict(items)
    return [_shuffled(value, draw) for value in raw] if isinstance(raw, list) else raw
