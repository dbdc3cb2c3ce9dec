"""The policy protocol as octets: whatever comes, one answer for each request that ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost_policyd.protocol import Item, Malformed, RequestParser, encode_answer, parse_block

LIMIT = 64
GOOD = b"request=smtpd_access_policy\nsender=joe@x.org\n\n"
lines = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"request=smtpd_access_policy\n",
        b"sender=o'brien@x.org\n",
        b"sender=a=b!c\0@x.org\n",
        b"sender=\xff\xfe@x.org\n",
        b"no equals sign\n",
        b"=\n",
        b"recipient=ann@example.com",
        b"x=" + b"y" * (LIMIT - 3),
        b"x=" + b"y" * (LIMIT - 2),
        b"x=" + b"y" * (LIMIT - 1),
    ]
)
streams = st.one_of(st.lists(lines, max_size=12).map(b"".join), st.binary(max_size=3 * LIMIT))


def items(*portions: bytes, limit: int = LIMIT) -> list[Item]:
    parser = RequestParser(limit)
    return [item for portion in portions for item in parser.feed(portion)]


def by_lines(stream: bytes) -> Iterator[list[bytes]]:
    """The definition, line by line: an empty line ends a request."""
    request: list[bytes] = []
    for line in stream.split(b"\n")[:-1]:
        if line:
            request.append(line)
        else:
            yield request
            request = []


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(marks)]


@given(streams)
def test_every_request_that_ends_gives_one_item(stream: bytes) -> None:
    assert len(items(stream, limit=10_000)) == len(list(by_lines(stream)))


@given(streams, st.lists(st.integers(0, 1000), max_size=20))
@example(b"x=" + b"y" * (LIMIT - 2) + b"\n\n", [LIMIT + 1])
@example(b"x=" + b"y" * LIMIT + b"\n\n" + GOOD, [LIMIT + 1])
def test_how_a_stream_is_cut_changes_nothing(stream: bytes, places: list[int]) -> None:
    assert items(*cut(stream, places)) == items(stream)


@given(streams)
def test_octet_by_octet_is_the_same(stream: bytes) -> None:
    assert items(*(stream[i : i + 1] for i in range(len(stream)))) == items(stream)


@given(st.lists(streams, max_size=3))
def test_items_never_depend_on_what_comes_later(streams: list[bytes]) -> None:
    first, *_ = *streams, b""
    assert items(b"".join(streams))[: len(items(first))] == items(first)


@pytest.mark.parametrize(
    "sender",
    [b"o'brien@x.org", b"a=b=c@x.org", b"!bang@x.org", b"\0@x.org", b"\xff\xfe@x.org", b"j" * 10_000],
)
def test_any_value_is_an_attribute(sender: bytes) -> None:
    stream = b"request=smtpd_access_policy\nsender=" + sender + b"\n\n"
    assert items(stream, limit=65536) == [{b"request": b"smtpd_access_policy", b"sender": sender}]


def test_two_requests_in_one_packet_are_two_in_order() -> None:
    other = GOOD.replace(b"joe", b"bob")
    assert [item[b"sender"] for item in items(GOOD + other) if isinstance(item, dict)] == [
        b"joe@x.org",
        b"bob@x.org",
    ]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"sender=a\nsender=b", "an attribute is given twice"),
        (b"sender=a", "not a request=smtpd_access_policy"),
        (b"request=junk", "not a request=smtpd_access_policy"),
        (b"request=smtpd_access_policy\nx", "no '=' in line b'x'"),
        (b"request=smtpd_access_policy\r", "not a request=smtpd_access_policy"),
    ],
)
def test_what_is_no_request_is_malformed_and_answered(block: bytes, reason: str) -> None:
    assert parse_block(block) == Malformed(reason)


def test_after_a_malformed_request_the_next_one_counts() -> None:
    bad, good = items(b"sender=a\nsender=b\n\n" + GOOD)
    assert isinstance(bad, Malformed)
    assert isinstance(good, dict)


def test_carriage_returns_end_no_request() -> None:
    assert items(GOOD.replace(b"\n", b"\r\n")) == []


@pytest.mark.parametrize("portions", [[b"x" * 100 + b"\n\n" + GOOD], [b"x" * 100, b"\n\n" + GOOD, GOOD]])
def test_after_a_request_too_long_there_is_nothing_more(portions: list[bytes]) -> None:
    assert items(*portions) == [Malformed("longer than 64 octets", fatal=True)]


def test_nothing_is_kept_of_a_request_too_long() -> None:
    parser = RequestParser(LIMIT)
    list(parser.feed(b"x" * 1_000_000))
    assert parser._buffer == b""


@given(st.text())
def test_an_answer_is_one_line_and_an_empty_one(action: str) -> None:
    answer = encode_answer(action)
    assert answer.startswith(b"action=")
    assert answer.endswith(b"\n\n")
    assert answer.count(b"\n") == 2
