"""A shop on moto for each test: the one that is sold, or, with ORDERS=planted, as it was first written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop import Shop
from stand import open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop with a hundred teapots."""
    with open_shop() as shop:
        yield shop
