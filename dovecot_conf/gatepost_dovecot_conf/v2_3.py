"""Dovecot 2.3's spelling. Source: doc.dovecot.org/2.3, Pigeonhole 0.5."""

from __future__ import annotations

from gatepost_dovecot_conf import dialect as why
from gatepost_dovecot_conf.dialect import Dialect
from gatepost_dovecot_conf.model import Places
from gatepost_dovecot_conf.tree import Block, Node, Setting


def _auth(places: Places) -> tuple[Node, ...]:
    source = (
        Setting("driver", "passwd-file"),
        Setting("args", f"username_format=%Lu {places.passwd_file}"),
    )
    return (
        Setting("disable_plaintext_auth", "no", why.WHY_CLEARTEXT),
        Setting("auth_username_chars", "", why.WHY_ANY_USERNAME),
        Setting("auth_username_format", "%Lu", why.WHY_LOWER_CASE),
        Block("passdb", source, why.WHY_USERS_FILE),
        Block("userdb", source, why.WHY_USERS_FILE),
    )


def _sieve(places: Places) -> tuple[Node, ...]:
    return (
        Block(
            "plugin",
            (
                Setting("sieve", "file:~/sieve;active=~/.dovecot.sieve", why.WHY_PERSONAL),
                Setting("sieve_before", str(places.verdict_script), why.WHY_VERDICT),
                Setting("sieve_global_extensions", "+editheader", why.WHY_EDITHEADER),
            ),
        ),
    )


DIALECT = Dialect(
    head=(),
    listen="address",
    auth=_auth,
    mail=(Setting("mail_location", "maildir:~/Maildir", "one file a message"),),
    lmtp_plugins=Setting("mail_plugins", "$mail_plugins sieve"),
    sieve=_sieve,
)
