"""The parts of the matrix, each played by a process of its own: an error in a part is reported, and counts as dirt.

A part answers with how many generated plans it tried, and with its scenarios.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from pathlib import Path
from queue import Queue

from tests.crash_matrix.damage import play
from tests.crash_matrix.kills import kill_all
from tests.crash_matrix.plans import explore
from tests.crash_matrix.scenario import bench
from tests.crash_matrix.scenarios import play_all
from tests.crash_matrix.stand import MEMORY

WORLDS = 16
"""Worlds of one part of the generated plans: about 34 plans of 40 on each are not refused."""
Told = tuple[str, tuple[str, ...]]
"""A scenario's key, and what is wrong."""


def part(shape: str, kind: str) -> tuple[int, list[Told]]:
    """All scenarios of one kind and shape; after a dirty one the world is built anew."""
    told: list[Told] = []
    try:
        with bench(shape) as on:
            for one in play_all(on, kind):
                told.append((str(one.key), one.dirt))
                if one.dirt:
                    return 0, [*told, (f"{shape} | {kind} | the rest", ("not played after a dirty one",))]
    except Exception as error:  # noqa: BLE001 - as in `plans`
        told.append((f"{shape} | {kind} | scenario {len(told)}", _in_words(error)))
    return 0, told


def plans(number: int) -> tuple[int, list[Told]]:
    """Generated plans of one seed: how many, and what is wrong."""
    try:
        return explore(WORLDS, number), []
    except Exception as error:  # noqa: BLE001 - the matrix goes on after any error, and reports it
        return 0, [(f"generated plans | seed {number}", _in_words(error))]


def damaged(stage: str) -> tuple[int, list[Told]]:
    """Every damage to the journal of a run that died at a stage."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    try:
        return 0, [(key, outcome.dirt) for key, outcome in play(folder, stage)]
    except Exception as error:  # noqa: BLE001 - as in `plans`
        return 0, [(f"damaged | {stage} | the rest", _in_words(error))]
    finally:
        shutil.rmtree(folder)


def kills(emitted: Queue[Told]) -> tuple[int, list[Told]]:
    """The real processes that are killed, each heard of as soon as it is over."""
    try:
        for told in kill_all():
            emitted.put(told)
    except Exception as error:  # noqa: BLE001 - as in `plans`
        return 0, [("SIGKILL | the rest", _in_words(error))]
    return 0, []


def _in_words(error: Exception) -> tuple[str, ...]:
    return (*traceback.format_exception(error)[-3:], *getattr(error, "__notes__", ()))
