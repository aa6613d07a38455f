"""The first version of the shop: three methods, each with a bug that only tests with failing calls find."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError
from shop import AwsTrouble, Order, Shop, SoldOut


class PlantedShop(Shop):
    """A shop that passes every test in which AWS answers."""

    def take(self, order: Order) -> None:
        """Bug 1, a retry that is not idempotent: after a lost reply the client retries, and units leave twice."""
        try:
            self.dynamodb.update_item(
                TableName=self.names.stock,
                Key={"item": {"S": order.item}},
                UpdateExpression="SET units = units - :n",
                ConditionExpression="units >= :n",
                ExpressionAttributeValues={":n": {"N": str(order.units)}},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise SoldOut(order.item) from error
        self.dynamodb.put_item(
            TableName=self.names.orders,
            Item={"id": {"S": order.id}, "item": {"S": order.item}, "units": {"N": str(order.units)}},
        )

    def announce(self, order: Order) -> None:
        """Bug 2, a retry storm: while the queue does not answer, the shop retries at once, without end."""
        while True:
            try:
                self.sqs.send_message(QueueUrl=self.names.queue, MessageBody=json.dumps({"id": order.id}))
                break
            except AwsTrouble:
                continue
        self._note(order.id, "announced")

    def ship(self) -> str | None:
        """Bug 3, a swallowed throttle: the shop does not note the order as shipped, but deletes its message."""
        messages = self.sqs.receive_message(QueueUrl=self.names.queue, MaxNumberOfMessages=1).get("Messages", [])
        if not messages:
            return None
        order = str(json.loads(messages[0]["Body"])["id"])
        try:
            self._note(order, "shipped")
        except ClientError as error:
            print(f"could not ship {order}: {error}")
        self.sqs.delete_message(QueueUrl=self.names.queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        return order
