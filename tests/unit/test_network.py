"""Networks against the ipaddress module."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import hosts, networks

from gatepost.network import Network, cut, parse_client, parse_network


@given(st.text(st.characters(), max_size=40) | st.ip_addresses().map(str))
def test_any_client_is_read_or_none(text: str) -> None:
    client = parse_client(text)
    assert client is None or client.is_host


@given(st.ip_addresses())
def test_a_client_is_its_one_address_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert parse_client(str(address)) == parse_network(str(address))


@given(networks(), hosts)
def test_containment_is_that_of_ipaddress(network: Network, host: Network) -> None:
    there, inside = ipaddress.ip_network(str(network)), ipaddress.ip_network(str(host))
    assert network.holds(host) == (there.version == inside.version and inside.network_address in there)


@given(networks())
def test_text_reads_as_the_same(network: Network) -> None:
    assert parse_network(str(network)) == network


@given(hosts, st.integers(0, 128))
def test_cut_holds_what_it_was_cut_from(host: Network, length: int) -> None:
    shorter = cut(host, min(length, host.length))
    assert shorter.holds(host)
    assert not shorter.is_host or shorter == host


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("172.0.0.0/7", "172.0.0.0/7"),
        ("2001:0DB8::0007", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_one_spelling(written: str, text: str) -> None:
    assert str(parse_network(written)) == text


@pytest.mark.parametrize(
    "text", ["", "unknown", "192.0.2", "192.0.2.07", "192.0.2.1/24", "fe80::1%eth0", "1.2.3.4\x00"]
)
def test_what_is_no_client(text: str) -> None:
    assert parse_client(text) is None


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.0/33", "::/129", "192.0.2.0/-1", "x.org"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError):
        parse_network(text)
