"""No test reaches a network: a connection to anything but this machine fails, loudly."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from hypothesis import settings

if TYPE_CHECKING:
    from gameday.twin.twin import Twin
    from syrupy.assertion import SnapshotAssertion

# Time depends on the machine: no property fails because it is busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

STOREFRONT = Path(__file__).parent.parent / "experiments" / "storefront"


class NetworkReached(BaseException):
    """A test tried to leave this machine. Not an Exception, so that no code under test can swallow it."""


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a socket of the file system
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every connection and every name that is not this machine's."""
    patch = pytest.MonkeyPatch()

    def guard(name: str, address_at: int) -> None:
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(args[address_at]):
                raise NetworkReached(f"{name} to {args[address_at]}")
            return original(self, *args)

        patch.setattr(socket.socket, name, guarded)

    guard("connect", 0)
    guard("connect_ex", 0)
    guard("sendto", -1)
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_here((host if isinstance(host, str) else host.decode(),)):
            raise NetworkReached(f"looking up {host}")
        return look_up(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The text that the test pins, under `tests/snapshots/`."""
    from tests.texts import InOnePlace

    return snapshot.use_extension(InOnePlace)


def read(name: str) -> Any:
    return yaml.safe_load((STOREFRONT / name).read_text())


@pytest.fixture(scope="session")
def workload() -> Workload:
    """The storefront."""
    return Workload.model_validate(read("workload.yaml"))


@pytest.fixture(scope="session")
def twin_file() -> TwinFile:
    """How the twin plays the storefront."""
    return TwinFile.model_validate(read("twin.yaml"))


@pytest.fixture
def twin(workload: Workload, twin_file: TwinFile) -> Iterator[Twin]:
    """The storefront on the twin, warmed up."""
    from gameday.twin.twin import Twin

    with Twin(workload, twin_file, seed=7) as twin:
        yield twin


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of an AWS endpoint in another process; each test makes, and ends, an account's worth of its own on it."""
    from tests.doubles.server import moto_server, warm_up

    with moto_server() as url:
        warm_up(url)
        yield url
