"""Orders: a small shop on DynamoDB, SQS and S3, as real services are written, to be tested under failing AWS calls.

An order is placed (its units leave the stock), gets a receipt, is announced to the warehouse, and is shipped. Whoever
places one chooses its id, so that placing it twice places it once. What could not be announced or receipted is caught
up later by `catch_up`, which a timer would call.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

AwsTrouble = (ClientError, BotoCoreError)
"""What a call to AWS raises once its client has given up trying."""


class SoldOut(Exception):
    """There are not as many units left."""


@dataclass(frozen=True)
class Names:
    """Where the shop keeps things."""

    orders: str = "orders"
    stock: str = "stock"
    queue: str = "http://localhost/warehouse"
    receipts: str = "receipts"


@dataclass(frozen=True)
class Order:
    """What a customer asked for, and how far it has come."""

    id: str
    item: str
    units: int
    shipped: bool = False
    announced: bool = False
    receipted: bool = False


class Shop:
    """The service. It is handed its clients, so that tests choose their retries and time-outs."""

    def __init__(self, dynamodb: Any, sqs: Any, s3: Any, names: Names) -> None:
        self.dynamodb, self.sqs, self.s3, self.names = dynamodb, sqs, s3, names

    def place(self, order: Order) -> None:
        """Take an order in: once this returns it will be shipped. Raises SoldOut, or what AWS said."""
        self.take(order)
        self._receipt(order)
        self.announce(order)

    def take(self, order: Order) -> None:
        """Write the order down and take its units from the stock: both or neither, and once."""
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
            # The client may have sent it twice, and the first one counted though its reply was lost.
            if self.order(order.id) is None:
                raise SoldOut(order.item) from error

    def announce(self, order: Order) -> None:
        """Tell the warehouse; where the queue does not answer, `catch_up` does it later."""
        try:
            self.sqs.send_message(QueueUrl=self.names.queue, MessageBody=json.dumps({"id": order.id}))
            self._note(order.id, "announced")
        except AwsTrouble:
            return

    def ship(self) -> str | None:
        """Ship what the warehouse is told next; the id of the order, or None where nothing waits."""
        told = self.sqs.receive_message(QueueUrl=self.names.queue, MaxNumberOfMessages=1).get("Messages", [])
        if not told:
            return None
        order = str(json.loads(told[0]["Body"])["id"])
        self._note(order, "shipped")
        # Only now: a message that is not deleted comes again.
        self.sqs.delete_message(QueueUrl=self.names.queue, ReceiptHandle=told[0]["ReceiptHandle"])
        return order

    def catch_up(self) -> None:
        """Receipt and announce what was not."""
        for order in self.orders():
            if not order.receipted:
                self._receipt(order)
            if not order.announced:
                self.announce(order)

    def order(self, name: str) -> Order | None:
        """An order as it stands."""
        key = {"id": {"S": name}}
        raw = self.dynamodb.get_item(TableName=self.names.orders, Key=key, ConsistentRead=True).get("Item")
        return _order(raw) if raw else None

    def orders(self) -> list[Order]:
        """All orders as they stand."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.names.orders, ConsistentRead=True)
        return [_order(raw) for page in pages for raw in page["Items"]]

    def stock(self, item: str) -> int:
        """Units left."""
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

    def _note(self, name: str, what: str) -> None:
        self.dynamodb.update_item(
            TableName=self.names.orders,
            Key={"id": {"S": name}},
            UpdateExpression="SET #what = :yes",
            ExpressionAttributeNames={"#what": what},
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )


def _order(raw: dict[str, Any]) -> Order:
    noted = {what: what in raw for what in ("shipped", "announced", "receipted")}
    return Order(raw["id"]["S"], raw["item"]["S"], int(raw["units"]["N"]), **noted)
