"""The shop's environment in tests: tables, a queue and a bucket on moto, new for each test and each example."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from moto import mock_aws
from planted import PlantedShop
from shop import Names, Shop

# Three attempts and short time-outs, since customers wait for the shop.
CLIENT = Config(connect_timeout=0.1, read_timeout=0.1, retries={"mode": "standard", "total_max_attempts": 3})
VERSIONS = {"sold": Shop, "planted": PlantedShop}
UNITS = 100


@cache
def clients() -> tuple[Any, Any, Any]:
    """Make clients of the three services, once: that takes longer than a test."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    dynamodb, sqs, s3 = (session.client(name, config=CLIENT) for name in ("dynamodb", "sqs", "s3"))
    return dynamodb, sqs, s3


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Open a shop with a hundred teapots."""
    with mock_aws():
        dynamodb, sqs, s3 = clients()
        for table, key in (("orders", "id"), ("stock", "item")):
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            )
        dynamodb.put_item(TableName="stock", Item={"item": {"S": "teapot"}, "units": {"N": str(UNITS)}})
        s3.create_bucket(Bucket="receipts")
        # A message that was received and not deleted comes back at once, so that tests do not wait.
        queue = sqs.create_queue(QueueName="warehouse", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        yield VERSIONS[os.environ.get("ORDERS", "sold")](dynamodb, sqs, s3, Names(queue=queue))
