"""What Dovecot is told, as text: no server is started."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.errors import DataError
from gatepost_dovecot_conf.model import DovecotModel, Listener, Places, User, make_users
from gatepost_dovecot_conf.passwd_file import home, passwd_file
from gatepost_dovecot_conf.render import dovecot_conf
from gatepost_dovecot_conf.tree import Block, Setting, text
from gatepost_dovecot_conf.verdict_script import verdict_script

MODEL = DovecotModel(Listener(1143), make_users(["Bob@example.com", "o'neil@example.com"], "pw"))
PLACES = Places(Path("/p/lmtp"), Path("/p/users"), Path("/p/mail"), Path("/p/verdict.sieve"))
V2_3, V2_4 = (dovecot_conf(MODEL, PLACES, version) for version in ("2.3.19.1 (9b53102964)", "2.4.1-4"))


@pytest.mark.parametrize("conf", [V2_3, V2_4])
def test_the_first_line_names_the_generator_and_the_command(conf: str) -> None:
    assert conf.splitlines()[0] == "# Written by Gatepost; change it with: gatepost dovecot apply"


def test_2_4_begins_with_its_version_and_2_3_knows_none() -> None:
    assert next(line for line in V2_4.splitlines() if " = " in line) == "dovecot_config_version = 2.4.0"
    assert "dovecot_config_version" not in V2_3


def test_2_4_has_no_variable_of_2_3() -> None:
    assert not re.search(r"%[a-zA-Z]|\$", V2_4)


@pytest.mark.parametrize("version", ["2.2.36", "3.0", ""])
def test_another_version_is_refused(version: str) -> None:
    with pytest.raises(DataError, match=r"only 2\.3 and 2\.4"):
        dovecot_conf(MODEL, PLACES, version)


def test_a_tree_is_indented_with_its_reasons() -> None:
    tree = [Block("service x", (Setting("a", ""), Setting("b", "1", "why")), "all of it")]
    assert text(tree) == "# all of it\nservice x {\n  a =\n  # why\n  b = 1\n}\n\n"


def test_a_value_cannot_bring_a_setting_of_its_own() -> None:
    with pytest.raises(DataError, match="user"):
        dovecot_conf(replace(MODEL, lmtp_user="postfix\nssl = no"), PLACES, "2.3")


def test_the_passwd_file_names_each_mailbox_with_owner_and_home() -> None:
    assert passwd_file(MODEL, Path("/m")).splitlines() == [
        "bob@example.com:{PLAIN}pw:5000:5000::/m/example.com/bob::",
        r"o\'neil@example.com:{PLAIN}pw:5000:5000::/m/example.com/o=27neil::",
    ]


@pytest.mark.parametrize("user", [User("a:b@example.com", "pw"), User("a@example.com", "p:w\n")])
def test_what_would_break_the_passwd_file_is_refused(user: User) -> None:
    with pytest.raises(DataError, match="passwd-file"):
        passwd_file(replace(MODEL, users=(user,)), Path("/m"))


@given(st.text(max_size=30))
def test_no_local_part_escapes_from_the_mail_folder(local: str) -> None:
    folder = home(Path("/m"), User(f"{local}@example.com", ""))
    assert folder.parent == Path("/m/example.com")
    assert folder.name not in {"", ".", ".."}


def test_the_verdict_script_says_what_makes_it() -> None:
    assert verdict_script("gatepost dovecot apply").startswith(
        "# Written by Gatepost; change it with: gatepost "
    )
