"""milter: judges every message again at its end, when the From: header is known, and writes the verdicts down."""
