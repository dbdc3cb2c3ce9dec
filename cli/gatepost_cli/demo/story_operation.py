"""The chapters on keeping it running: changes, questions, trouble."""

from __future__ import annotations

from gatepost_cli.demo.cast import ANN
from gatepost_cli.demo.steps import (
    INBOX,
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
        " memory-mapped file. Here its folder is moved away, and the agent is killed and has to start"
        " without it.",
        (
            Shell("mv database database.away"),
            Kill("agent"),
            Ask(
                "status",
                "It starts all the same, and `status` tells what is wrong and what goes on.",
                status=69,
                says=("runs, last sign", "agent: feed"),
                patience_seconds=10,
            ),
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
                "mv database.away database",
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
