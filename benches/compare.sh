#!/bin/sh
# Measures impp-relay and, where they are installed, mosquitto, nats-server, ejabberd and Prosody with the same harness in one run, and
# prints the rows with their ratios, and each target with its own; before that the build has to pass the rows of the grammar, the talks, the
# scenes and the live tests. The servers take loopback ports that the system gives, and end with the script.
#
#   benches/compare.sh                     all rows
#   benches/compare.sh pairs pair          some of them
#   PERCENT=20 benches/compare.sh          with a part of the work
#
# Debian: apt-get install mosquitto nats-server mosquitto-clients ejabberd prosody
set -eu
cd "$(dirname "$0")/.."
ulimit -n "$(ulimit -Hn)"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
cargo bench --quiet --bench load --no-run
# On the very build that is measured: nothing is fast because a check was left out.
cargo test --quiet --profile bench --test wire --test talks --test scenes --test live >&2
cargo bench --quiet --bench load -- --json --percent "${PERCENT:-100}" --peers impp,mosquitto,nats,ejabberd,prosody "$@" >"$results"

date -u '+%Y-%m-%d %H:%M UTC'
sed -n 's/^model name[^:]*: */processor: /p' /proc/cpuinfo | sort | uniq -c
for program in mosquitto nats-server ejabberd prosody; do
    dpkg-query --show "$program" 2>/dev/null || true
done
python3 benches/table.py "$results"
