"""Read every page of a generation: `python -m gatepost.snapshot.verify FOLDER NAME`.

It runs as a process of its own, because a damaged map may end the process that reads it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gatepost.errors import GatepostError
from gatepost.snapshot.codec import ROW_OCTETS, decode_alias, decode_number
from gatepost.snapshot.generation import Generation, SnapshotError, open_for_reading, read_stamp


def walk(generation: Generation) -> int:
    """Decode everything; gives the number of rules."""
    if read_stamp(generation) is None:
        raise SnapshotError(f"snapshot {generation.name}: it does not say which database it is from")
    rules = 0
    with generation.environment.begin() as transaction:
        for _, value in transaction.cursor(generation.scope):
            decode_number(value)
        for _, value in transaction.cursor(generation.alias):
            decode_alias(value)
        for key, value in transaction.cursor(generation.rule):
            if len(value) != ROW_OCTETS:
                raise SnapshotError(f"snapshot {generation.name}: a row of {len(value)} octets at {key!r}")
            rules += 1
    return rules


def main(folder: str, name: str) -> int:
    """Check one generation; what is wrong goes to standard error."""
    try:
        walk(open_for_reading(Path(folder), name))
    except (GatepostError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001  whatever damage does, the answer is "damaged"
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
