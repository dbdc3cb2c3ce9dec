"""A Postfix configuration in a folder, for postconf and postmap; nothing runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path


class PostfixFolder:
    """Writes main.cf and alias tables of any type."""

    def __init__(self, folder: Path) -> None:
        """Begin without aliases; example.com and example.net are delivered here."""
        self.folder = folder
        self.folder.mkdir()
        (folder / "master.cf").touch()
        for extra in ("dynamicmaps.cf", "dynamicmaps.cf.d"):
            self._borrow(extra)
        self.configure()

    def configure(self, *maps: str, **parameters: str) -> None:
        """Write main.cf."""
        settings = {
            "compatibility_level": "3.6",
            "myhostname": "mx.example.com",
            "myorigin": "example.com",
            "mydestination": "example.com",
            "virtual_mailbox_domains": "example.net",
            "recipient_delimiter": "+",
            "virtual_alias_maps": ", ".join(maps),
        }
        lines = [f"{name} = {value}\n" for name, value in (settings | parameters).items()]
        _write(self.folder / "main.cf", "".join(lines))

    def table(self, kind: str, name: str, entries: dict[str, str]) -> str:
        """Make a table by postmap and give its name."""
        file = self.folder / name
        _write(file, "".join(f"{key} {value}\n" for key, value in entries.items()))
        if kind in {"hash", "lmdb", "btree", "cdb"}:
            subprocess.run(["postmap", "-c", self.folder, f"{kind}:{file}"], check=True)
        return f"{kind}:{file}"

    def sqlite(self, entries: dict[str, str]) -> str:
        """Make a table that can only be asked."""
        database = self.folder / "aliases.sqlite"
        with sqlite3.connect(database) as connection:
            connection.execute("DROP TABLE IF EXISTS alias")
            connection.execute("CREATE TABLE alias (address TEXT PRIMARY KEY, goto TEXT)")
            connection.executemany("INSERT INTO alias VALUES (?, ?)", entries.items())
        connection.close()
        query = "SELECT goto FROM alias WHERE address = '%s'"
        _write(self.folder / "aliases.cf", f"dbpath = {database}\nquery = {query}\n")
        return f"sqlite:{self.folder / 'aliases.cf'}"

    def _borrow(self, name: str) -> None:
        """Table types that Debian packages apart are declared beside main.cf."""
        system = Path("/etc/postfix") / name
        if system.is_dir():
            shutil.copytree(system, self.folder / name)
        elif system.exists():
            shutil.copy(system, self.folder / name)


def _write(file: Path, text: str) -> None:
    """Write a file as of a minute ago: Postfix waits until one that has just changed is two seconds old."""
    file.write_text(text)
    minute_ago = time.time() - 60
    os.utime(file, (minute_ago, minute_ago))
