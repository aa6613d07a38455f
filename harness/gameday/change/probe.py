"""Probes: reads with a yes-or-no answer."""

from __future__ import annotations

from gameday.change.call import Call, Frozen, Json
from gameday.change.placeholders import search


class Excess(Frozen):
    """Counts by period that say yes once they are clearly above the counts before the injection.

    `counted` and `known` are JMESPaths over the answer to [[times], [counts]], one pair for each series and page. A
    period is known where either has a value. A known period without a count counts zero; an unknown period is ignored.
    """

    counted: str
    known: str
    whole: str = ""  # a JMESPath over the answer: whether it has all counts; where it has not, it shows nothing
    period: float = 60.0  # seconds


class Probe(Frozen):
    """A read with a yes-or-no answer: by `holds`, a JMESPath over {answer, was}, or by an `excess`.

    `was` is what `value` (a JMESPath over the answer) read before the injection; null without `value`.
    """

    call: Call  # sees since, before, now, run, made
    holds: str = ""
    excess: Excess | None = None
    value: str = ""
    about: str = ""
    covers: tuple[str, ...] = ()  # the hit resources whose effect it shows; empty: it shows the effect as a whole

    def value_in(self, answer: Json) -> Json:
        """Return the value of before the injection, from an answer of that time; None without `value`."""
        return search(self.value, answer) if self.value else None

    def says_yes(self, answer: Json, was: Json) -> bool:
        """Return whether an answer says yes; for probes without an excess."""
        return search(self.holds, {"answer": answer, "was": was}) is True
