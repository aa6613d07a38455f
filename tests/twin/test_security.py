"""Which packets arrive: network ACLs and security groups as AWS documents them."""

from __future__ import annotations

import pytest
from gameday.twin.control_plane.security import LINUX_EPHEMERAL, AclRule, Endpoint, GroupRule, Network, Ports
from hypothesis import given
from hypothesis import strategies as st

ANY = "0.0.0.0/0"
OPEN = (AclRule(100, True, True, ANY), AclRule(100, False, True, ANY))
CLOSED = (AclRule(32767, True, False, ANY), AclRule(32767, False, False, ANY))
ALL_OUT = GroupRule(egress=True, block=ANY)
FRIENDLY = (GroupRule(egress=False, block=ANY), ALL_OUT)


def network(left: tuple[AclRule, ...] = OPEN, right: tuple[AclRule, ...] = OPEN, **groups: object) -> Network:
    return Network({"left": left, "right": right}, {"friendly": FRIENDLY, **groups})  # type: ignore[dict-item]


def host(rules: Network, subnet: str | None, address: str, *groups: str) -> Endpoint:
    return rules.endpoint(subnet, groups or ("friendly",), address, LINUX_EPHEMERAL)


def passes(rules: Network, port: int = 8080) -> bool:
    return rules.passes(host(rules, "left", "10.0.0.5"), host(rules, "right", "10.0.16.5"), port)


def test_connection_that_all_rules_allow_passes() -> None:
    assert passes(network())


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_deny_all_acl_on_either_side_loses_the_packets(side: str) -> None:
    assert not passes(network(**{side: CLOSED}))  # type: ignore[arg-type]


def test_an_acl_without_rules_denies() -> None:
    assert not passes(network(right=()))


def test_a_subnet_without_a_known_acl_denies() -> None:
    rules = network()
    assert not rules.passes(host(rules, "left", "10.0.0.5"), host(rules, "nowhere", "10.0.16.5"), 80)


def test_within_a_subnet_acls_do_not_apply() -> None:
    rules = network(left=CLOSED)
    assert rules.passes(host(rules, "left", "10.0.0.5"), host(rules, "left", "10.0.0.6"), 80)


def test_acl_rule_with_lowest_number_decides() -> None:
    allow_first = (AclRule(200, False, False, ANY), AclRule(100, False, True, ANY), AclRule(100, True, True, ANY))
    deny_first = (AclRule(200, False, True, ANY), AclRule(100, False, False, ANY), AclRule(100, True, True, ANY))
    assert passes(network(right=allow_first))
    assert not passes(network(right=deny_first))


def test_a_rule_for_another_address_does_not_decide() -> None:
    right = (AclRule(50, False, False, "10.0.99.0/24"), *OPEN)
    assert passes(network(right=right))
    assert not passes(network(right=(AclRule(50, False, False, "10.0.0.0/24"), *OPEN)))


def test_acl_replies_need_their_own_rules() -> None:
    no_replies_out = (AclRule(100, False, True, ANY), AclRule(100, True, False, ANY))
    assert not passes(network(right=no_replies_out))
    only_the_port_out = (AclRule(100, False, True, ANY), AclRule(100, True, True, ANY, (8080, 8080)))
    assert not passes(network(right=only_the_port_out))


def test_acl_replies_use_the_callers_ephemeral_ports() -> None:
    linux = (AclRule(100, False, True, ANY), AclRule(100, True, True, ANY, LINUX_EPHEMERAL))
    rules = network(right=linux)
    assert passes(rules)
    balancer = rules.endpoint("left", ("friendly",), "10.0.0.4")  # replies to it go to any port from 1024 on
    assert not rules.passes(balancer, host(rules, "right", "10.0.16.5"), 8080)


def test_a_hole_in_the_ephemeral_ports_loses_packets() -> None:
    holed = (AclRule(50, True, False, ANY, (40000, 40010)), *OPEN)
    assert not passes(network(right=holed))


def test_security_groups_are_stateful() -> None:
    only_in = (GroupRule(egress=False, ports=(8080, 8080), block=ANY),)
    rules = network(quiet=only_in)
    assert rules.passes(host(rules, "left", "10.0.0.5"), host(rules, "right", "10.0.16.5", "quiet"), 8080)
    assert not rules.passes(host(rules, "right", "10.0.16.5", "quiet"), host(rules, "left", "10.0.0.5"), 8080)


def test_a_security_group_without_rules_isolates() -> None:
    rules = network(empty=())
    lonely = host(rules, "right", "10.0.16.5", "empty")
    assert not rules.passes(host(rules, "left", "10.0.0.5"), lonely, 8080)
    assert not rules.passes(lonely, host(rules, "left", "10.0.0.5"), 8080)


def test_isolation_works_within_a_subnet_too() -> None:
    rules = network(empty=())
    assert not rules.passes(host(rules, "left", "10.0.0.5"), host(rules, "left", "10.0.0.6", "empty"), 8080)


def test_any_of_several_groups_may_allow() -> None:
    rules = network(empty=())
    both = host(rules, "right", "10.0.16.5", "empty", "friendly")
    assert rules.passes(host(rules, "left", "10.0.0.5"), both, 8080)


def test_a_rule_may_name_a_group_instead_of_an_address() -> None:
    rules = network(web=(ALL_OUT,), catalog=(GroupRule(egress=False, ports=(8080, 8080), group="web"),))
    catalog = host(rules, "right", "10.0.16.5", "catalog")
    assert rules.passes(host(rules, "left", "10.0.0.5", "web"), catalog, 8080)
    assert not rules.passes(host(rules, "left", "10.0.0.6", "friendly"), catalog, 8080)
    assert not rules.passes(host(rules, "left", "10.0.0.5", "web"), catalog, 8081)


def test_from_outside_only_the_target_is_filtered() -> None:
    rules = network(right=CLOSED)
    customers = rules.endpoint(None, None, "203.0.113.1")
    assert rules.passes(customers, host(rules, "left", "10.0.0.5"), 80)
    assert not rules.passes(customers, host(rules, "right", "10.0.16.5"), 80)


PORTS = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(lambda pair: (min(pair), max(pair)))
RULES = st.lists(
    st.builds(AclRule, st.integers(1, 500), st.booleans(), st.booleans(), st.just(ANY), PORTS), max_size=6
).map(lambda rules: tuple({(rule.number, rule.egress): rule for rule in rules}.values()))


@given(RULES, st.integers(1, 65535))
def test_acl_passes_iff_every_possible_port_passes(rules: tuple[AclRule, ...], port: int) -> None:
    def allowed(egress: bool, at: int) -> bool:
        matching = [r for r in rules if r.egress == egress and r.ports[0] <= at <= r.ports[1]]
        return min(matching, key=lambda r: r.number).allow if matching else False

    few: Ports = (49152, 49160)  # an asker with few ephemeral ports, so that all can be tried
    under_test = Network({"right": rules}, {"friendly": FRIENDLY})
    asker = under_test.endpoint(None, None, "203.0.113.1", few)
    expected = allowed(False, port) and all(allowed(True, at) for at in range(few[0], few[1] + 1))
    assert under_test.passes(asker, host(under_test, "right", "10.0.16.5"), port) == expected
