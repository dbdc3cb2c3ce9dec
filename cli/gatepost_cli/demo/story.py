"""The story that `gatepost demo` tells. Each chapter uses senders of its own, so that none disturbs another."""

from __future__ import annotations

from gatepost_cli.demo.host import HostPlan, PrivateHost
from gatepost_cli.demo.mail import STRANGER
from gatepost_cli.demo.steps import (
    INBOX,
    JUNK,
    NOTHING,
    REFUSED,
    TAKEN,
    Ask,
    Chapter,
    Kill,
    Mail,
    Rule,
    Shell,
    Until,
    marked,
)

ANN = "ann@example.com"
BOB = "bob@example.com"
SALES = "sales@example.com"
PLAN = HostPlan(("example.com",), (ANN, BOB), {SALES: (ANN, BOB)})


def introduction(host: PrivateHost) -> tuple[str, ...]:
    """Say what runs, and where."""
    postfix, dovecot = host.postfix.version(), host.dovecot.version().split(" ")[0]
    return (
        f"""A Postfix {postfix} and a Dovecot {dovecot} of our own run in {host.folder}, on loopback only, and
        Gatepost beside them: policyd answers Postfix at each RCPT TO, the milter judges at the end of each
        message, and the agent brings the rules of an SQLite database to both. This machine's own mail is not
        touched.""",
        f"""All that follows is real: the commands are run, the messages are sent over SMTP by a stranger
        ({STRANGER}), and the mailboxes of ann and bob at example.com are read over IMAP. A tick stands where
        what was seen is what must be.""",
    )


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

OPERATION = (
    Chapter(
        "A rule comes and goes while everything runs",
        "Nothing is restarted or reloaded. The agent follows the database, and Postfix is asked over one"
        " open connection until its answer changes.",
        (
            Rule("block joe@late.example", name="late", waits=False),
            Until("joe@late.example", ANN, REFUSED),
            Rule("rules remove {late}", waits=False),
            Until("joe@late.example", ANN, TAKEN),
        ),
    ),
    Chapter(
        "Why did this bounce? What the admin sees",
        "The sender of chapter 1 calls and reads out the reference in his bounce. It leads to the event, and"
        " to the rule that decided.",
        (
            Ask("events --ref {bounce}", says=("joe@shop.example", "{joe}:"), patience_seconds=5),
            Ask(
                "explain --from daily@news.example --to ann@example.com",
                "And what would become of a message? `explain` asks the same judge that decides about real mail.",
                says=("allow by rule {news}", "beats rule {no_news}"),
            ),
            Ask("rules stats", "Which rules are there, and which are of use?", says=("{joe}",)),
        ),
    ),
    Chapter(
        "The database is gone",
        "Nothing on the way of a message talks to the database: mail is judged by the last snapshot, a"
        " memory-mapped file. Here a folder takes the database's place, and the agent is killed and has to"
        " start without one.",
        (
            Shell("mkdir away && mv gatepost.db* away && mkdir gatepost.db"),
            Kill("agent"),
            Ask("block joe@new.example", "Rules cannot be changed now.", status=69, says=("hint:",)),
            Mail(
                "win@casino.example",
                (ANN,),
                (REFUSED,),
                {ANN: NOTHING},
                "Those that were in force still are: what was blocked is blocked,",
                end="",
                name="meanwhile",
            ),
            Mail(
                "daily@news.example",
                (ANN,),
                (TAKEN,),
                {ANN: marked(INBOX, "allow; rule={news}; proof=none")},
                "and what was allowed comes in.",
            ),
            Shell(
                "rmdir gatepost.db && mv away/* . && rmdir away",
                "The database comes back, and the agent finds it by itself.",
            ),
            Rule("block joe@new.example"),
            Ask(
                "events --ref {meanwhile}",
                "What happened in between was kept in the journal and is in the database now.",
                says=("win@casino.example",),
                patience_seconds=5,
            ),
        ),
    ),
    Chapter(
        "Undo",
        "Somebody has blocked too much. Every change is kept with its author and its command, and the last"
        " one can be taken back.",
        (
            Rule('block .example --note "away with it all"'),
            Mail("joe@friends.example", (ANN,), (REFUSED,), {ANN: NOTHING}, end=""),
            Rule("rules undo --yes", says=("undone",)),
            Mail("joe@friends.example", (ANN,), (TAKEN,), {ANN: INBOX}),
        ),
    ),
)

CHAPTERS = (*PATTERNS, *SCOPES, *MESSAGES, *OPERATION)
