"""A private Postfix and Dovecot for the tests of this folder.

Other versions are tested by GATEPOST_SERVERS_PREFIX, a command that runs another one in a root of
its own; `{folder}` stands for the folder that both have to see at the same path.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.mail_host import MailHost


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Make a folder that the servers' own users can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def prefix(server_folder: Path) -> tuple[str, ...]:
    """Say what goes before every server command."""
    return tuple(os.environ.get("GATEPOST_SERVERS_PREFIX", "").format(folder=server_folder).split())


@pytest.fixture(scope="session")
def running_host(server_folder: Path, prefix: tuple[str, ...]) -> Iterator[MailHost]:
    """Start both servers once."""
    with MailHost.start(server_folder / "host", prefix) as host:
        yield host


@pytest.fixture
def host(running_host: MailHost) -> MailHost:
    """Hand out the running servers with empty mailboxes."""
    running_host.empty_mailboxes()
    return running_host
