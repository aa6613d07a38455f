"""The catalogue in words, from the faults themselves: fields, changes, undo, effect, permissions, an example."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from gameday.errors import InvalidInput
from gameday.faults import CATALOGUE
from gameday.faults.fault import Fault


def catalogue() -> str:
    """Return the catalogue as text, one line for each fault."""
    width = max(len(name) for name in CATALOGUE)
    return "".join(f"{name:<{width}}  {_first_line(fault)}\n" for name, fault in CATALOGUE.items())


def explain(name: str) -> str:
    """Return the full description of one fault. Raises InvalidInput where no fault has that name."""
    if name not in CATALOGUE:
        from difflib import get_close_matches

        close = get_close_matches(name, CATALOGUE, 1)
        remedy = f"did you mean {close[0]}?" if close else f"there are: {', '.join(CATALOGUE)}"
        raise InvalidInput(f"there is no fault named {name}", remedy, gd_code="GD-E107")
    return "\n".join(_lines(CATALOGUE[name])) + "\n"


def _lines(fault: type[Fault]) -> Iterator[str]:
    yield f"{fault.name}: {inspect.cleandoc(fault.__doc__ or '')}"
    yield ""
    yield "fields"
    for field, info in fault.model_fields.items():
        default = "" if info.default in (None, (), {}) else f" (default {info.default})"
        yield f"  {field:<20} {info.description}{' (needed)' if info.is_required() else default}"
    if fault.settings:
        yield ""
        yield "settings"
        for setting in fault.settings:
            yield f"  {setting.name:<20} {setting.about}"
            yield from (f"  {'':<20} also written by {writer}" for writer in setting.co_writers)
    yield ""
    yield f"undo         {fault.undo}"
    yield f"effect       {fault.effect}"
    yield f"permissions  {', '.join(permissions(fault))}"
    allowed = "`allow: [irreversible]` in the experiment, since nothing undoes it" if fault.is_irreversible else ""
    yield from (f"needs        {need}" for need in (fault.needs, allowed) if need)
    yield f"example      - {fault.example}"


def permissions(fault: type[Fault]) -> tuple[str, ...]:
    """Return the API calls that a fault may make to change and to undo, as service:Operation."""
    calls = {str(call) for setting in fault.settings for call in setting.write_calls()} | set(fault.calls)
    return tuple(sorted(_action(call) for call in calls))


def _action(call: str) -> str:
    service, _, operation = call.partition(".")
    return f"{service}:{''.join(part.capitalize() for part in operation.split('_'))}"


def _first_line(fault: type[Fault]) -> str:
    return (fault.__doc__ or "").strip().splitlines()[0]
