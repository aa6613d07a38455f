"""What the shop promises whichever call fails, and however: Hypothesis looks for the failure that breaks it."""

from __future__ import annotations

from gameday.sdk import Rule, faults
from gameday.strategies import SdkMachine, sdk_rules
from hypothesis import given, settings
from hypothesis.stateful import invariant, rule
from shop import AwsTrouble, Order
from stand import UNITS, open_shop

TEAPOT = Order("order-1", "teapot", units=2)
# What is not carried out, and what is though nobody hears of it: to the shop all other failures are one of these.
WAYS = ("throttle", "lose-reply")
SETTINGS = settings.get_profile("gameday")


@settings(SETTINGS, max_examples=60)  # more than there are
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
    """Customers order while calls fail in any order, and a customer who saw an error may have an order or none."""

    calls = ("dynamodb.TransactWriteItems", "dynamodb.UpdateItem", "sqs.SendMessage", "s3.PutObject")
    kinds = WAYS

    def __init__(self) -> None:
        super().__init__()
        self._stand = open_shop()
        self.shop = self._stand.__enter__()
        self.promised: set[str] = set()
        self.asked = 0

    @rule()
    def order(self) -> None:
        """A customer orders a teapot."""
        self.asked += 1
        name = f"order-{self.asked}"
        try:
            self.shop.place(Order(name, "teapot", units=1))
        except AwsTrouble:
            return
        self.promised.add(name)

    @invariant()
    def what_was_promised_stands_and_what_left_the_stock_was_ordered(self) -> None:
        """Whatever fails."""
        orders = {order.id for order in self.shop.orders()}
        assert self.promised <= orders
        assert self.shop.stock("teapot") == UNITS - len(orders)

    def teardown(self) -> None:
        """The faults end, and the shop closes."""
        super().teardown()
        self._stand.__exit__(None, None, None)


TestCustomers = Customers.TestCase
TestCustomers.settings = settings(SETTINGS, max_examples=10)
