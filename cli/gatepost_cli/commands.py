"""All commands by name: where each lies and what `gatepost --help` says of it, in the order of that list."""

from __future__ import annotations

from gatepost_cli.lazy import Entry

COMMANDS = {
    "demo": Entry(
        "gatepost_cli.demo.command:demo", "Tell what Gatepost does, with real mail on a private host."
    ),
    "allow": Entry("gatepost_cli.allow_block:allow", "Let mail in that matches PATTERN."),
    "block": Entry("gatepost_cli.allow_block:block", "Keep mail out that matches PATTERN."),
    "rules": Entry("gatepost_cli.rules.group:rules", "List, remove, import, export and undo rules."),
    "explain": Entry("gatepost_cli.explain:explain", "Tell what becomes of a message, and by which rule."),
    "events": Entry(
        "gatepost_cli.events:events", "Tell what was blocked, junked or unproven, and by which rule."
    ),
    "aliases": Entry("gatepost_cli.aliases:aliases", "Look at the aliases that are read from Postfix."),
    "mailbox": Entry("gatepost_cli.mailbox:mailbox", "Export, rename or erase what is kept about a mailbox."),
    "init": Entry("gatepost_cli.init:init", "Write gatepost.toml and create folders and database."),
    "config": Entry("gatepost_cli.config:config", "Show and check gatepost.toml."),
    "status": Entry("gatepost_cli.status:status", "Tell whether everything runs."),
    "doctor": Entry(
        "gatepost_cli.doctor.command:doctor", "Look for what is wrong on this host, and say how to mend it."
    ),
    "db": Entry("gatepost_cli.db:db", "Create, upgrade and adopt the database."),
    "policyd": Entry("gatepost_cli.daemons:policyd", "Run the policy daemon that Postfix asks at RCPT."),
    "milter": Entry("gatepost_cli.daemons:milter", "Run the milter that judges at the end of each message."),
    "agent": Entry("gatepost_cli.daemons:agent", "Run the agent that keeps snapshot and database in step."),
    "completion": Entry("gatepost_cli.completion:completion", "Print the completion script for a shell."),
}

RULES = {
    "list": Entry("gatepost_cli.rules.listing:list_", "List rules in force, oldest first."),
    "show": Entry("gatepost_cli.rules.listing:show", "Show all that is known of one rule."),
    "remove": Entry("gatepost_cli.rules.remove:remove", "Remove rules by number."),
    "import": Entry("gatepost_cli.rules.importing:import_", "Add the rules of a file, as one batch."),
    "export": Entry("gatepost_cli.rules.export:export", "Write rules in the form that import reads."),
    "undo": Entry("gatepost_cli.rules.undo:undo", "Take a batch of changes back."),
    "log": Entry("gatepost_cli.rules.log:log", "List the batches of changes, newest first."),
    "purge": Entry("gatepost_cli.rules.purge:purge", "Remove rules that are old, unused or expired."),
    "stats": Entry("gatepost_cli.rules.stats:stats", "Count rules by kind, scope and use."),
}

ALIASES = {
    "sync": Entry("gatepost_cli.aliases:sync", "Read Postfix's aliases into the database now."),
    "list": Entry("gatepost_cli.aliases:list_", "List aliases, where they lead, and which table says so."),
}

MAILBOX = {
    "export": Entry("gatepost_cli.mailbox:export", "Print all that is kept about a mailbox, as JSON."),
    "rename": Entry("gatepost_cli.mailbox:rename", "Move the rules of a mailbox to another name."),
    "erase": Entry("gatepost_cli.mailbox:erase", "Erase all that is kept about a mailbox, for good."),
}

CONFIG = {
    "show": Entry("gatepost_cli.config:show", "Print the settings in force, as TOML with comments."),
    "check": Entry("gatepost_cli.config:check", "Say what is wrong with gatepost.toml."),
}

DB = {
    "upgrade": Entry("gatepost_cli.db:upgrade", "Bring the database's schema to this version."),
    "status": Entry(
        "gatepost_cli.db:status", "Tell which database this is and how far the snapshot follows it."
    ),
    "adopt": Entry(
        "gatepost_cli.db:adopt", "Declare this database the right one, where the snapshot is of another."
    ),
}
