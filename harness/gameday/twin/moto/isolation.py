"""A twin's own state of moto, isolated from the user's.

moto keeps its state in globals, which a user's own `mock_aws` resets, fills and reads. This module keeps the twin's
part: its account's backends, random numbers, time and settings. `Enclosure.inside` puts them into moto's globals for
the length of a call. So neither side sees the other's, even when the user's mock starts or stops during a twin.

Known limit: a thread that mocks the same account id during a call of the twin sees the twin's resources.
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

# These are no part of moto's interface. This file imports no service of moto, since `prepare` must run before that.
_BACKENDS: Any = import_module("moto.backends")
_RESPONSES: Any = import_module("moto.core.responses")
_UTILS: Any = import_module("moto.core.utils")
_SETTINGS: dict[str, Any] = import_module("moto.core.config").default_user_config

_members = cache(_UTILS.method_names_from_class)
"""A cache: moto inspects a class of up to a thousand methods for every call, always with the same result."""

_IN_A_CALL = {"MOTO_ACCOUNT_ID": None, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
_IN_AN_IMPORT = {"AWS_PROFILE": None, "AWS_DEFAULT_PROFILE": None, "AWS_CONFIG_FILE": os.devnull}

_Kept = list[tuple[BackendDict[Any], AccountSpecificBackend[Any]]]


class _Here(threading.local):
    inside = False


_here = _Here()


class Enclosure:
    """An account in moto. `seed` determines moto's ids; `now` returns its time in seconds since the epoch."""

    def __init__(self, account: str, seed: int, now: Callable[[], float]) -> None:
        self.account = account
        self.visits = 0
        """How many blocks of `inside` began; while it is the same, nothing in the account has changed."""
        self._random = Random(seed).getstate()  # noqa: S311 - no secret
        self._time = SimpleNamespace(datetime=_virtual(now))
        self._kept: _Kept = []

    def backend(self, service: str, region: str) -> Moto:
        """Return the backend of a service in this account; call it only `inside`."""
        if service == "lambda":  # moto has two, with and without containers
            return import_module("moto.awslambda.utils").get_backend(self.account, region)
        return _BACKENDS.get_backend(service)[self.account][region]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put this account into moto's globals for the length of the block. Blocks may be nested."""
        if _here.inside:
            yield
            return
        self.visits += 1
        # moto takes this lock to reset all backends, and a mock_aws of another thread may do so at any time.
        with base_backend.backend_lock, environment(_IN_A_CALL), self._globals():
            _here.inside = True
            theirs = self._put_in()
            try:
                yield
            finally:
                self._take_out(theirs)
                _here.inside = False

    @property
    def is_entered(self) -> bool:
        """Whether this thread is in a block of `inside`."""
        return _here.inside

    def clear(self) -> None:
        """Empty the account in place, since moto's caches may still refer to parts of it."""
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
        # moto's list, and ours: a reset by the user empties moto's list.
        mine = (services for services, _ in self._kept)
        used = {id(services): services for services in (*BackendDict._instances, *mine)}  # type: ignore[misc]  # noqa: SLF001
        return [
            (services, dict.pop(services, self.account))
            for services in used.values()
            if dict.__contains__(services, self.account)
        ]

    @contextmanager
    def _globals(self) -> Iterator[None]:
        random, count, settings = mock_random.getstate(), ActionAuthenticatorMixin.request_count, dict(_SETTINGS)
        members, time = _RESPONSES.method_names_from_class, _UTILS.datetime
        mock_random.setstate(self._random)
        ActionAuthenticatorMixin.request_count = -(10**9)  # set_initial_no_auth_action_count belongs to the user
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
    """Load moto, once a process: without the user's profiles, and with botocore's models read only once."""
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
    """Keep the twin's objects out of moto's dashboard, where they would show and outlive the twin."""
    track = BaseModel.__new__

    def new(cls: type[BaseModel], *args: object, **kwargs: object) -> BaseModel:
        return super(BaseModel, cls).__new__(cls) if _here.inside else track(cls, *args, **kwargs)

    BaseModel.__new__ = staticmethod(new)  # type: ignore[method-assign]


@contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables for the block (None: unset) and restore them afterwards."""
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
