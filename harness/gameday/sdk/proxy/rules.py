"""The rules of a running proxy, by name, with their counts: the state that its HTTP API shows and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gameday.sdk.matching import Count, choose
from gameday.sdk.proxy.identify import Identified
from gameday.sdk.rule import Rule


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule with its name, and its counts since it was added."""

    name: str
    rule: Rule
    count: Count = field(default_factory=Count)


@dataclass
class Rules:
    """Rules in order: the first that hits a request wins. Only the proxy's thread may use them."""

    seed: int = 0
    named: tuple[NamedRule, ...] = ()
    passed: int = 0
    upstream_failed: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    @classmethod
    def numbered(cls, rules: Sequence[Rule], seed: int) -> Rules:
        """Make the rules of a file, named by their positions from 1."""
        return cls(seed, tuple(NamedRule(f"{number}", rule) for number, rule in enumerate(rules, 1)))

    @property
    def services(self) -> tuple[str, ...]:
        """The services that rules mean."""
        return tuple(dict.fromkeys(named.rule.service for named in self.named))

    def hit(self, call: Identified | None) -> Rule | None:
        """Find the rule that hits a request, and count the request."""
        if call is None:
            self.passed += 1
            return None
        position, counts = choose(
            [named.rule for named in self.named], [named.count for named in self.named], call.request, self.seed
        )
        self.named = tuple(replace(named, count=count) for named, count in zip(self.named, counts, strict=True))
        self.calls[str(call.request)] += 1
        if position is None:
            self.passed += 1
            return None
        return self.named[position].rule

    def put(self, name: str, rule: Rule) -> None:
        """Add a rule before all others, or replace the rule of this name. An equal rule changes nothing."""
        if any(named.name == name and named.rule == rule for named in self.named):
            return
        if any(named.name == name for named in self.named):
            self.named = tuple(NamedRule(name, rule) if named.name == name else named for named in self.named)
        else:
            self.named = (NamedRule(name, rule), *self.named)

    def drop(self, name: str) -> bool:
        """Remove a rule. Returns whether there was one."""
        before = len(self.named)
        self.named = tuple(named for named in self.named if named.name != name)
        return len(self.named) < before

    def state(self) -> Mapping[str, object]:
        """Describe everything, for the HTTP API."""
        return {
            "seed": self.seed,
            "rules": [
                {
                    "name": named.name,
                    "rule": named.rule.model_dump(mode="json", exclude_defaults=True),
                    "met": named.count.met,
                    "hit": named.count.hit,
                }
                for named in self.named
            ],
            "passed": self.passed,
            "upstream_failed": self.upstream_failed,
            "calls": dict(self.calls),
        }
