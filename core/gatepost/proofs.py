"""The two simplest answers to "is this proven?": never, and (for `explain`) always."""

from __future__ import annotations

from gatepost.probe import Identity
from gatepost.rule import Demand
from gatepost.verdict import Proof


class NothingProven:
    """No SPF and no DKIM result is known: an allow that asks for proof counts as absent."""

    def prove(self, identity: Identity, domain: str, demand: Demand) -> Proof | None:
        """Prove nothing."""
        del identity, domain, demand
        return None


class EverythingProven:
    """There is no message to look at, so take every claim as true."""

    def prove(self, identity: Identity, domain: str, demand: Demand) -> Proof | None:
        """Prove everything."""
        del identity, domain, demand
        return Proof.ASSUMED
