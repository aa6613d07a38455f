"""A moto world of our own, kept apart from the user's.

moto keeps its world in globals, which a user's own `mock_aws` resets, fills and looks at. A twin's part is kept here,
and stands in moto's globals only while we are inside: its account's backends, its random numbers, its time and its
settings. So neither side sees the other's, also when the user's mock starts or stops while a twin lives. (One limit: a
thread that uses the same account id in a mock of its own, at the very moment of a call, would see the twin's.)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from functools import cache
from importlib import import_module
from random import Random
from types import SimpleNamespace
from typing import Any

from moto.core import base_backend
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.core.common_models import BaseModel
from moto.moto_api._internal import mock_random

from gameday.aws.sealed import SealedSession
from gameday.twin.moto.objects import Moto

# What is no part of moto's interface, by its module. No service of moto is imported here: `prepare` must come before.
_BACKENDS: Any = import_module("moto.backends")
_RESPONSES: Any = import_module("moto.core.responses")
_UTILS: Any = import_module("moto.core.utils")
_SETTINGS: dict[str, Any] = import_module("moto.core.config").default_user_config

_members = cache(_UTILS.method_names_from_class)
"""moto inspects a class of up to a thousand methods for every call; the answer never changes."""

_IN_A_CALL = {"MOTO_ACCOUNT_ID": None, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
_IN_AN_IMPORT = {"AWS_PROFILE": None, "AWS_DEFAULT_PROFILE": None, "AWS_CONFIG_FILE": os.devnull}

_Kept = list[tuple[BackendDict[Any], AccountSpecificBackend[Any]]]


class _Here(threading.local):
    inside = False


_here = _Here()


class Enclosure:
    """One account. `seed` makes moto's ids; `now` tells its time in seconds since the epoch."""

    def __init__(self, account: str, seed: int, now: Callable[[], float]) -> None:
        self.account = account
        self._random = Random(seed).getstate()  # noqa: S311 - no secret
        self._time = SimpleNamespace(datetime=_virtual(now))
        self._kept: _Kept = []

    def backend(self, service: str, region: str) -> Moto:
        """The backend of a service in this account; only `inside`."""
        if service == "lambda":  # moto has two, with and without containers
            return import_module("moto.awslambda.utils").get_backend(self.account, region)
        return _BACKENDS.get_backend(service)[self.account][region]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While in here, moto's globals hold this account. May be nested."""
        if _here.inside:
            yield
            return
        # moto takes this lock to reset all backends, which a mock_aws of another thread may do at any time.
        with base_backend.backend_lock, environment(_IN_A_CALL), self._globals():
            _here.inside = True
            theirs = self._put_in()
            try:
                yield
            finally:
                self._take_out(theirs)
                _here.inside = False

    def clear(self) -> None:
        """Forget all that is in the account, also where one of moto's caches still holds a piece of it."""
        for _, world in self._kept:
            for backend in world.values():
                backend.__dict__.clear()
            world.clear()
        self._kept.clear()

    def _put_in(self) -> _Kept:
        theirs = self._popped()
        for services, world in self._kept:
            dict.__setitem__(services, self.account, world)
        return theirs

    def _take_out(self, theirs: _Kept) -> None:
        self._kept = self._popped()
        for services, world in theirs:
            dict.__setitem__(services, self.account, world)

    def _popped(self) -> _Kept:
        # All that are in use by anybody, and ours: a reset of the user's empties moto's list.
        used = {id(one): one for one in (*BackendDict._instances, *(one for one, _ in self._kept))}  # type: ignore[misc]  # noqa: SLF001
        return [(one, dict.pop(one, self.account)) for one in used.values() if dict.__contains__(one, self.account)]

    @contextmanager
    def _globals(self) -> Iterator[None]:
        random, count, settings = mock_random.getstate(), ActionAuthenticatorMixin.request_count, dict(_SETTINGS)
        members, time = _RESPONSES.method_names_from_class, _UTILS.datetime
        mock_random.setstate(self._random)
        ActionAuthenticatorMixin.request_count = -(10**9)  # set_initial_no_auth_action_count is the user's
        _SETTINGS.update({"lambda": {"use_docker": False}, "iam": {"load_aws_managed_policies": False}})
        _RESPONSES.method_names_from_class, _UTILS.datetime = _members, self._time
        try:
            yield
        finally:
            self._random = mock_random.getstate()
            mock_random.setstate(random)
            ActionAuthenticatorMixin.request_count = count
            _SETTINGS.clear()
            _SETTINGS.update(settings)
            _RESPONSES.method_names_from_class, _UTILS.datetime = members, time


def prepare(sealed: SealedSession) -> None:
    """Once for a process: load moto without the user's profiles, and with botocore's models read only once."""
    _track_only_theirs()
    sessions: Any = import_module(type(sealed.session).__module__)
    shared, create_loader = sealed.session.get_component("data_loader"), sessions.create_loader
    with environment(_IN_AN_IMPORT):
        sessions.create_loader = lambda *_: shared
        try:
            AccountSpecificBackend.get_session().get_available_regions("ec2")
            _BACKENDS.get_backend("ec2")
        finally:
            sessions.create_loader = create_loader


def _track_only_theirs() -> None:
    """moto lists every object for its dashboard: a twin's would be seen there, and outlive it."""  # noqa: D403
    track = BaseModel.__new__

    def new(cls: type[BaseModel], *args: object, **kwargs: object) -> BaseModel:
        return super(BaseModel, cls).__new__(cls) if _here.inside else track(cls, *args, **kwargs)

    BaseModel.__new__ = staticmethod(new)  # type: ignore[method-assign]


@contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Environment variables as they must be while moto reads them (None: not set); afterwards as they were."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _virtual(now: Callable[[], float]) -> type[datetime]:
    class Virtual(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(now(), tz or UTC)

    return Virtual
