"""The services and operations that botocore's models name, offline and without a session."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import ServiceModel


@cache
def services() -> tuple[str, ...]:
    """Return every service, as boto3 names its client: `dynamodb`, `cloudwatch`."""
    return tuple(_loader().list_available_services("service-2"))


@cache
def service_model(service: str) -> ServiceModel:
    """Return a service's model, read once: the largest takes about a tenth of a second."""
    from botocore.model import ServiceModel

    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@cache
def operations(service: str) -> tuple[str, ...]:
    """Return every operation of a service, as its API names it: `PutItem`."""
    return tuple(service_model(service).operation_names)


def spelled(operation: str, service: str) -> str | None:
    """Return an operation as its API names it, given `PutItem` or `put_item`; None where it does not exist."""
    flat = operation.replace("_", "").lower()
    return next((name for name in operations(service) if name.lower() == flat), None)


@cache
def _loader() -> Any:
    # Imported late: only files with a rule need botocore.
    from botocore.loaders import Loader

    return Loader()
