"""`gatepost rules …`, one module a command."""
