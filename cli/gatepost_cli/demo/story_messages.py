"""The chapters on whole messages: several recipients, headers, aliases."""

from __future__ import annotations

from gatepost_cli.demo.cast import ANN, BOB, SALES
from gatepost_cli.demo.steps import INBOX, JUNK, NOTHING, REFUSED, TAKEN, Ask, Chapter, Mail, Rule, marked

MESSAGES = (
    Chapter(
        "The From: that a reader sees",
        "A block is also held against the From: header, which only the milter sees, when the message is"
        " there already. By then a server can only take or refuse it for all recipients: bob wants it, so"
        " it is taken, and ann's copy goes to her Junk folder.",
        (
            Rule("block boss@bank.example --for ann@example.com", name="boss"),
            Mail(
                "bounces@mailer.example",
                (ANN, BOB),
                (TAKEN, TAKEN),
                {ANN: marked(JUNK, "block; rule={boss}; proof=none"), BOB: INBOX},
                header_from="boss@bank.example",
            ),
            Mail(
                "bounces@mailer.example",
                (ANN,),
                (TAKEN,),
                {ANN: NOTHING},
                "When ann is the only recipient, nobody wants it, and it is refused.",
                end=REFUSED,
                header_from="boss@bank.example",
            ),
        ),
    ),
    Chapter(
        "Two recipients, two verdicts, one message",
        "The verdict travels to Dovecot in a header line for each recipient, and Dovecot's Sieve leaves in"
        " each copy only the reader's own: nobody learns what others allow or block.",
        (
            Rule("allow list@forum.example --for ann@example.com --proof none", name="list_ann"),
            Rule("block list@forum.example --for bob@example.com --effect junk", name="list_bob"),
            Mail(
                "list@forum.example",
                (ANN, BOB),
                (TAKEN, TAKEN),
                {
                    ANN: marked(INBOX, "allow; rule={list_ann}; proof=none"),
                    BOB: marked(JUNK, "block; rule={list_bob}; proof=none"),
                },
            ),
        ),
    ),
    Chapter(
        "A forged verdict",
        "A spammer may write such a header himself. Postfix and the milter remove every one that comes from"
        " outside, before the true one is added: the message still goes to Junk.",
        (
            Mail(
                "list@forum.example",
                (BOB,),
                (TAKEN,),
                {BOB: marked(JUNK, "block; rule={list_bob}; proof=none")},
                extra="X-Gatepost-Verdict: bob@example.com; allow; rule=1; proof=dkim",
            ),
        ),
    ),
    Chapter(
        "An alias with two targets",
        "Gatepost reads Postfix's own alias tables, and judges for each mailbox that a message ends up in.",
        (
            Rule("block offers@trade.example --for ann@example.com", name="trade"),
            Ask(
                "explain --from offers@trade.example --to sales@example.com",
                says=("sales@example.com -> ann@example.com", "sales@example.com -> bob@example.com"),
                patience_seconds=5,
            ),
            Mail(
                "offers@trade.example",
                (SALES,),
                (TAKEN,),
                {ANN: marked(JUNK, "block; rule={trade}; proof=none"), BOB: INBOX},
                "Ann blocks it and bob does not, so the alias takes it.",
            ),
            Rule("block offers@trade.example --for bob@example.com"),
            Mail(
                "offers@trade.example",
                (SALES,),
                (REFUSED,),
                {ANN: NOTHING, BOB: NOTHING},
                "Now every target blocks it, and it is refused at once.",
                end="",
            ),
        ),
    ),
)
