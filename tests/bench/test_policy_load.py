"""The load generator sees every way in which a policy server can give other than one reply."""

import json
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.bench import build, rule_list

GOOD = b"action=DUNNO\n\n"


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    reply = GOOD


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Server)
        for line in self.rfile:
            if line == b"\n":
                self.wfile.write(self.server.reply)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Callable[[bytes], dict[str, int]]]:
    requests = tmp_path / "requests"
    requests.write_text("192.0.2.7\tjoe@x.org\tann@example.com\tDUNNO\n")
    with Server(str(tmp_path / "s"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def load(reply: bytes) -> dict[str, int]:
            server.reply = reply
            command = [str(build.program("policy_load")), "-c", "2", "-s", "0.1", "-w", "0"]
            output = subprocess.check_output([*command, f"unix:{tmp_path}/s", str(requests)])
            found: dict[str, int] = json.loads(output)
            return found

        yield load
        server.shutdown()
        thread.join()


def test_one_reply_to_each_request_is_no_error(seen: Callable[[bytes], dict[str, int]]) -> None:
    result = seen(GOOD)
    assert result["errors"] == 0
    assert result["replies"] > 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (GOOD + GOOD, "surplus"),
        (b"action=550 5.7.1 no\n\n", "wrong"),
        (b"DUNNO\n\n", "malformed"),
    ],
)
def test_other_replies_are_errors(seen: Callable[[bytes], dict[str, int]], reply: bytes, error: str) -> None:
    assert seen(reply)[error] > 0


def test_no_pattern_occurs_twice() -> None:
    patterns = [rule_list.rule(index).pattern for index in range(10_000)]
    assert len(set(patterns)) == len(patterns)


def test_requests_are_always_the_same() -> None:
    assert [*rule_list.requests(100, 50)] == [*rule_list.requests(100, 50)]
