#!/bin/sh
# Every Rust test, two test programs at a time: most of a story is waiting for what
# takes its time. What a program said is shown when it has failed.
set -eu
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cargo test --locked --no-run
# Told again, since it is built: which programs there are.
cargo test --locked --no-run 2>&1 | sed -n 's/^  Executable .*(\(.*\))$/\1/p' > "$out/programs"
[ -s "$out/programs" ] || { echo 'rust-tests: cargo named no test programs' >&2; exit 1; }

export out
xargs -P 2 -n 1 sh -c '
    name=$(basename "$0")
    begun=$(date +%s)
    if "$0" > "$out/$name.log" 2>&1; then
        said=$(sed -n "s/^test result: //p" "$out/$name.log")
    else
        said="FAILED:"
        touch "$out/failed"
    fi
    echo "${name%-*}: $(($(date +%s) - begun)) s: $said"
    [ "$said" != "FAILED:" ] || cat "$out/$name.log"
' < "$out/programs"
cargo test --locked --doc
[ ! -e "$out/failed" ]
