"""What botocore's models name, offline and without a session: services, operations, and how they are spelled."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import ServiceModel


@cache
def services() -> tuple[str, ...]:
    """Every service, as boto3 names its client: `dynamodb`, `cloudwatch`."""
    return tuple(_loader().list_available_services("service-2"))


@cache
def service_model(service: str) -> ServiceModel:
    """A service's model, read once: about a tenth of a second for the largest."""
    from botocore.model import ServiceModel

    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@cache
def operations(service: str) -> tuple[str, ...]:
    """Every operation of a service, as its API names it: `PutItem`."""
    return tuple(service_model(service).operation_names)


def spelled(operation: str, service: str) -> str | None:
    """An operation as its API names it, whether written `PutItem` or `put_item`; None where there is none."""
    flat = operation.replace("_", "").lower()
    return next((name for name in operations(service) if name.lower() == flat), None)


@cache
def _loader() -> Any:
    # Late: no file without a rule needs botocore.
    from botocore.loaders import Loader

    return Loader()
