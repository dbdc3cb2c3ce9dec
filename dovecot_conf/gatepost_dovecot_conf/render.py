"""Turn a `DovecotModel` into the text of dovecot.conf; nothing is read and nothing is touched.

Entry point: `dovecot_conf`. The same model always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatepost.errors import DataError
from gatepost_dovecot_conf import v2_3, v2_4
from gatepost_dovecot_conf.dialect import Dialect
from gatepost_dovecot_conf.model import DovecotModel, Places
from gatepost_dovecot_conf.tree import Block, Node, Setting, text
from gatepost_dovecot_conf.verdict_script import JUNK

COMMAND = "gatepost dovecot apply"

_DIALECTS = {"2.3": v2_3.DIALECT, "2.4": v2_4.DIALECT}


def dovecot_conf(
    model: DovecotModel,
    places: Places,
    version: str,
    extra: Iterable[Node] = (),
    command: str = COMMAND,
) -> str:
    """Write dovecot.conf for a version such as `2.3.19.1 (9b53102964)`; `extra` is the place's own."""
    dialect = _dialect(version)
    nodes = (
        *dialect.head,
        *extra,
        Setting("protocols", "imap lmtp", "what is served"),
        Setting("recipient_delimiter", "+", "ann+detail@ is ann@, as in Postfix and Gatepost"),
        *dialect.auth(places),
        *dialect.mail,
        Setting("first_valid_uid", str(model.mail_uid), "all mail belongs to this user"),
        _mailboxes(),
        *_services(model, places, dialect),
        Block("protocol lmtp", (dialect.lmtp_plugins,), "mail is filtered where it is delivered"),
        *dialect.sieve(places),
    )
    return f"# Written by Gatepost; change it with: {command}\n\n" + text(nodes)


def _dialect(version: str) -> Dialect:
    dialect = _DIALECTS.get(version[:3])
    if dialect is None:
        known = " and ".join(_DIALECTS)
        message = f"Dovecot {version.strip()} is not known: only {known} are"
        raise DataError(message)
    return dialect


def _mailboxes() -> Block:
    junk = Block(f"mailbox {JUNK}", (Setting("special_use", "\\Junk"), Setting("auto", "subscribe")))
    return Block("namespace inbox", (Setting("inbox", "yes"), junk), "where blocked mail is found")


def _services(model: DovecotModel, places: Places, dialect: Dialect) -> tuple[Node, ...]:
    socket = Block(
        f"unix_listener {places.lmtp_socket}",
        (Setting("mode", "0600"), Setting("user", model.lmtp_user)),
    )
    stock = Block("unix_listener lmtp", (Setting("mode", "0", "the stock one is open to all"),))
    imap = Block(
        "inet_listener imap",
        (Setting(dialect.listen, model.imap.address), Setting("port", str(model.imap.port))),
    )
    no_imaps = Block("inet_listener imaps", (Setting("port", "0"),))
    return (
        Block("service lmtp", (socket, stock), "nobody but Postfix delivers"),
        Block("service imap-login", (imap, no_imaps), "reading mail"),
    )
