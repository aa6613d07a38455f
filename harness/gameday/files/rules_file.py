"""The rules file: which AWS calls of a program fail, and how."""

from __future__ import annotations

from collections.abc import Mapping as Names
from typing import Any, Literal

from pydantic import Field

from gameday.files.entries import Entries
from gameday.files.yaml.document import Document, value_at
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.files.yaml.validate import shaped
from gameday.sdk.rule import EXAMPLES, MOST_RULES, Rule
from gameday.steady_state.kpi.units import Seed
from gameday.steady_state.kpi.written import Written


class RulesFile(Written):
    """Rules for the AWS calls of a program; the first rule that hits a request wins."""

    version: Literal[1] = Field(description="the version of the file format")
    kind: Literal["rules"] = Field(description="the kind of this file")
    seed: Seed = Field(0, description="the seed that chooses the requests of a share")
    rules: tuple[dict[str, Any], ...] = Field(
        min_length=1, max_length=MOST_RULES, description="in order: the first that hits a request wins"
    )


def read_rules(document: Document, environ: Names[str, str]) -> tuple[tuple[Rule, ...], list[Mistake]]:
    """Return the valid rules in order, and the mistakes of the others."""
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
