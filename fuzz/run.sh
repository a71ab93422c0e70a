#!/bin/sh
# Fuzzes on a stable toolchain: fuzz/run.sh [SECONDS [TARGET...]]; a minute each, and all targets, if nothing else is said.
# Builds once; g++ is needed. A crash is left in fuzz/target/artifacts/TARGET/ and ends the script with its status.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- splitter frame values request body pidf content sasl server link client

# With --target, so that build scripts are not traced.
platform=x86_64-unknown-linux-gnu
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Clink-dead-code"
cargo build --release --locked --target "$platform"
built=target/$platform/release

"$built/seeds" target/corpus
for name in "$@"; do
    mkdir -p "target/corpus/$name" "target/artifacts/$name"
    "$built/$name" "target/corpus/$name" -dict=dictionary -artifact_prefix="target/artifacts/$name/" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1
done
