"""For the tests of faults, ours and yours: accounts as bad as AWS can be, and the law that every fault keeps.

An AWS inside the process is always consistent, and AWS is not. `RoughAccount` stands before any account and adds what
is missing; `DyingAccount` ends the process at a given call; `law` applies and undoes an injection on them.
"""

from gameday.testing.crashing import DyingAccount, DyingJournal, Killed, Life
from gameday.testing.failing import CallFailure, FailingAccount
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
