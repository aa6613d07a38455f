"""Which tags to ask AWS for, so that a read answers with the workload's resources and with few of strangers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Selection = Mapping[str, tuple[str, ...]]
"""Tag keys, each with its possible values: a resource is selected where each key has one of its values."""


def selections(wanted: Iterable[Mapping[str, str]], most: int) -> tuple[Selection, ...]:
    """Return selections that together hold every resource that carries all tags of one of `wanted`.

    Tags with the same keys go into one selection, with at most `most` values a key. A selection may hold more than was
    wanted: {app: a, tier: x} and {app: b, tier: y} also select {app: a, tier: y}. Callers compare the tags again.

    >>> selections([{"module": "web"}, {"module": "db"}, {"app": "shop"}], most=200)
    ({'app': ('shop',)}, {'module': ('db', 'web')})
    """
    by_keys: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for tags in wanted:
        if tags:
            by_keys.setdefault(tuple(sorted(tags)), []).append(tags)
    return tuple(
        chunk
        for keys, alike in sorted(by_keys.items())
        for chunk in _chunks({key: tuple(sorted({tags[key] for tags in alike})) for key in keys}, most)
    )


def _chunks(selection: Selection, most: int) -> Iterator[Selection]:
    large = next((key for key, values in selection.items() if len(values) > most), None)
    if large is None:
        yield selection
        return
    values = selection[large]
    for start in range(0, len(values), most):
        yield from _chunks({**selection, large: values[start : start + most]}, most)
