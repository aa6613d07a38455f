"""Tools to test faults, Gameday's and yours: unreliable accounts, and the law that every fault must keep.

A simulated AWS is always consistent, and AWS is not.

- `RoughAccount` wraps any account, and makes it as inconsistent as AWS.
- `DyingAccount` ends the process at a given call.
- `law` applies a planned fault to such an account, undoes it, and compares.
"""

from gameday.testing.crashes import DyingAccount, DyingJournal, Killed, Life
from gameday.testing.failing_account import CallFailure, FailingAccount
from gameday.testing.law import Broken, law, touched
from gameday.testing.unreliable_account import RoughAccount, Way, applicable

__all__ = [
    "Broken",
    "CallFailure",
    "DyingAccount",
    "DyingJournal",
    "FailingAccount",
    "Killed",
    "Life",
    "RoughAccount",
    "Way",
    "applicable",
    "law",
    "touched",
]
