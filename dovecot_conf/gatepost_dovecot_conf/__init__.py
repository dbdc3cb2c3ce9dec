"""Dovecot's configuration as data: what is wanted, rendered for Dovecot 2.3 and 2.4.

`model` says what is wanted, `render` turns it into text without touching anything, `verdict_script`
is the Sieve script that acts on Gatepost's verdict, and `private` runs a Dovecot of its own in a
folder, for tests and the demonstration.
"""
