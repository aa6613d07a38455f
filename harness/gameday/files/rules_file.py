"""The rules file: which AWS calls of a program fail, and how."""

from __future__ import annotations

from collections.abc import Mapping as Names
from typing import Any, Literal

from pydantic import Field

from gameday.files.entries import Entries
from gameday.files.yaml.document import Document, value_at
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.files.yaml.validate import shaped
from gameday.sdk.rule import EXAMPLES, Rule
from gameday.steady_state.kpi.written import Written


class RulesFile(Written):
    """Rules for the AWS calls of a program; of those that hit a request the first wins."""

    version: Literal[1] = Field(description="of these files' dialect")
    kind: Literal["rules"] = Field(description="what this file is")
    seed: int = Field(0, ge=0, description="decides which requests are in a share")
    rules: tuple[dict[str, Any], ...] = Field(min_length=1, description="in order: the first that hits a request wins")


def read_rules(document: Document, environ: Names[str, str]) -> tuple[tuple[Rule, ...], list[Mistake]]:
    """The rules that are right, in order, and the mistakes of the others."""
    rules: list[Rule] = []
    mistakes: list[Mistake] = []
    examples: dict[str, str] = dict(EXAMPLES.items())
    for loc, kind in Entries("rules", "rule", examples, examples.__getitem__).named(document, mistakes):
        fields = value_at(document.data, loc)
        if isinstance(fields, dict):
            if "kind" in fields:
                mistakes.append(
                    document.mistake(
                        (*loc, "kind"), "unknown key `kind`", "its name says it", True, MistakeKind.UNKNOWN_KEY
                    )
                )
            fields["kind"] = kind
        rule, more = shaped(Rule, document, environ, loc)
        mistakes += more
        rules += [rule] if rule else []
    return tuple(rules), mistakes
