"""Client addresses and networks, IPv4-mapped IPv6 addresses counted as IPv4."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import NamedTuple

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_MAPPED_PREFIX = 0xFFFF
_IPV4_MASK = 0xFFFFFFFF


class Network(NamedTuple):
    """A block of IP addresses; a single address is the block of full length."""

    version: int
    """4 or 6"""
    first: int
    """the lowest address, as a number"""
    length: int
    """prefix length in bits, 0-32 or 0-128"""

    @property
    def is_host(self) -> bool:
        """Whether it is one address."""
        return self.length == bits(self.version)

    def holds(self, other: Network) -> bool:
        """Whether another network lies inside this one."""
        return (
            other.version == self.version and other.length >= self.length and cut(other, self.length) == self
        )

    def __str__(self) -> str:
        """Write it as `192.0.2.1` or `192.0.2.0/24`, IPv6 compressed as in RFC 5952."""
        host = str(_ADDRESS[self.version](self.first))
        return host if self.is_host else f"{host}/{self.length}"


class Networks:
    """Some networks, for the question whether a client lies in one of them."""

    def __init__(self, networks: Iterable[Network]) -> None:
        """Note how far an address has to be cut, and what must be left of it."""
        self._heads: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for version, first, length in networks:
            shift = bits(version) - length
            self._heads[version].append((shift, first >> shift))

    def holds(self, client: Network | None) -> bool:
        """Whether a client lies in one of them; what is no address lies in none."""
        if client is None:
            return False
        version, address, _ = client
        for shift, head in self._heads[version]:  # noqa: SIM110  any() takes three times as long here
            if address >> shift == head:
                return True
        return False


_ADDRESS = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}


def bits(version: int) -> int:
    """How long an address of this IP version is."""
    return 32 if version == 4 else 128


def cut(network: Network, length: int) -> Network:
    """Give the network of a shorter prefix that holds this one."""
    shift = bits(network.version) - length
    return Network(network.version, network.first >> shift << shift, length)


def parse_network(text: str) -> Network:
    """Read an address or a CIDR network whose host bits may be set; ValueError says what is wrong."""
    block = ipaddress.ip_network(text, strict=False)
    if isinstance(block, ipaddress.IPv6Network) and block.subnet_of(_MAPPED):
        return Network(4, int(block.network_address) & _IPV4_MASK, block.prefixlen - 96)
    return Network(block.version, int(block.network_address), block.prefixlen)


def parse_client(text: str) -> Network | None:
    """Read Postfix's client_address; None for `unknown` and whatever is not an address."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        value = int.from_bytes(socket.inet_pton(family, text))
    except (OSError, ValueError):
        return None
    if family == socket.AF_INET:
        return Network(4, value, 32)
    return Network(4, value & _IPV4_MASK, 32) if value >> 32 == _MAPPED_PREFIX else Network(6, value, 128)
