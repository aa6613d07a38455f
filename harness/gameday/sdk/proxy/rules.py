"""The rules of a running proxy, by name, and what they have met: what its HTTP API shows and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gameday.sdk.matching import Count, choose
from gameday.sdk.proxy.identify import Identified
from gameday.sdk.rule import Rule


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule that has a name, and what it has met since it came."""

    name: str
    rule: Rule
    count: Count = field(default_factory=Count)


@dataclass
class Rules:
    """Rules in their order; the first that hits a request wins. Belongs to one thread: the proxy's loop."""

    seed: int = 0
    named: tuple[NamedRule, ...] = ()
    passed: int = 0
    upstream_failed: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    @classmethod
    def numbered(cls, rules: Sequence[Rule], seed: int) -> Rules:
        """Rules of a file, named by their place in it."""
        return cls(seed, tuple(NamedRule(f"{number}", rule) for number, rule in enumerate(rules, 1)))

    @property
    def services(self) -> tuple[str, ...]:
        """The services that a rule means."""
        return tuple(dict.fromkeys(one.rule.service for one in self.named))

    def hit(self, found: Identified | None) -> Rule | None:
        """The rule that hits a request, counted."""
        if found is None:
            self.passed += 1
            return None
        position, counts = choose(
            [one.rule for one in self.named], [one.count for one in self.named], found.request, self.seed
        )
        self.named = tuple(replace(one, count=count) for one, count in zip(self.named, counts, strict=True))
        self.calls[str(found.request)] += 1
        if position is None:
            self.passed += 1
            return None
        return self.named[position].rule

    def put(self, name: str, rule: Rule) -> None:
        """Add a rule before all others, or in place of the one of its name; the same one again changes nothing."""
        if any(one.name == name and one.rule == rule for one in self.named):
            return
        if any(one.name == name for one in self.named):
            self.named = tuple(NamedRule(name, rule) if one.name == name else one for one in self.named)
        else:
            self.named = (NamedRule(name, rule), *self.named)

    def drop(self, name: str) -> bool:
        """Take a rule away; whether there was one."""
        before = len(self.named)
        self.named = tuple(one for one in self.named if one.name != name)
        return len(self.named) < before

    def told(self) -> Mapping[str, object]:
        """All of it, for the HTTP API."""
        return {
            "seed": self.seed,
            "rules": [
                {
                    "name": one.name,
                    "rule": one.rule.model_dump(mode="json", exclude_defaults=True),
                    "met": one.count.met,
                    "hit": one.count.hit,
                }
                for one in self.named
            ],
            "passed": self.passed,
            "upstream_failed": self.upstream_failed,
            "calls": dict(self.calls),
        }
