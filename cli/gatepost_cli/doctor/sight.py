"""How smtpd sees a socket: relative to the queue directory, and perhaps from inside a chroot (master(5)). Pure."""

from __future__ import annotations

from dataclasses import dataclass

_UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Sight:
    """Where smtpd looks from."""

    queue_directory: str
    chrooted: bool
    """into the queue directory"""

    def name(self, socket: str) -> str:
        """Write a socket as Postfix should have it: relative where that is possible, which always holds."""
        return socket.replace(f"{_UNIX}{self.queue_directory}/", _UNIX, 1)

    def reaches(self, socket: str) -> bool:
        """Whether there is any name by which smtpd comes to a socket."""
        return self.finds(self.name(socket), [socket])

    def finds(self, name: str, sockets: list[str]) -> bool:
        """Whether smtpd comes to one of the sockets by a name."""
        return self._meant(name, chrooted=self.chrooted) in sockets

    def means(self, name: str, sockets: list[str]) -> bool:
        """Whether whoever wrote a name meant one of the sockets, be smtpd in a chroot or not."""
        return any(self._meant(name, chrooted=chrooted) in sockets for chrooted in (False, True))

    def _meant(self, name: str, *, chrooted: bool) -> str:
        path = name.removeprefix(_UNIX)
        if path == name or (path.startswith("/") and not chrooted):
            return name
        return f"{_UNIX}{self.queue_directory}/{path.lstrip('/')}"
