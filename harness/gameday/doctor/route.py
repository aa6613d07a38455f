"""Examine whether the endpoints of all services that the experiments call can be reached from here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

from gameday.aws.proxy_client import PROXY
from gameday.change import Call, PlannedFault
from gameday.doctor.examination import DoctorContext, Finding, Severity

TOPIC = "route"
SECONDS = 5.0
"""How long a connection may take, as for every call of a run."""


def route(context: DoctorContext) -> Iterator[Finding]:
    """Open a connection to each endpoint, and close it."""
    if "https" in getproxies():
        yield Finding(Severity.NOTE, TOPIC, "calls go through the HTTP proxy of the environment: no route is examined")
        return
    services = {call.service for plan in context.plans for fault in plan.planned_faults for call in _calls(fault)}
    services |= {"sts"} | ({"s3"} if context.workload.store else set())
    endpoints = {
        service: context.environment.account.endpoint(service, context.region) for service in sorted(services - {PROXY})
    }
    for service, url in endpoints.items():
        if why := _trouble(url):
            text = f"{service} cannot be reached at {url}: {why}"
            yield Finding(Severity.REFUSES, TOPIC, text, "check the network: routes, security groups, endpoints, DNS")
    yield Finding(Severity.NOTE, TOPIC, f"endpoints: {', '.join(sorted(set(endpoints.values())))}")


def _calls(fault: PlannedFault) -> Iterator[Call]:
    for change in fault.changes:
        yield change.read_call
        yield from (template.call for template in (*change.apply_templates(), *change.undo_templates()))


def _trouble(url: str) -> str:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), SECONDS):
            return ""
    except OSError as error:
        return error.strerror or str(error)
