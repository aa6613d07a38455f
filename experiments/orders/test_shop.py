"""The shop's promises while AWS fails. Some of these tests find the bugs of `planted.py`:

ORDERS=planted pytest experiments/orders/test_shop.py
"""

from __future__ import annotations

import pytest
from environment import UNITS
from gameday.sdk import fail, lose_reply, throttle
from shop import AwsTrouble, Order, Shop, SoldOut

TEAPOT = Order("order-1", "teapot", units=2)


def no_wait(_: float) -> None:
    """Replace `time.sleep`, so that clients do not really wait between attempts."""


def ship_all(shop: Shop, tries: int = 8) -> None:
    """Ship everything, like the warehouse; after a failed call, go on with the next message."""
    for _ in range(tries):
        try:
            shop.ship()
        except AwsTrouble:
            continue


def test_order_without_failure_is_shipped(shop: Shop) -> None:
    shop.place(TEAPOT)
    ship_all(shop)
    assert shop.order(TEAPOT.id) == Order("order-1", "teapot", 2, shipped=True, announced=True, receipted=True)
    assert shop.stock("teapot") == UNITS - 2


def test_take_more_than_the_stock_raises_sold_out(shop: Shop) -> None:
    shop.place(Order("order-1", "teapot", UNITS - 1))
    with lose_reply("dynamodb", first=1, sleep=no_wait), pytest.raises(SoldOut):
        shop.take(Order("order-2", "teapot", 2))
    assert shop.stock("teapot") == 1


def test_place_with_lost_reply_takes_units_once(shop: Shop) -> None:
    for nth in range(4):
        with lose_reply("dynamodb", after=nth, first=1, sleep=no_wait):
            shop.place(Order(f"order-{nth}", "teapot", units=2))
    assert shop.stock("teapot") == UNITS - 4 * 2


def test_place_again_after_error_keeps_one_order(shop: Shop) -> None:
    with lose_reply("dynamodb", first=3, sleep=no_wait), pytest.raises(AwsTrouble):
        shop.place(TEAPOT)
    shop.place(TEAPOT)
    assert [order.id for order in shop.orders()] == [TEAPOT.id]


def test_place_with_throttled_table_takes_no_units(shop: Shop) -> None:
    with throttle("dynamodb", sleep=no_wait), pytest.raises(AwsTrouble):
        shop.place(TEAPOT)
    assert (shop.orders(), shop.stock("teapot")) == ([], UNITS)


def test_announce_with_failing_queue_stops_after_three_tries(shop: Shop) -> None:
    with fail("sqs", first=60, sleep=no_wait) as seen:
        shop.place(TEAPOT)
    assert seen.injected <= 3


def test_catch_up_after_queue_failure_ships_the_order(shop: Shop) -> None:
    with fail("sqs", first=6, sleep=no_wait):
        shop.place(TEAPOT)
    shop.catch_up()
    ship_all(shop)
    assert shop.order(TEAPOT.id).shipped


def test_ship_with_throttle_keeps_the_order(shop: Shop) -> None:
    shop.place(TEAPOT)
    with throttle("dynamodb", "UpdateItem", first=3, sleep=no_wait):
        ship_all(shop)
    ship_all(shop)
    assert shop.order(TEAPOT.id).shipped


def test_ship_duplicate_message_ships_one_order(shop: Shop) -> None:
    with lose_reply("sqs", "SendMessage", first=2, sleep=no_wait):
        shop.place(TEAPOT)
    ship_all(shop)
    assert [order.shipped for order in shop.orders()] == [True]
    assert shop.stock("teapot") == UNITS - 2


def test_catch_up_after_s3_failure_writes_the_receipt(shop: Shop) -> None:
    with fail("s3", sleep=no_wait):
        shop.place(TEAPOT)
    assert not shop.order(TEAPOT.id).receipted
    shop.catch_up()
    assert shop.order(TEAPOT.id).receipted
