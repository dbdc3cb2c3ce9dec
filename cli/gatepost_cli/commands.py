"""All commands by name: where each lies and what `gatepost --help` says of it, in the order of that list."""

from __future__ import annotations

from gatepost_cli.lazy import Entry

COMMANDS = {
    "allow": Entry("gatepost_cli.allow_block:allow", "Let mail in that matches PATTERN."),
    "block": Entry("gatepost_cli.allow_block:block", "Keep mail out that matches PATTERN."),
    "rules": Entry("gatepost_cli.rules.group:rules", "List, remove, import, export and undo rules."),
    "explain": Entry("gatepost_cli.explain:explain", "Tell what becomes of a message, and by which rule."),
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
