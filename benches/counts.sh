#!/usr/bin/env bash
# Counts the instructions of the relay's hot paths with callgrind and compares them with benches/counts.txt.
#
#   benches/counts.sh                      all cases; 1 if one of them costs more than it did
#   benches/counts.sh message fetch        some of them
#   benches/counts.sh --write              writes the table anew: after a change that is meant, or a new compiler
#   benches/counts.sh --profile message    where the instructions of one case go; more options are callgrind_annotate's
#
# Debian: apt-get install valgrind
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
table=benches/counts.txt
# Two runs of one build differ by a five-thousandth at most (the maps' seeds); what is inlined changes a little with any change of the
# sources, and more with another compiler.
tolerance=2 other_compiler=15

if [ "$(uname -sm)" != "Linux x86_64" ] || ! command -v valgrind >/dev/null; then
    echo "counts: skipped: this needs valgrind, and the table is of Linux on x86_64"
    exit 0
fi

target=${CARGO_TARGET_DIR:-target}/micro
cargo build --quiet --release --locked --manifest-path benches/micro/Cargo.toml --target-dir "$target" --bin counts
program=$target/release/counts
compiler=$(rustc --version)

count() { # CASE FILE
    valgrind --tool=callgrind --collect-atstart=no --toggle-collect='counts::counted' --callgrind-out-file="$2" \
        "$program" "$1" 2>&1 | sed -n 's/.*Collected : *\([0-9]*\).*/\1/p'
}

if [ "${1-}" = --profile ]; then
    profile=$(mktemp)
    trap 'rm -f "$profile"' EXIT
    [ "$(count "$2" "$profile")" ] || exit 70
    shift 2
    callgrind_annotate --auto=no "$@" "$profile"
    exit
fi
write=
if [ "${1-}" = --write ]; then
    write=yes
    shift
    [ $# = 0 ] || { echo "counts: --write counts all cases" >&2; exit 64; }
fi

counted=$(mktemp)
trap 'rm -f "$counted"' EXIT
"$program" | while IFS=$'\t' read -r name operations what; do
    [ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
    all=$(count "$name" /dev/null)
    [ "$all" ] || { echo "counts: $name does not run: $program $name" >&2; exit 70; }
    printf '%s\t%s\t%s\n' "$name" "$((all / operations))" "$what"
done >"$counted"

if [ "$write" ]; then
    {
        echo "# Instructions that each case of benches/micro takes, for one of:"
        echo "# written by benches/counts.sh --write with $compiler"
        awk -F '\t' '{ printf "%-16s %8d  %s\n", $1, $2, $3 }' "$counted"
    } >"$table"
    cat "$table"
    exit
fi

written=$(sed -n 's/^# written by .* with //p' "$table")
if [ "$written" != "$compiler" ]; then
    tolerance=$other_compiler
    echo "counts: the table is of $written, this is $compiler: $tolerance % are let pass; benches/counts.sh --write"
fi
awk -F '\t' -v tolerance="$tolerance" '
    NR == FNR { if ($0 !~ /^#/) { split($0, word, " "); known[word[1]] = word[2] } next }
    {
        if (!($1 in known)) { printf "%-16s %8d  is not in the table: benches/counts.sh --write\n", $1, $2; bad = 1; next }
        change = ($2 - known[$1]) * 100 / known[$1]
        note = ""
        if (change > tolerance) { note = "  MORE than " tolerance " %"; bad = 1 }
        if (change < -tolerance) note = "  less: benches/counts.sh --write keeps it so"
        printf "%-16s %8d, was %8d  %+6.1f %%%s\n", $1, $2, known[$1], change, note
    }
    END {
        if (bad) print "counts: where this is meant, write the table anew and say why in the commit: benches/counts.sh --write"
        exit bad
    }' "$table" "$counted"
