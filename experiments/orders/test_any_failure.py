"""The shop's promises under any failing call: Hypothesis searches for a failure that breaks them."""

from __future__ import annotations

from environment import UNITS, open_shop
from gameday.sdk import Rule, faults
from gameday.strategies import SdkMachine, sdk_rules
from hypothesis import given, settings
from hypothesis.stateful import invariant, rule
from shop import AwsTrouble, Order

TEAPOT = Order("order-1", "teapot", units=2)
# AWS does not carry a call out, or does so and the reply is lost. To the shop, other failures look the same.
WAYS = ("throttle", "lose-reply")
SETTINGS = settings.get_profile("gameday")


@settings(SETTINGS, max_examples=60)  # more than there are failures
@given(sdk_rules("dynamodb", "sqs", "s3", kinds=WAYS, first=1, after=4))
def test_no_single_failure_loses_an_order(failure: Rule) -> None:
    with open_shop() as shop:
        with faults(failure, sleep=lambda _: None):
            shop.place(TEAPOT)
        shop.catch_up()
        while shop.ship():
            pass
        assert shop.order(TEAPOT.id) == Order("order-1", "teapot", 2, shipped=True, announced=True, receipted=True)
        assert shop.stock("teapot") == UNITS - TEAPOT.units


class Customers(SdkMachine):
    """Customers order while calls fail in any order. A customer who saw an error may or may not have an order."""

    calls = ("dynamodb.TransactWriteItems", "dynamodb.UpdateItem", "sqs.SendMessage", "s3.PutObject")
    kinds = WAYS

    def __init__(self) -> None:
        super().__init__()
        self._environment = open_shop()
        self.shop = self._environment.__enter__()
        self.promised: set[str] = set()
        self.attempts = 0

    @rule()
    def order(self) -> None:
        """Order a teapot."""
        self.attempts += 1
        name = f"order-{self.attempts}"
        try:
            self.shop.place(Order(name, "teapot", units=1))
        except AwsTrouble:
            return
        self.promised.add(name)

    @invariant()
    def promised_orders_exist_and_match_the_stock(self) -> None:
        """Compare the orders with the promises and the stock."""
        orders = {order.id for order in self.shop.orders()}
        assert self.promised <= orders
        assert self.shop.stock("teapot") == UNITS - len(orders)

    def teardown(self) -> None:
        """End the faults, and close the shop."""
        super().teardown()
        self._environment.__exit__(None, None, None)


TestCustomers = Customers.TestCase
TestCustomers.settings = settings(SETTINGS, max_examples=10)
