"""`python -m gatepost_cli` is `gatepost`."""

import sys

from gatepost_cli.main import main

sys.exit(main())
