"""The shop as it was first written: three methods, each with a bug that no test without failing calls would find."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError
from shop import AwsTrouble, Order, Shop, SoldOut


class PlantedShop(Shop):
    """Passes every test of a sunny day."""

    def take(self, order: Order) -> None:
        """Bug 1, a retry that is not idempotent: where a reply is lost the client asks again, and units leave twice."""
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
        """Bug 2, a retry storm: as long as the queue does not answer, it is asked again at once, for ever."""
        while True:
            try:
                self.sqs.send_message(QueueUrl=self.names.queue, MessageBody=json.dumps({"id": order.id}))
                break
            except AwsTrouble:
                continue
        self._note(order.id, "announced")

    def ship(self) -> str | None:
        """Bug 3, a swallowed throttle: the order is not noted as shipped, and its message is deleted all the same."""
        told = self.sqs.receive_message(QueueUrl=self.names.queue, MaxNumberOfMessages=1).get("Messages", [])
        if not told:
            return None
        order = str(json.loads(told[0]["Body"])["id"])
        try:
            self._note(order, "shipped")
        except ClientError as error:
            print(f"could not ship {order}: {error}")
        self.sqs.delete_message(QueueUrl=self.names.queue, ReceiptHandle=told[0]["ReceiptHandle"])
        return order
