"""A kind of resource, as data: its id, its ARN, its IAM type, and what a workload file calls its resources."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gameday.aws.arns import ArnPlace
from gameday.change import Call
from gameday.change.placeholders import bind


@dataclass(frozen=True, eq=False)  # two kinds are equal only if they are the same object
class ResourceKind:
    """A kind of resource that a module can own by name or by tags.

    `resource` is the last part of its ARN and `id` is how people write it; both have the same fields. Example: a stage
    has the id `{api}/{stage}` and the resource part `/restapis/{api}/stages/{stage}`.
    """

    name: str  # in words, singular: "function"
    owned_as: str  # the key under `owns` in a workload file: "functions"
    described: str  # what the schema says of that key
    pattern: str  # the form of an id in a workload file, as a regular expression
    form: str  # the same in words: "the name of a Lambda function: …"
    service: str  # in ARNs and in IAM: "lambda"
    resource: str  # the resource part of its ARN
    tagged_as: str  # its type in the Resource Groups Tagging API
    iam_type: str  # its resource type in IAM
    parameters: tuple[str, ...]  # parameters of boto3 calls that hold its id
    read: Call  # reads one resource: sees the fields of its id
    gone: str  # the error code of that read where there is no such resource
    id: str = "{id}"
    has_account: bool = True  # false: its ARN names no account (API Gateway)

    def arn(self, id_: str, place: ArnPlace) -> str | None:
        """Return the ARN of a resource; None where the id does not have the form of this kind."""
        fields = _fields(self.id, id_)
        if fields is None:
            return None
        account = place.account if self.has_account else ""
        return f"arn:{place.partition}:{self.service}:{place.region}:{account}:{self.resource.format(**fields)}"

    def id_of(self, arn: str) -> str | None:
        """Return the id that an ARN names; None where it is the ARN of another kind.

        >>> FUNCTION.id_of("arn:aws:lambda:us-east-1:111122223333:function:payments")
        'payments'
        """
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] != self.service:
            return None
        fields = _fields(self.resource, parts[5])
        return None if fields is None else self.id.format(**fields)

    def read_of(self, id_: str) -> Call:
        """Return the call that reads one resource, by its id."""
        return bind(self.read, dict(_fields(self.id, id_) or {}))


def _fields(template: str, text: str) -> dict[str, str] | None:
    """Return the fields of a template as they are in a text; None where the text does not match."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/:]+)", re.escape(template))
    match = re.fullmatch(pattern, text)
    return match.groupdict() if match else None
