"""What plans on an account and what undoes starts light: only judging loads scipy, only it and the twin load numpy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STOREFRONT = Path(__file__).parent.parent / "experiments" / "storefront"
CODE = """
import sys
from gameday.cli.main import main
try:
    main()
except SystemExit:
    pass
print("LOADED", *sorted({"numpy", "scipy"} & set(sys.modules)))
"""
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nothing listens there
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.mark.parametrize(
    "words",
    [
        ("restore",),
        ("halt", "storefront"),
        ("validate", str(STOREFRONT)),
        ("plan", str(STOREFRONT / "lose-a-zone.yaml"), "--on", "aws"),
    ],
    ids=lambda words: words[0],
)
def test_command_that_does_not_judge_loads_no_numpy(words: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        cwd=tmp_path,
        env={**os.environ, **NOWHERE, "GAMEDAY_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]
