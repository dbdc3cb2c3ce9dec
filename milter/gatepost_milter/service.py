"""Running the milter: libmilter gives each connection a thread and ends on SIGTERM by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import Milter

from gatepost.config import Config
from gatepost.errors import ConfigError
from gatepost.journal.recorder import Recorder
from gatepost.mailpath import MailPath
from gatepost.network import parse_network
from gatepost.snapshot.complaint import crash_noticed
from gatepost.snapshot.generation import SnapshotError
from gatepost.snapshot.reader import SnapshotReader
from gatepost.sockets import SocketAddress, allow_many_connections, is_answered, parse_socket_address
from gatepost_milter.callbacks import factory
from gatepost_milter.message import Judgement

_NAME = "gatepost"
_LET_GO_SECONDS = 5.0
_WAKE_SECONDS = 0.02


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    address = parse_socket_address(config.milter.listen)
    if address.path and is_answered(address.path):
        raise ConfigError(
            f"another process listens on {address} already", "stop it first; see: gatepost status"
        )
    _end_when_told(address)
    config.journal_folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(config.journal_folder)
    recorder.start()
    reader = SnapshotReader(config.snapshot_folder)
    judgement = _judgement(config, reader, recorder)
    threading.Thread(target=_let_go, args=(judgement, reader), name="let go", daemon=True).start()
    allow_many_connections()
    Milter.factory = factory(judgement)
    Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.SETSYMLIST)
    Milter.set_exception_policy(Milter.CONTINUE)
    os.umask(0o777 & ~int(config.milter.socket_mode, 8))
    try:
        with crash_noticed(config.snapshot_folder, "milter"):
            Milter.runmilter(_NAME, _libmilter_name(address), config.milter.timeout_seconds)
    except Milter.error as error:
        raise ConfigError(
            f"cannot listen on {address}: {error}", "is it taken, or its folder missing?"
        ) from error
    finally:
        recorder.stop()


def _end_when_told(address: SocketAddress) -> None:
    """Take SIGTERM and SIGINT in a thread of our own, for any thread but libmilter's would die of them on the spot.

    Python runs handlers in the main thread alone, which is in libmilter: so the wake-up descriptor is read.
    """
    told, tell = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def end() -> None:
        os.read(told, 1)
        threading.Thread(target=Milter.stop, name="stop", daemon=True).start()
        while True:  # libmilter takes note within 5 s, or at a connection
            with contextlib.suppress(OSError):
                address.connect().close()
            time.sleep(_WAKE_SECONDS)

    threading.Thread(target=end, name="end", daemon=True).start()


def _let_go(judgement: Judgement, reader: SnapshotReader) -> None:
    """Hold no old generation while no mail comes, so that the agent can remove it."""
    while True:
        time.sleep(_LET_GO_SECONDS)
        with contextlib.suppress(SnapshotError):  # the next message says it
            judgement.between(reader.follow)


def _judgement(config: Config, reader: SnapshotReader, recorder: Recorder) -> Judgement:
    mail_path = MailPath(reader, recorder)
    mynetworks = tuple(map(parse_network, config.site.mynetworks))
    return Judgement(mail_path, mynetworks, config.policyd.on_missing_snapshot)


def _libmilter_name(address: SocketAddress) -> str:
    if address.path:
        return f"unix:{address.path}"
    family = "inet6" if ":" in address.host else "inet"
    return f"{family}:{address.port}@{address.host}"
