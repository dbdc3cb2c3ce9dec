"""Hypothesis strategies: small alphabets, so that rules and messages meet often."""

from __future__ import annotations

import ipaddress

from hypothesis import strategies as st

from gatepost.address import Address
from gatepost.network import Network, parse_network
from gatepost.pattern import Pattern, parse_pattern
from gatepost.rule import Action, Demand, Effect, Rule, Terms, make_terms
from gatepost.scope import Scope, ScopeKind, parse_scope

DOMAINS = ("x.org", "a.x.org", "b.a.x.org", "y.org", "org", "gle.com", "google.com")
LOCALS = ("joe", "joe+list", "joe+news", "bob", "joe+", "two words", "+joe")
SCOPES = ("site", "example.com", "example.net", "ann@example.com", "bob@example.com")

locals_ = st.sampled_from(LOCALS)
domains = st.sampled_from(DOMAINS)
addresses = st.builds(Address, locals_, domains)
hosts = st.one_of(
    st.sampled_from(["192.0.2.7", "192.0.2.8", "192.0.3.1", "2001:db8::7", "2001:db8::8", "2001:db9::1"]),
    st.ip_addresses().map(str),
).map(parse_network)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a network around a host that a message may come from."""
    host = draw(hosts)
    width = 32 if host.version == 4 else 128
    length = draw(
        st.sampled_from([0, 1, 7, 8, 23, 24, 25, 31, 32, 64, 127, 128]).filter(lambda n: n <= width)
    )
    address = ipaddress.ip_address(host.first) if host.version == 4 else ipaddress.IPv6Address(host.first)
    return parse_network(f"{address}/{length}")


patterns: st.SearchStrategy[Pattern] = st.one_of(
    addresses.filter(lambda a: "." in a.domain).map(str),
    domains.filter(lambda d: "." in d),
    domains.map(lambda d: f".{d}"),
    locals_.map(lambda local: f"{Address(local, '')}@"),
    networks().map(str),
).map(parse_pattern)
scopes = st.sampled_from([parse_scope(text) for text in SCOPES])


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Draw terms that `make_terms` accepts."""
    scope: Scope = draw(scopes)
    enforced = draw(st.booleans()) and scope.kind is not ScopeKind.MAILBOX
    action, effect, demand = (draw(st.sampled_from(kind)) for kind in (Action, Effect, Demand))
    expires = draw(st.sampled_from([None, None, 1_000, 9_000]))
    return make_terms(Terms(action, draw(patterns), scope, enforced, effect, demand, expires))


rules: st.SearchStrategy[list[Rule]] = st.lists(terms(), max_size=8).map(
    lambda many: [Rule(number, one) for number, one in enumerate(many, start=1)]
)
