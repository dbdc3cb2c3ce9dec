"""The SQL database: the truth about rules, aliases, hits and events, and the audit of every change."""
