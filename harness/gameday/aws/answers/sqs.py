"""SQS: queues and their attributes."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class GetQueueUrl(TypedDict):
    """The answer to GetQueueUrl."""

    QueueUrl: str


class QueueAttributes(TypedDict, total=False):
    """A queue's attributes, all as text; the redrive policy is JSON."""

    RedrivePolicy: str
    MessageRetentionPeriod: str


class GetQueueAttributes(TypedDict):
    """The answer to GetQueueAttributes."""

    Attributes: NotRequired[QueueAttributes]


GET_QUEUE_URL = Operation("sqs", "get_queue_url", GetQueueUrl)
GET_QUEUE_ATTRIBUTES = Operation("sqs", "get_queue_attributes", GetQueueAttributes)
