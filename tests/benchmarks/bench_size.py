"""How much the wheel takes on a disk with all that it depends on, package by package.

    python -m tests.benchmarks.bench_size

pip builds the wheel and installs it, with no extras, into a folder of its own; a package index must be in reach.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SMALLEST = 0.5
"""Megabytes; smaller packages share one line."""
NO_PACKAGE = ("bin", "share", "__pycache__")


def installed(folder: Path) -> None:
    """Install the wheel of this tree into a folder; a copy is built, so that the tree stays as it is."""
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "tests", "reports", "__pycache__")
    shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
    words = ("install", "--quiet", "--disable-pip-version-check", "--no-compile", "--target", str(folder / "site"))
    subprocess.run([sys.executable, "-m", "pip", *words, str(source)], check=True)


def sizes(site: Path) -> Counter[str]:
    """Bytes on disk by top-level package; shared libraries beside a package (`numpy.libs`) count as its own."""
    found: Counter[str] = Counter()
    for file in site.rglob("*"):
        if file.is_file() and not file.is_symlink():
            found[package(file.relative_to(site).parts[0])] += file.stat().st_blocks * 512
    return found


def package(top: str) -> str:
    """The package that a top-level name in `site-packages` belongs to."""
    if top in NO_PACKAGE:
        return "(scripts and data)"
    return re.sub(r"(\.libs|\.py|\..*\.so|-[^-]*\.(dist|egg)-info)$", "", top).lower().replace("-", "_")


def main() -> None:
    """Print a line for each package, the largest first."""
    with tempfile.TemporaryDirectory() as folder:
        installed(Path(folder))
        found = sizes(Path(folder) / "site")
    rest = sum(size for size in found.values() if size < SMALLEST * 1e6)
    for name, size in found.most_common():
        if size >= SMALLEST * 1e6:
            print(f"{name:<24}{size / 1e6:>8.1f} MB")
    print(f"{'smaller than these':<24}{rest / 1e6:>8.1f} MB")
    print(f"{'the wheel in all':<24}{sum(found.values()) / 1e6:>8.1f} MB")


if __name__ == "__main__":
    main()
