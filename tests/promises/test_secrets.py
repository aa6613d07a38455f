"""Secrets that people write into the files of a run, or into its environment, reach the saved plan and nothing else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.doubles.play import SHORT, read

SECRETS = {
    "userinfo of a probe": "s01hush",
    "value in the query of a probe": "s02hush",
    "part of the query of a probe": "s03hush",
    "fragment of a probe": "s04hush",
    "quoted value in the query of a probe": "s05hush",
    "userinfo of a Prometheus": "s06hush",
    "label of a query": "s07hush",
    "pattern for a label, with spaces": "s08hush",
    "argument of a program": "s09hush",
    "header for a program": "s10hush",
    "program in one word": "s11hush",
    "assignment before a program": "s12hush",
    "filter of a query of logs": "s13hush",
    "variable of the environment": "s14hush",
    "link in the description of a KPI": "s15hush",
    "link in a hypothesis": "s16hush",
    "link in the function of a workload": "s17hush",
    "key that is ignored": "s18hush",
    "comment": "s19hush",
    "secret access key": "s20hush",
    "session token": "s21hush",
}
"""Where a secret is → the secret."""
S = SECRETS


def kpi(source: dict[str, Any], about: str = "") -> dict[str, Any]:
    bound = {"bound": {"at_least": 1}}
    return {"tier": "technical", "module": "web", "about": about, "gauge": source, **bound}


def probe(url: str) -> dict[str, Any]:
    return {
        "tier": "technical",
        "module": "web",
        "ratio": {"total": {"http": {"url": url}}},
        "bound": {"at_least": "99%"},
    }


def planted_kpis() -> dict[str, Any]:
    """KPIs whose sources hold a secret each."""
    urls = {
        "a1": f"https://ana:{S['userinfo of a probe']}@shop.test/",
        "a2": f"https://shop.test/?key={S['value in the query of a probe']}",
        "a3": f"https://shop.test/?{S['part of the query of a probe']}",
        "a4": f"https://shop.test/#{S['fragment of a probe']}",
        "a5": f"https://shop.test/?key=%27'{S['quoted value in the query of a probe']}",
        "a6": "https://shop.test/?key=${PLANTED}",
    }
    up = f'up{{token="{S["label of a query"]}",api_key=~"a {S["pattern for a label, with spaces"]}.*"}}'
    prometheus = {"url": f"http://ana:{S['userinfo of a Prometheus']}@prometheus.test:9090", "query": up}
    header = f"Authorization: Bearer {S['header for a program']}"
    filtered = f'filter token = "{S["filter of a query of logs"]}" | stats count(*) as value by bin(1m)'
    commands = {
        "c1": ["count", S["argument of a program"]],
        "c2": ["curl", "-H", header],
        "c3": [f"env TOKEN={S['program in one word']} count"],
        "c4": [f"QUEUE={S['assignment before a program']}", "count"],
    }
    link = f"https://wiki.test/?key={S['link in the description of a KPI']}"
    return {
        **{name: probe(url) for name, url in urls.items()},
        **{name: kpi({"command": {"run": words}}) for name, words in commands.items()},
        "p1": kpi({"prometheus": prometheus}, f"See {link}."),
        "l1": kpi({"logs": {"group": "/shop/web", "query": filtered}}),
    }


@dataclass(frozen=True)
class Outcome:
    """What commands printed, and the folder with everything that they wrote."""

    printed: str
    folder: Path
    codes: tuple[int, ...]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Every verb that shows a run or its files, over files with a secret in each place."""
    folder = tmp_path_factory.mktemp("planted")
    workload = read("workload.yaml")
    workload["provides"] = f"Customers buy; see https://wiki.test/?key={S['link in the function of a workload']}."
    workload["kpis"] |= planted_kpis()
    workload["x-old"] = S["key that is ignored"]
    experiment = SHORT | {
        "hypothesis": f"Customers buy; see https://ana:{S['link in a hypothesis']}@wiki.test/.",
    }
    comment = f"# {S['comment']}\n"
    (folder / "workload.yaml").write_text(comment + yaml.safe_dump(workload))
    (folder / "twin.yaml").write_text(yaml.safe_dump(read("twin.yaml")))
    (folder / "short.yaml").write_text(comment + yaml.safe_dump(experiment))
    environ = os.environ | {
        "GAMEDAY_HOME": str(folder / "home"),
        "PLANTED": S["variable of the environment"],
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": S["secret access key"],
        "AWS_SESSION_TOKEN": S["session token"],
    }
    log = ["-vv", "--log-file", "gameday.log"]
    record = "reports/short.json"
    commands = [
        [*log, "validate", "short.yaml"],
        [*log, "plan", "short.yaml", "-o", "plan.json"],
        [*log, "policy", "short.yaml"],
        [*log, "run", "plan.json", "--json", "--reports", "reports"],
        [*log, "report", record, "--reports", "again"],
        [*log, "explain", record],
        [*log, "restore", "--list"],
        [*log, "bug-report", record, "--log", "gameday.log"],
    ]
    ends = [
        subprocess.run(
            [sys.executable, "-m", "gameday.cli.main", *words],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        for words in commands
    ]
    printed = "".join(end.stdout + end.stderr for end in ends)
    return Outcome(printed, folder, tuple(end.returncode for end in ends))


def written(folder: Path) -> dict[str, bytes]:
    """Everything that the commands wrote, zips unpacked; not what the test itself wrote."""
    mine = {"workload.yaml", "twin.yaml", "short.yaml", "plan.json"}
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in folder.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            files |= {f"{path.name}/{name}": archive.read(name) for name in archive.namelist()}
    return {name: content for name, content in files.items() if name not in mine}


def test_planted_run_writes_all_that_a_run_writes(ran: Outcome) -> None:
    assert set(ran.codes) <= {0, 1}
    names = {Path(name).name for name in written(ran.folder)}
    assert {"short.json", "index.html", "summary.md", "junit.xml", "journal.db", "gameday.log", "log.txt"} <= names
    record = json.loads((ran.folder / "reports" / "short.json").read_text())
    assert set(planted_kpis()) <= set(record["plan"]["workload"]["kpis"])


@pytest.mark.parametrize("place", SECRETS)
def test_secret_in_any_place_is_nowhere(place: str, ran: Outcome) -> None:
    secret = SECRETS[place]
    assert secret not in ran.printed
    assert [name for name, content in written(ran.folder).items() if secret.encode() in content] == []


def test_saved_plan_alone_keeps_what_a_run_needs(ran: Outcome) -> None:
    text = (ran.folder / "plan.json").read_text()
    needed = [place for place in SECRETS if place.partition(" ")[0] not in ("key", "comment", "secret", "session")]
    assert [place for place in needed if SECRETS[place] not in text] == []
    assert stat.S_IMODE((ran.folder / "plan.json").stat().st_mode) == 0o600


def test_files_of_a_run_are_for_their_owner_alone(ran: Outcome) -> None:
    home = [ran.folder / "home", *(ran.folder / "home").rglob("*")]
    records = [ran.folder / "gameday.log", *ran.folder.glob("*.zip"), *ran.folder.glob("*/short.json")]
    assert len(records) == 4
    assert [path for path in (*home, *records) if path.stat().st_mode & 0o077] == []
