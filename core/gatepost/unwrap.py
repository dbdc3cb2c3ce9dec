"""Undo what forwarders and bounce-tagging put around an envelope sender.

BATV (draft-levine-smtp-batv), Barracuda's btv1, SRS0 and SRS1 (openspf.org's SRS), VERP (cr.yp.to/proto/verp.txt).
A wrapped sender proves nothing of the address inside, so what comes out is marked by the caller.
"""

from __future__ import annotations

import re

from gatepost.address import Address
from gatepost.domain import canonical_domain

_BATV = re.compile(
    r"(?:prvs|msprvs\d|btv1)==?[^=]+==?(?P<local>.+)|prvs=(?P<old>[^=/]+)/[0-9a-z]+", re.DOTALL
)
_SRS0 = re.compile(r"srs0[=+-][^=]+=[^=]+=(?P<domain>[^=]+)=(?P<local>.+)", re.DOTALL)
_SRS1 = re.compile(r"srs1[=+-][^=]+=[^=]+=(?P<inner>[=+-].+)", re.DOTALL)


def unwrap(sender: Address) -> Address | None:
    """Give the address inside a tagged sender, or None when there is nothing to undo."""
    if "=" not in sender.local:
        return None
    original = _without_srs(sender)
    inside = _without_batv(original)
    if inside != sender:
        return inside
    base = _verp_base(sender.local)
    return Address(base, sender.domain) if base else None


def _without_srs(sender: Address) -> Address:
    """Undo what a forwarder put around, which is always the outermost."""
    relayed = _SRS1.fullmatch(sender.local)
    match = _SRS0.fullmatch(f"srs0{relayed['inner']}" if relayed else sender.local)
    return Address(match["local"], canonical_domain(match["domain"])) if match else sender


def _without_batv(sender: Address) -> Address:
    match = _BATV.fullmatch(sender.local)
    return Address(match["local"] or match["old"], sender.domain) if match else sender


def _verp_base(local: str) -> str:
    """Cut `+ann=example.com` or `-ann=example.com` off; empty when it is not there."""
    tagged, _, domain = local.rpartition("=")
    if "." not in domain:
        return ""
    base, plus, _ = tagged.partition("+")
    return base if plus else tagged.rpartition("-")[0]
