# shellcheck shell=bash
# Shared by the scripts beside it; each sources it after `cd` to the root of the tree.

log=.cache/setup.log

say() { printf '%s\n' "$*"; }

# Say what is wrong and what to do, a line an argument, and stop.
fail() {
    printf 'gatepost: %s\n' "$@" >&2
    exit 1
}

# Run a command with its output kept in $log; when it fails, show the end of that.
quietly() {
    mkdir -p "${log%/*}"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        return 1
    fi
}
