"""Explain the code of each kind of mistake in a file (`files/yaml/mistake.py`)."""

from __future__ import annotations

from gameday.cli.error_codes import ErrorCode

MISTAKES: dict[str, ErrorCode] = {
    "GD-F01": ErrorCode(
        "a file that cannot be read",
        "The file is missing, too large, not UTF-8, or not readable.",
        "Check the path; the message may name the file that you meant.",
    ),
    "GD-F02": ErrorCode(
        "not YAML",
        "The text is not YAML 1.2, or uses a part of YAML that Gameday does not read.",
        "Look at the caret. Texts with special characters need quotes.",
    ),
    "GD-F03": ErrorCode(
        "a variable without a value",
        "`${NAME}` names an environment variable that is empty or not set.",
        "Set it, or write `${NAME:-default}`.",
    ),
    "GD-F04": ErrorCode(
        "an unknown key",
        "No key of this name belongs here.",
        "Correct the spelling. Top-level keys that begin with `x-` are ignored.",
    ),
    "GD-F05": ErrorCode("a missing key", "A key that this part needs is not there.", "Add it."),
    "GD-F06": ErrorCode(
        "a value of the wrong type",
        "The value is not a mapping, list, text, number or boolean as the key needs.",
        "Write a value of the type that the message names.",
    ),
    "GD-F07": ErrorCode(
        "a wrong value",
        "The type is right, but the value is not one that the key takes.",
        "Write a value as the message says. A unit is part of the text, like `5m` or `99%`.",
    ),
    "GD-F08": ErrorCode(
        "a name that does not exist",
        "The name refers to a KPI, module, fault, zone, region or file that does not exist.",
        "Correct the spelling, or define what the name refers to.",
    ),
    "GD-F09": ErrorCode("a duplicate", "A key or a name occurs twice.", "Keep one of the two."),
    "GD-F10": ErrorCode(
        "not supported yet",
        "This version of Gameday does not support the key or value, and never ignores one silently.",
        "Leave it out, or update Gameday.",
    ),
    "GD-F11": ErrorCode(
        "parts that contradict each other",
        "Each of two parts is valid alone, but together they contradict each other.",
        "Change one of the two, as the message says.",
    ),
    "GD-F12": ErrorCode(
        "a file of another kind",
        "A file or a command names a file of another `kind:`.",
        "Name a file of the kind that the message states.",
    ),
}
"""Every code that a mistake in a file can carry."""
