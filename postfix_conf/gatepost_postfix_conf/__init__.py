"""Postfix's configuration as data: what is wanted, rendered to main.cf, master.cf and tables.

`model` says what is wanted, `render` turns it into text without touching anything, and `private`
runs a Postfix of its own in a folder, for tests and the demonstration.
"""
