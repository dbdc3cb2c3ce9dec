"""The chapters on rules: what they match, and which goes first."""

from __future__ import annotations

from gatepost_cli.demo.cast import ANN, BOB
from gatepost_cli.demo.steps import INBOX, NOTHING, REFUSED, TAKEN, Chapter, Mail, Rule, marked

PATTERNS = (
    Chapter(
        "A blocked address",
        "One rule for the whole site keeps an address out. Postfix asks Gatepost at each RCPT TO, so the"
        " message is refused before it is sent, and the sender's own server tells him.",
        (
            Rule("block joe@shop.example", name="joe"),
            Mail("joe@shop.example", (ANN,), (REFUSED,), {ANN: NOTHING}, end="", name="bounce"),
            Mail(
                "orders@shop.example",
                (ANN,),
                (TAKEN,),
                {ANN: INBOX},
                "Nobody else is meant: other mail from the same domain goes on as before.",
            ),
        ),
    ),
    Chapter(
        "A blocked domain and everything below it",
        "With a dot in front a rule is for the domain itself and for every name below it, however deep.",
        (
            Rule("block .casino.example"),
            Mail("win@a.b.casino.example", (ANN,), (REFUSED,), {ANN: NOTHING}, end=""),
            Mail(
                "win@mycasino.example",
                (ANN,),
                (TAKEN,),
                {ANN: INBOX},
                "A name that only ends in the same letters is another domain.",
            ),
        ),
    ),
    Chapter(
        "A blocked network",
        "A rule for a network is held against the address that the connection comes from, whatever sender"
        " it claims. (XCLIENT lends the stranger of this story other addresses.)",
        (
            Rule("block 198.51.100.0/24"),
            Mail("joe@elsewhere.example", (ANN,), (REFUSED,), {ANN: NOTHING}, end="", client="198.51.100.7"),
            Mail("joe@elsewhere.example", (ANN,), (TAKEN,), {ANN: INBOX}, client="203.0.113.7"),
        ),
    ),
)

SCOPES = (
    Chapter(
        "A mailbox's allow beats its domain's block",
        "Rules can be for the site, for a domain or for one mailbox, and the narrower goes first: ann wants"
        " what the others at example.com do not. An allow normally asks for proof by SPF or DKIM that the"
        " sender is no forger; as this story has no DNS to ask, --proof none does without.",
        (
            Rule("block .news.example --for example.com", name="no_news"),
            Rule("allow daily@news.example --for ann@example.com --proof none", name="news"),
            Mail(
                "daily@news.example",
                (ANN, BOB),
                (TAKEN, REFUSED),
                {ANN: marked(INBOX, "allow; rule={news}; proof=none"), BOB: NOTHING},
            ),
        ),
    ),
    Chapter(
        "An enforced block beats every mailbox",
        "What the site enforces, no domain and no mailbox can override. The command says so at once.",
        (
            Rule("block .malware.example --enforced", name="enforced"),
            Rule(
                "allow joe@malware.example --for ann@example.com --proof none",
                says=("decides nothing, because rule {enforced}",),
            ),
            Mail("joe@malware.example", (ANN,), (REFUSED,), {ANN: NOTHING}, end=""),
        ),
    ),
    Chapter(
        "One good host in a bad network",
        "Within a scope the more specific pattern decides, so a single address goes before the network of"
        " chapter 3. An allow for an IP address needs no proof: nobody can forge where a connection is from.",
        (
            Rule("allow 198.51.100.25", name="host"),
            Mail(
                "joe@elsewhere.example",
                (ANN,),
                (TAKEN,),
                {ANN: marked(INBOX, "allow; rule={host}; proof=none")},
                client="198.51.100.25",
            ),
            Mail(
                "joe@elsewhere.example",
                (ANN,),
                (REFUSED,),
                {ANN: NOTHING},
                "Its neighbour stays out.",
                end="",
                client="198.51.100.26",
            ),
        ),
    ),
)
