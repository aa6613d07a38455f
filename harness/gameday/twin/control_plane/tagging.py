"""The tagging API of the twin: moto's has no stages of API Gateway.

Source of the filters: AWS Resource Groups Tagging API Reference, GetResources. Tag filters are joined by AND, the
values of one filter and the resource types by OR.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.resource_tagging import TaggedResource, make_tag_matcher, match_resource_type

from gameday.twin.control_plane.survey import Backends


def tagged(params: Mapping[str, Any], region: str, backends: Backends) -> dict[str, Any]:
    """Answer GetResources for the functions, tables, stages, load balancers and target groups of the twin."""
    matches = make_tag_matcher(params.get("TagFilters"))
    types, arns = params.get("ResourceTypeFilters"), params.get("ResourceARNList")
    found = [
        {"ResourceARN": resource.arn, "Tags": [{"Key": key, "Value": value} for key, value in resource.tags.items()]}
        for resource in _resources(region, backends)
        if resource.tags
        and match_resource_type(resource.resource_type, types)
        and matches(resource.tags)
        and (not arns or resource.arn in arns)
    ]
    return {"ResourceTagMappingList": found, "PaginationToken": ""}


def _resources(region: str, backends: Backends) -> Iterator[TaggedResource]:
    yield from backends.lambda_.iter_tagged_resources()
    yield from backends.dynamodb.iter_tagged_resources()
    yield from backends.elbv2.iter_tagged_resources()
    for api_id, api in backends.apigateway.apis.items():
        for name, stage in api.stages.items():
            arn = f"arn:aws:apigateway:{region}::/restapis/{api_id}/stages/{name}"
            yield TaggedResource(arn, {**(api.tags or {}), **(stage.tags or {})}, "apigateway")
