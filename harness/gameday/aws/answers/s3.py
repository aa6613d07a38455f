"""S3: objects of a team's store."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class GetObject(TypedDict):
    """The answer to GetObject, its body as text."""

    Body: str
    ETag: str


class PutObject(TypedDict):
    """The answer to PutObject."""

    ETag: str


class DeleteObject(TypedDict):
    """The answer to DeleteObject: nothing of it is read."""


class ObjectDescription(TypedDict):
    """An object of a bucket (Object)."""

    Key: str


class ListObjects(TypedDict):
    """The answer to ListObjectsV2: no `Contents` where there is no object."""

    Contents: NotRequired[list[ObjectDescription]]


GET_OBJECT = Operation("s3", "get_object", GetObject)
PUT_OBJECT = Operation("s3", "put_object", PutObject)
DELETE_OBJECT = Operation("s3", "delete_object", DeleteObject)
LIST_OBJECTS = Operation("s3", "list_objects_v2", ListObjects)


class EncryptionByDefault(TypedDict, total=False):
    """How a bucket encrypts new objects; the key is an id, an ARN, or the ARN of an alias."""

    SSEAlgorithm: str
    KMSMasterKeyID: str


class EncryptionRule(TypedDict, total=False):
    """A rule of a bucket's encryption."""

    ApplyServerSideEncryptionByDefault: EncryptionByDefault


class EncryptionConfiguration(TypedDict):
    """A bucket's encryption."""

    Rules: list[EncryptionRule]


class GetBucketEncryption(TypedDict):
    """The answer to GetBucketEncryption."""

    ServerSideEncryptionConfiguration: EncryptionConfiguration


GET_BUCKET_ENCRYPTION = Operation("s3", "get_bucket_encryption", GetBucketEncryption)
