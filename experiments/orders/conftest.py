"""A shop on moto for each test: the correct version or, with ORDERS=planted, the first version with its bugs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from environment import open_shop
from shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop with a hundred teapots."""
    with open_shop() as shop:
        yield shop
