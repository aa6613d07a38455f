"""The choice of the rule that hits a request: pure, and the same for the same seed in any order of threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from gameday.sdk.rule import ALWAYS, Rule


@dataclass(frozen=True, slots=True)
class Request:
    """A request on the wire: service and operation as botocore's models name them."""

    service: str
    operation: str
    region: str | None

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Count:
    """A rule's counts: the requests that it met, which it means, and those that it hit."""

    met: int = 0
    hit: int = 0


def means(rule: Rule, request: Request) -> bool:
    """Whether a rule means a request at all."""
    return (
        rule.service == request.service
        and rule.operation in (None, request.operation)
        and rule.region in (None, request.region)
    )


def choose(
    rules: Sequence[Rule], counts: Sequence[Count], request: Request, seed: int
) -> tuple[int | None, list[Count]]:
    """Find the position of the first rule that hits a request (None: it passes), and the counts after it.

    A rule may mean a request and not hit it, because of its share or its limits; then the next rules meet it. Rules
    below the rule that hits do not meet the request. Whether a rule's share includes the nth request that it meets
    depends only on the seed, the rule's position and n.
    """
    after = list(counts)
    for position, (rule, count) in enumerate(zip(rules, counts, strict=True)):
        if means(rule, request):
            hit = _hits(rule, count, position, seed)
            after[position] = Count(count.met + 1, count.hit + hit)
            if hit:
                return position, after
    return None, after


def _hits(rule: Rule, count: Count, position: int, seed: int) -> bool:
    if count.met < rule.after or (rule.first is not None and count.hit >= rule.first):
        return False
    return rule.share >= ALWAYS or drawn(seed, position, count.met) < rule.share


def drawn(seed: int, position: int, nth: int) -> float:
    """Draw a number in [0, 1) from these three alone: a hash, so that no order of threads shifts it."""
    digest = blake2b(f"{seed}/{position}/{nth}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def overlaps(rules: Sequence[Rule]) -> Iterator[str]:
    """Describe each pair of rules that mean the same requests: which is first, and whether the other ever hits."""
    for below, rule in enumerate(rules):
        for above, other in enumerate(rules[:below]):
            if _meet(other, rule):
                first = f"rule {above + 1} ({other})"
                if _covers(other, rule):
                    yield f"rule {below + 1} ({rule}) never hits: {first} takes every request first"
                else:
                    yield f"rule {below + 1} ({rule}) meets only what {first} lets pass: the first match wins"


def _meet(above: Rule, below: Rule) -> bool:
    same_service = above.service == below.service
    return same_service and _same(above.operation, below.operation) and _same(above.region, below.region)


def _same(above: str | None, below: str | None) -> bool:
    return None in (above, below) or above == below


def _covers(above: Rule, below: Rule) -> bool:
    whole = above.share >= ALWAYS and above.first is None and not above.after
    return whole and above.operation in (None, below.operation) and above.region in (None, below.region)
