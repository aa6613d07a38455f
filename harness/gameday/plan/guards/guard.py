"""A guard: a function that yields what speaks against injecting, with the stable codes of what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gameday.errors import AwsError, JournalError, Reason, Refused

Context_contra = TypeVar("Context_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Objection:
    """What a guard says against injecting: in one line, and what to do about it."""

    text: str
    remedy: str = ""
    refuses: bool = True  # false: a warning


@dataclass(frozen=True, slots=True)
class InjectionGuard(Generic[Context_contra]):
    """A check, and the stable codes of its refusals and warnings; empty where it never has one."""

    check: Callable[[Context_contra], Iterable[Objection]]
    refuses: str = ""
    warns: str = ""

    @property
    def name(self) -> str:
        """What it looks at, for people: `stop alarms`."""
        return self.check.__name__.replace("_", " ")

    @property
    def about(self) -> str:
        """What it demands: the first line of its docstring."""
        return (self.check.__doc__ or "").partition("\n")[0]

    def objections(self, context: Context_contra) -> list[Objection]:
        """Ask it. A check that cannot answer refuses."""
        try:
            return list(self.check(context))
        except Refused as refused:
            return [Objection(reason.text, reason.remedy or refused.remedy) for reason in refused.reasons]
        except (AwsError, JournalError) as error:
            return [Objection(f"the {self.name} could not be checked: {error.what}", error.remedy)]


@dataclass(frozen=True, slots=True)
class Reasons:
    """What guards answered, in their order."""

    refusals: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


def ask(guards: Sequence[InjectionGuard[Context_contra]], context: Context_contra) -> Reasons:
    """Ask every guard, also after one has refused."""
    answers = [(guard, objection) for guard in guards for objection in guard.objections(context)]
    return Reasons(
        tuple(Reason(guard.refuses, each.text, each.remedy) for guard, each in answers if each.refuses),
        tuple(Reason(guard.warns, each.text, each.remedy) for guard, each in answers if not each.refuses),
    )
