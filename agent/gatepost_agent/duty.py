"""Things to be done again and again, one after the other or beside the main loop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatepost.errors import GatepostError

LOG = logging.getLogger("gatepost.agent")
_AGAIN_SECONDS = 5.0
"""when to try again at the latest what went wrong, however seldom it is done otherwise"""


@dataclass(slots=True)
class Duty:
    """Something to be done again and again."""

    name: str
    every_seconds: float
    act: Callable[[], object]
    due: float = 0.0
    trouble: str = ""

    def run(self, now: float) -> bool:
        """Act, if it is time; trouble is kept for the status and logged once. True when all is well."""
        if now < self.due:
            return not self.trouble
        self.due = now + self.every_seconds
        try:
            self.act()
        except GatepostError as error:
            self._note(error.message)
        except OSError as error:
            self._note(str(error))
        except Exception as error:
            if not self.trouble:
                LOG.exception("%s", self.name)
            self._note(f"{type(error).__name__}: {error}")
        else:
            self._note("")
        if self.trouble:
            self.due = now + min(self.every_seconds, _AGAIN_SECONDS)
        return not self.trouble

    def _note(self, trouble: str) -> None:
        if trouble and not self.trouble:
            LOG.error("%s: %s", self.name, trouble)
        elif self.trouble and not trouble:
            LOG.warning("%s: all is well again", self.name)
        self.trouble = trouble


class Beside:
    """Duties that may take long, in a thread of their own; nothing is done while it is not `allowed`."""

    def __init__(self, duties: Sequence[Duty], look_seconds: float) -> None:
        """Look every so often whether one is due."""
        self.duties = duties
        self.allowed = threading.Event()
        self._look_seconds = look_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beside", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """End, and wait so long for what is being done; False when it still goes on."""
        self._stop.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self._look_seconds):
            for duty in self.duties:
                if self.allowed.is_set() and not self._stop.is_set():
                    duty.run(time.monotonic())
