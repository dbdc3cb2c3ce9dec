"""Gatepost's core: vocabulary, rules and verdicts (pure), and the stores they live in.

Nothing in here knows of Postfix, Dovecot or the command line.
"""
