"""Write the generated pages of the reference: `python docs/generate.py`."""

from __future__ import annotations

from pathlib import Path

from gameday.cli.errors import as_markdown

PAGES = {Path(__file__).parent / "reference" / "errors.md": as_markdown}
"""Page → what makes its text."""

if __name__ == "__main__":
    for path, text in PAGES.items():
        path.write_text(text(), encoding="utf-8")
