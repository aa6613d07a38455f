"""A program's service is throttled at the proxy that it passes, as any other fault: planned, took effect, undone."""

from __future__ import annotations

import socket
import threading
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from gameday.aws.proxy_client import PROXY, ask_proxy
from gameday.change import Call, PlannedFault, SettingChange
from gameday.change.placeholders import bind
from gameday.errors import AwsError, InvalidInput, Unreachable
from gameday.faults.throttle import Throttle
from gameday.twin.twin import Twin
from pydantic import ValidationError

from tests.doubles.shop import REGION, Shop, open_beside

RULE = {"kind": "throttle", "service": "dynamodb", "operation": "PutItem"}


def injected(shop: Shop, **fields: Any) -> PlannedFault:
    return Throttle.model_validate({"sdk": "dynamodb", "at": shop.proxy, **fields}).inject(shop.look())


def ask(operation: str, url: str, **more: Any) -> Any:
    return ask_proxy(Call(service=PROXY, operation=operation, params={"Url": url, "Name": "mine", **more}))


# the plan -------------------------------------------------------------------------------------------------------------


def test_proxy_rule_is_undone_and_its_effect_is_a_hit() -> None:
    with open_beside() as shop:
        plan = injected(shop, module="payments", operation="put_item", share="100%")
        (setting_change,) = plan.changes
        assert isinstance(setting_change, SettingChange)
        assert (setting_change.before, setting_change.after, setting_change.module, plan.hits) == (
            None,
            RULE,
            "payments",
            {"payments": 1.0},
        )
        assert setting_change.setting.write
        (probe,) = plan.effect.probes

        def took_effect() -> bool:
            return probe.says_yes(shop.account.call(probe.call, REGION), None)

        assert not took_effect()
        shop.account.call(
            bind(setting_change.setting.write, {"args": setting_change.args, "value": setting_change.after}), REGION
        )
        assert not took_effect()  # our own write is no effect
        session = botocore.session.Session()
        session.set_credentials("test", "test")
        once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            _through(shop, session, once)
        assert took_effect()
        (refusal,) = injected(shop, operation="put_item").refusals
        assert refusal == f"the proxy at {shop.proxy} already has this rule"


def _through(shop: Shop, session: botocore.session.Session, config: Config) -> None:
    # Within moto, whose handler would answer in the proxy's place.
    from moto.core.models import botocore_stubber

    botocore_stubber.enabled = False
    try:
        dynamodb = session.create_client("dynamodb", REGION, endpoint_url=shop.proxy, config=config)
        dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}})
    finally:
        botocore_stubber.enabled = True


def test_a_proxy_that_is_not_there_or_not_here_refuses() -> None:
    with open_beside() as shop:
        refused = [injected(shop, at=at).refusals for at in ("http://127.0.0.1:1", "http://example.com:4577")]
        (unknown,) = injected(shop, module="nowhere").refusals
    assert refused == [
        ("no proxy listens at http://127.0.0.1:1: start one (gameday proxy), and point the program at it",),
        ("http://example.com:4577 is not the URL of a proxy on this machine",),
    ]
    assert unknown.startswith("module nowhere is not in the workload")


def test_the_twin_has_no_program_that_passes_a_proxy(twin: Twin) -> None:
    with pytest.raises(AwsError, match="programs on the twin use no proxy; run with --on aws"):
        twin.aws.call(Call(service=PROXY, operation="get_rule", params={"Url": "", "Name": ""}), REGION)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sdk": "dynamdb"}, "AWS has no service `dynamdb`; did you mean `dynamodb`?"),
        ({"sdk": "s3", "operation": "PutObjct"}, "s3 has no operation `PutObjct`; did you mean `PutObject`?"),
        ({"sdk": "s3", "to": 0}, "throttle of sdk has no `to`"),
        (
            {"sdk": "s3", "table": "t"},
            "stage, http_stage, sdk; found table and sdk",
        ),
        ({"table": "t", "to": 0, "share": "5%"}, "throttle of table has no `share`"),
        ({"table": "t"}, "throttle needs `to`: what is left, a share like 5% or a number like 0"),
    ],
)
def test_conflicting_fields_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        Throttle.model_validate(fields)
    assert said in str(wrong.value)


# the door -------------------------------------------------------------------------------------------------------------


def test_rule_is_put_read_and_deleted_and_repeats_change_nothing() -> None:
    with open_beside() as shop:
        assert ask("get_rule", shop.proxy) == {"Rule": None, "Hit": None}
        for _ in range(2):
            assert ask("put_rule", shop.proxy, Rule=RULE) == {"Rule": RULE, "Hit": 0}
        assert ask("get_rule", shop.proxy) == {"Rule": RULE, "Hit": 0}
        for _ in range(2):
            assert ask("delete_rule", shop.proxy) == {"Rule": None, "Hit": None}
        with pytest.raises(AwsError, match="AWS has no service"):
            ask("put_rule", shop.proxy, Rule={**RULE, "service": "s33"})


def test_proxy_gone_differs_from_proxy_unreachable() -> None:
    with pytest.raises(AwsError, match="ProxyGone: no proxy listens at"):
        ask("get_rule", "http://127.0.0.1:1")
    with pytest.raises(InvalidInput, match="is not the URL of a proxy on this machine"):
        ask("get_rule", "http://example.com")
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def hang_up() -> None:
            silent.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Unreachable):
            ask("get_rule", f"http://127.0.0.1:{silent.getsockname()[1]}")
        thread.join()
