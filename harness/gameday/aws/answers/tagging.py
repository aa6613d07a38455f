"""Resource Groups Tagging API: the resources that carry tags, of many services in one read."""

from __future__ import annotations

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation, Tag


class ResourceTagMapping(TypedDict):
    """A resource and its tags."""

    ResourceARN: str
    Tags: list[Tag]


class GetResources(TypedDict):
    """The answer to GetResources: tagged or previously tagged resources."""

    ResourceTagMappingList: list[ResourceTagMapping]


GET_RESOURCES = Operation("resourcegroupstaggingapi", "get_resources", GetResources)
