"""Dovecot 2.4's spelling. Source: doc.dovecot.org/2.4."""

from __future__ import annotations

from gatepost_dovecot_conf import dialect as why
from gatepost_dovecot_conf.dialect import Dialect
from gatepost_dovecot_conf.model import Places
from gatepost_dovecot_conf.tree import Block, Node, Setting

_VERSION = "2.4.0"


def _auth(places: Places) -> tuple[Node, ...]:
    source = (Setting("passwd_file_path", str(places.passwd_file)),)
    return (
        Setting("auth_allow_cleartext", "yes", why.WHY_CLEARTEXT),
        Setting("auth_username_chars", "", why.WHY_ANY_USERNAME),
        Setting("auth_username_format", "%{user | lower}", why.WHY_LOWER_CASE),
        Block("passdb passwd-file", source, why.WHY_USERS_FILE),
        Block("userdb passwd-file", source, why.WHY_USERS_FILE),
    )


def _sieve(places: Places) -> tuple[Node, ...]:
    personal = (
        Setting("type", "personal"),
        Setting("path", "~/sieve"),
        Setting("active_path", "~/.dovecot.sieve"),
    )
    verdict = (Setting("type", "before"), Setting("path", str(places.verdict_script)))
    editheader = (Setting("editheader", "yes"),)
    return (
        Block("sieve_script personal", personal, why.WHY_PERSONAL),
        Block("sieve_script verdict", verdict, why.WHY_VERDICT),
        Block("sieve_global_extensions", editheader, why.WHY_EDITHEADER),
    )


DIALECT = Dialect(
    head=(
        Setting("dovecot_config_version", _VERSION, "2.4 wants this first"),
        Setting("dovecot_storage_version", _VERSION, "2.4 wants this too"),
    ),
    listen="listen",
    auth=_auth,
    mail=(
        Setting("mail_driver", "maildir", "one file a message"),
        Setting("mail_path", "~/Maildir", "below the mailbox's home"),
    ),
    lmtp_plugins=Block("mail_plugins", (Setting("sieve", "yes"),)),
    sieve=_sieve,
)
