"""`python -m gatepost_cli` is `gatepost`."""

from gatepost_cli.main import main

main()
