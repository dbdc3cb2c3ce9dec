"""Wrapped senders as they are seen in logs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.address import parse_address
from gatepost.unwrap import unwrap


@pytest.mark.parametrize(
    ("sender", "inside"),
    [
        ("prvs=4783a1b2c3=joe@x.org", "joe@x.org"),
        ("PRVS=4783A1B2C3=Joe@x.org", "joe@x.org"),
        ("prvs=joe/4783a1b2c3@x.org", "joe@x.org"),
        ("prvs=1893fcdd5e=joe+list@x.org", "joe+list@x.org"),
        ("btv1==783c0d1e2f3==joe@x.org", "joe@x.org"),
        ("msprvs1=18245abcdefgh=bounces-1234@x.org", "bounces-1234@x.org"),
        ("SRS0=HhHh=T7=x.org=joe@fwd.example", "joe@x.org"),
        ("SRS0+HhHh=T7=x.org=joe@fwd.example", "joe@x.org"),
        ("SRS0-H/+h=T7=x.org=joe@fwd.example", "joe@x.org"),
        ("SRS0=HhHh=T7=x.org=joe=doe@fwd.example", "joe=doe@x.org"),
        ("SRS0=HhHh=T7=bücher.example=joe@fwd.example", "joe@xn--bcher-kva.example"),
        ("SRS1=GgGg=first.example==HhHh=T7=x.org=joe@second.example", "joe@x.org"),
        ("SRS1=GgGg=first.example=+HhHh=T7=x.org=joe@second.example", "joe@x.org"),
        ("SRS1-GgGg=first.example=-HhHh=T7=x.org=joe@second.example", "joe@x.org"),
        ("SRS0=HhHh=T7=x.org=prvs=4783a1b2c3=joe@fwd.example", "joe@x.org"),
        ("list-bounces+ann=example.com@lists.x.org", "list-bounces@lists.x.org"),
        ("list-bounces+ann+news=example.com@lists.x.org", "list-bounces@lists.x.org"),
        ("bounces-ann=example.com@x.org", "bounces@x.org"),
        ("list-return-123-ann=example.com@x.org", "list-return-123@x.org"),
    ],
)
def test_undone(sender: str, inside: str) -> None:
    address = unwrap(parse_address(sender))
    assert str(address) == inside


@pytest.mark.parametrize(
    "sender",
    [
        "joe@x.org",
        "joe+list@x.org",
        "a=b@x.org",
        "a=b/{c}$#@x.org",
        "srs0@fwd.example",
        "srs0=only=two@fwd.example",
        "srs1=a=b@fwd.example",
        "prvs=@x.org",
        "prvs=joe@x.org",
        "btv1@x.org",
        "=@x.org",
        "-ann=example.com@x.org",
        "+ann=example.com@x.org",
        "",
    ],
)
def test_left_alone(sender: str) -> None:
    assert unwrap(parse_address(sender)) is None


@given(st.text(st.sampled_from(list("srs01prvbt=+-./@ax")), max_size=40))
def test_any_sender(text: str) -> None:
    sender = parse_address(text)
    assert unwrap(sender) != sender


@pytest.mark.parametrize(
    "local",
    ["+" * 2000 + "=" + "." * 2000 + "=", "srs0=" + "a=" * 5000, "prvs=" + "=" * 9000, "a-" * 5000 + "=."],
)
def test_long_senders_take_no_time(local: str) -> None:
    start = time.process_time()
    unwrap(parse_address(f"{local}@x.org"))
    assert time.process_time() - start < 0.5
