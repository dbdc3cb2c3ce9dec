"""Starting Gatepost's own daemons beside the private servers, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gatepost.errors import UnavailableError

_START_SECONDS = 15.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.01
_LOG_LINES = 20


class Daemon:
    """One daemon of Gatepost as a process of its own, in a process group of its own."""

    def __init__(self, name: str, config_file: Path, log: Path, is_ready: Callable[[], bool]) -> None:
        """Describe `gatepost NAME`; it is ready when `is_ready` says so."""
        self.name = name
        self.log = log
        self._config_file = config_file
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process, if it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def start(self) -> None:
        """Start it and wait until it is ready; UnavailableError gives its last words."""
        command = [sys.executable, "-m", "gatepost_cli", "--config", str(self._config_file), self.name]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self.pid is None or time.monotonic() > deadline:
                self.kill()
                said = "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
                raise UnavailableError(
                    f"gatepost {self.name} did not start:\n{said}", f"its log is {self.log}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it as systemd would: SIGTERM, and SIGKILL if it does not go."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it with all its workers by SIGKILL."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
