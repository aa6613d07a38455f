"""What the shop promises while AWS fails. Three of these find a bug of the version in `planted.py`:

ORDERS=planted pytest experiments/orders/test_shop.py
"""

from __future__ import annotations

import pytest
from gameday.sdk import fail, lose_reply, throttle
from shop import AwsTrouble, Order, Shop, SoldOut
from stand import UNITS

TEAPOT = Order("order-1", "teapot", units=2)


def at_once(_: float) -> None:
    """In place of `time.sleep`: clients do not really wait between their attempts."""


def ship_all(shop: Shop, tries: int = 8) -> None:
    """What the warehouse does all day; a call that fails is tried again with the next message."""
    for _ in range(tries):
        try:
            shop.ship()
        except AwsTrouble:
            continue


def test_an_order_is_placed_receipted_and_shipped(shop: Shop) -> None:
    shop.place(TEAPOT)
    ship_all(shop)
    assert shop.order(TEAPOT.id) == Order("order-1", "teapot", 2, shipped=True, announced=True, receipted=True)
    assert shop.stock("teapot") == UNITS - 2


def test_no_more_is_sold_than_there_is(shop: Shop) -> None:
    shop.place(Order("order-1", "teapot", UNITS - 1))
    with lose_reply("dynamodb", first=1, sleep=at_once), pytest.raises(SoldOut):
        shop.take(Order("order-2", "teapot", 2))
    assert shop.stock("teapot") == 1


def test_whichever_reply_is_lost_units_leave_the_stock_once(shop: Shop) -> None:
    for nth in range(4):
        with lose_reply("dynamodb", after=nth, first=1, sleep=at_once):
            shop.place(Order(f"order-{nth}", "teapot", units=2))
    assert shop.stock("teapot") == UNITS - 4 * 2


def test_a_customer_who_asks_again_gets_one_order(shop: Shop) -> None:
    with lose_reply("dynamodb", first=3, sleep=at_once), pytest.raises(AwsTrouble):
        shop.place(TEAPOT)
    shop.place(TEAPOT)
    assert [order.id for order in shop.orders()] == [TEAPOT.id]


def test_a_throttled_table_takes_no_units_for_an_order_that_it_refused(shop: Shop) -> None:
    with throttle("dynamodb", sleep=at_once), pytest.raises(AwsTrouble):
        shop.place(TEAPOT)
    assert (shop.orders(), shop.stock("teapot")) == ([], UNITS)


def test_a_queue_that_is_down_is_not_stormed(shop: Shop) -> None:
    with fail("sqs", first=60, sleep=at_once) as seen:
        shop.place(TEAPOT)
    assert seen.injected <= 3


def test_what_was_ordered_while_the_queue_was_down_is_shipped_later(shop: Shop) -> None:
    with fail("sqs", first=6, sleep=at_once):
        shop.place(TEAPOT)
    shop.catch_up()
    ship_all(shop)
    assert shop.order(TEAPOT.id).shipped


def test_a_throttle_in_the_warehouse_drops_no_order(shop: Shop) -> None:
    shop.place(TEAPOT)
    with throttle("dynamodb", "UpdateItem", first=3, sleep=at_once):
        ship_all(shop)
    ship_all(shop)
    assert shop.order(TEAPOT.id).shipped


def test_a_message_that_came_twice_ships_one_order(shop: Shop) -> None:
    with lose_reply("sqs", "SendMessage", first=2, sleep=at_once):
        shop.place(TEAPOT)
    ship_all(shop)
    assert [order.shipped for order in shop.orders()] == [True]
    assert shop.stock("teapot") == UNITS - 2


def test_without_receipts_customers_still_order_and_get_theirs_later(shop: Shop) -> None:
    with fail("s3", sleep=at_once):
        shop.place(TEAPOT)
    assert not shop.order(TEAPOT.id).receipted
    shop.catch_up()
    assert shop.order(TEAPOT.id).receipted
