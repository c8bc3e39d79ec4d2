#!/bin/sh
# Fuzzes every parser, one after another, or those that are named, for SECONDS each:
#   scripts/fuzz.sh [PARSER…]
# What was found of interest is kept in fuzz/corpus/, what broke a parser in
# fuzz/artifacts/. Stable Rust will do: coverage comes from LLVM, without sanitizers.
set -eu
cd "$(dirname "$0")/.."

export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
target=$(rustc -vV | sed -n 's/^host: //p')
# The versions are the project's own.
cp Cargo.lock fuzz/Cargo.lock
cargo build --manifest-path fuzz/Cargo.toml --release --target "$target" --target-dir "${CARGO_TARGET_DIR:-target}/fuzz"
program="${CARGO_TARGET_DIR:-target}/fuzz/$target/release/parsers"

all=$(sed -n 's/^    ("\([a-z-]*\)", [a-z].*),$/\1/p' src/app/fuzzing.rs)
for parser in ${*:-$all}; do
    mkdir -p "fuzz/corpus/$parser" "fuzz/artifacts/$parser"
    echo "fuzz: $parser, ${SECONDS_EACH:-60} s"
    PARSER=$parser "$program" "fuzz/corpus/$parser" -artifact_prefix="fuzz/artifacts/$parser/" \
        -max_total_time="${SECONDS_EACH:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        > "fuzz/artifacts/$parser/log" 2>&1 || { tail -n 40 "fuzz/artifacts/$parser/log"; exit 1; }
    sed -n 's/^stat::number_of_executed_units: */  runs: /p; s/^stat::peak_rss_mb: */  memory, MB: /p' "fuzz/artifacts/$parser/log"
done
