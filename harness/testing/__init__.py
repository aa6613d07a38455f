"""For the tests of faults, ours and yours: accounts as bad as AWS can be, and the law that every fault keeps.

An AWS inside the process is always consistent, and AWS is not. `RoughAccount` stands before any account and adds what
is missing; `DyingAccount` ends the process at a given call; `law` applies and undoes an injection on them.
"""

from harness.testing.dying import DyingAccount, DyingJournal, Killed, Life
from harness.testing.failing import FailingAccount, Trouble
from harness.testing.law import Broken, law, touched
from harness.testing.rough import RoughAccount, Way, applicable

__all__ = [
    "Broken",
    "DyingAccount",
    "DyingJournal",
    "FailingAccount",
    "Killed",
    "Life",
    "RoughAccount",
    "Trouble",
    "Way",
    "applicable",
    "law",
    "touched",
]
