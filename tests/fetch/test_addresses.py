"""The table of addresses that may not be reached."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.fetch.addresses import parse_address, refusal

CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
    "e000::1",
]

OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "2606:4700::1",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("text", CLOSED)
def test_case_7_22_an_address_that_is_not_public_is_refused_by_name_of_its_rule(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    reason = refusal(address, ())
    assert reason is not None
    assert "AGGREGATOR_ALLOW_PRIVATE" in reason


@pytest.mark.parametrize("text", OPEN)
def test_case_7_22_a_public_address_is_not_refused(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert refusal(address, ()) is None


@given(st.ip_addresses())
def test_whatever_the_interpreter_calls_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert refusal(address, ()) is not None


@given(st.ip_addresses(v=4))
def test_an_address_in_a_tunnel_is_judged_by_what_it_carries(inner: IPv4Address) -> None:
    nat64 = IPv6Address(int(ip_address("64:ff9b::")) | int(inner))
    sixtofour = IPv6Address(int(ip_address("2002::")) | int(inner) << 80)
    mapped = parse_address(f"::ffff:{inner}")
    for tunnel, network in ((nat64, "64:ff9b::/96"), (sixtofour, "2002::/16")):
        assert refusal(tunnel, ()) is not None
        assert (refusal(tunnel, (ip_network(network),)) is None) == (refusal(inner, ()) is None)
    assert mapped == inner


def test_an_operator_opens_a_network_and_nothing_beside_it() -> None:
    allowed = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert refusal(ip_address("10.1.2.3"), allowed) is None
    assert refusal(ip_address("fd00:ec2::254"), allowed) is None
    assert refusal(ip_address("10.2.2.3"), allowed) is not None
