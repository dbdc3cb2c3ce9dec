"""One private mail host for the whole golden table, and each case's rules brought into force on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.golden.cases import LOCAL_DOMAINS, Case, load_cases
from tests.golden.in_force import InForce, bring_into_force

from gatepost_cli.demo.host import HostPlan, PrivateHost

LOCAL_PARTS = ("ann", "bob", "carl", "dora", "postmaster", "abuse")


@pytest.fixture(scope="session")
def golden_host() -> Iterator[PrivateHost]:
    """Start Postfix, Dovecot and Gatepost with the mailboxes that the table names."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    folder.chmod(0o755)
    domains = tuple(sorted(LOCAL_DOMAINS))
    mailboxes = tuple(f"{local}@{domain}" for domain in domains for local in LOCAL_PARTS)
    plan = HostPlan(domains, mailboxes, alias_sync_seconds=0, smtputf8=True)
    try:
        with PrivateHost(folder, plan) as host:
            yield host
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module", params=load_cases(), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Go through the table."""
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def in_force(case: Case, golden_host: PrivateHost) -> InForce:
    """Replace all rules and aliases by those of the case."""
    return bring_into_force(case, golden_host)
