"""Conditions: what must be true on AWS for a change to be made, undone or felt, as data that a read decides."""

from __future__ import annotations

from gameday.change.call import Call, Frozen, Json
from gameday.change.placeholders import search


class Condition(Frozen):
    """What must be true of one resource before anything is sent; one read tells whether it is.

    Example: `i-1`, "termination protection is off", read by DescribeInstanceAttribute. A condition that does not hold
    refuses the plan. With `warns` it only warns. A condition that cannot be read refuses in either case.
    """

    subject: str  # the id of the resource
    about: str  # what must be true, in words, without the subject
    read: Call  # complete: it has no placeholders
    holds: str  # JMESPath over the answer: true where the condition holds
    refusal: str  # what a plan says where it does not hold, with the subject
    remedy: str = ""
    warns: bool = False
    source: str = ""  # the page and section of AWS's documents that state it

    def is_met(self, answer: Json) -> bool:
        """Return whether an answer to its read shows that it holds; raises GamedayError for an invalid JMESPath."""
        return search(self.holds, answer) is True
