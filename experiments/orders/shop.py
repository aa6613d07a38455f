"""Orders: a small shop on DynamoDB, SQS and S3, written like a real service, to test under failing AWS calls.

The shop places an order (its units leave the stock), writes a receipt, announces the order to the warehouse, and ships
it. The customer chooses the order's id, so that placing it twice places it once. A timer would call `catch_up`, which
makes up for missing announcements and receipts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

AwsTrouble = (ClientError, BotoCoreError)
"""What a call to AWS raises once its client has stopped retrying."""


class SoldOut(Exception):
    """The stock has too few units."""


@dataclass(frozen=True)
class Names:
    """The names of the shop's tables, queue and bucket."""

    orders: str = "orders"
    stock: str = "stock"
    queue: str = "http://localhost/warehouse"
    receipts: str = "receipts"


@dataclass(frozen=True)
class Order:
    """A customer's order, and the steps that it has passed."""

    id: str
    item: str
    units: int
    shipped: bool = False
    announced: bool = False
    receipted: bool = False


class Shop:
    """The service. It takes its clients as arguments, so that tests choose their retries and time-outs."""

    def __init__(self, dynamodb: Any, sqs: Any, s3: Any, names: Names) -> None:
        self.dynamodb, self.sqs, self.s3, self.names = dynamodb, sqs, s3, names

    def place(self, order: Order) -> None:
        """Accept an order: once this returns, the shop will ship it. Raises SoldOut, or AWS's error."""
        self.take(order)
        self._receipt(order)
        self.announce(order)

    def take(self, order: Order) -> None:
        """Store the order and take its units from the stock: both or neither, and only once."""
        put = {
            "TableName": self.names.orders,
            "Item": {"id": {"S": order.id}, "item": {"S": order.item}, "units": {"N": str(order.units)}},
            "ConditionExpression": "attribute_not_exists(id)",
        }
        update = {
            "TableName": self.names.stock,
            "Key": {"item": {"S": order.item}},
            "UpdateExpression": "SET units = units - :n",
            "ConditionExpression": "units >= :n",
            "ExpressionAttributeValues": {":n": {"N": str(order.units)}},
        }
        try:
            self.dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])
        except self.dynamodb.exceptions.TransactionCanceledException as error:
            # The client may have sent it twice: the first request counted, and its reply was lost.
            if self.order(order.id) is None:
                raise SoldOut(order.item) from error

    def announce(self, order: Order) -> None:
        """Announce the order to the warehouse; if the queue does not answer, `catch_up` does it later."""
        try:
            self.sqs.send_message(QueueUrl=self.names.queue, MessageBody=json.dumps({"id": order.id}))
            self._note(order.id, "announced")
        except AwsTrouble:
            return

    def ship(self) -> str | None:
        """Ship the next announced order. Returns its id, or None where none waits."""
        messages = self.sqs.receive_message(QueueUrl=self.names.queue, MaxNumberOfMessages=1).get("Messages", [])
        if not messages:
            return None
        order = str(json.loads(messages[0]["Body"])["id"])
        self._note(order, "shipped")
        # Delete the message last: until then, the queue delivers it again.
        self.sqs.delete_message(QueueUrl=self.names.queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        return order

    def catch_up(self) -> None:
        """Make up for missing receipts and announcements."""
        for order in self.orders():
            if not order.receipted:
                self._receipt(order)
            if not order.announced:
                self.announce(order)

    def order(self, name: str) -> Order | None:
        """Read an order; None where there is none."""
        key = {"id": {"S": name}}
        raw = self.dynamodb.get_item(TableName=self.names.orders, Key=key, ConsistentRead=True).get("Item")
        return _order(raw) if raw else None

    def orders(self) -> list[Order]:
        """Read all orders."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.names.orders, ConsistentRead=True)
        return [_order(raw) for page in pages for raw in page["Items"]]

    def stock(self, item: str) -> int:
        """Read how many units are left."""
        key = {"item": {"S": item}}
        raw = self.dynamodb.get_item(TableName=self.names.stock, Key=key, ConsistentRead=True)["Item"]
        return int(raw["units"]["N"])

    def _receipt(self, order: Order) -> None:
        try:
            body = json.dumps({"id": order.id, "item": order.item, "units": order.units})
            self.s3.put_object(Bucket=self.names.receipts, Key=order.id, Body=body.encode())
            self._note(order.id, "receipted")
        except AwsTrouble:
            return

    def _note(self, name: str, step: str) -> None:
        self.dynamodb.update_item(
            TableName=self.names.orders,
            Key={"id": {"S": name}},
            UpdateExpression="SET #step = :yes",
            ExpressionAttributeNames={"#step": step},
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )


def _order(raw: dict[str, Any]) -> Order:
    steps = {step: step in raw for step in ("shipped", "announced", "receipted")}
    return Order(raw["id"]["S"], raw["item"]["S"], int(raw["units"]["N"]), **steps)
