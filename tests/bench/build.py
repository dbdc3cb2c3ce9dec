"""Compiles the C programs of the benchmarks into `.cache/bench`; entry point: `program`."""

import hashlib
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent
CACHE = SOURCES.parents[1] / ".cache" / "bench"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")
LIBRARIES = {"milter_noop": ("-lmilter", "-lpthread")}


def program(name: str) -> Path:
    """The compiled program of `name`.c, compiled only if its source or flags are new."""
    source = SOURCES / f"{name}.c"
    libraries = LIBRARIES.get(name, ())
    digest = hashlib.sha256(source.read_bytes() + repr((FLAGS, libraries)).encode()).hexdigest()
    target = CACHE / f"{name}-{digest[:12]}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        command = ["gcc", *FLAGS, "-o", str(unfinished), str(source), *libraries]
        subprocess.run(command, check=True)
        unfinished.replace(target)
    return target
