#!/bin/sh
# Measures impp-relay and, where they are installed, mosquitto, nats-server, ejabberd and Prosody with the same harness in one run, and
# prints the rows with their ratios. The servers take loopback ports that the system gives, and end with the script.
#
#   benches/compare.sh                     all rows
#   benches/compare.sh pairs pair          some of them
#   PERCENT=20 benches/compare.sh          with a part of the work
#
# Debian: apt-get install mosquitto nats-server ejabberd prosody
set -eu
cd "$(dirname "$0")/.."
ulimit -n "$(ulimit -Hn)"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
cargo bench --quiet --bench load --no-run
cargo bench --quiet --bench load -- --json --percent "${PERCENT:-100}" --peers impp,mosquitto,nats,ejabberd,prosody "$@" >"$results"

date -u '+%Y-%m-%d %H:%M UTC'
sed -n 's/^model name[^:]*: */processor: /p' /proc/cpuinfo | sort | uniq -c
for program in mosquitto nats-server ejabberd prosody; do
    dpkg-query --show "$program" 2>/dev/null || true
done
python3 - "$results" <<'PYTHON'
import json, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
shown = lambda value, by=1: "-" if value is None else f"{value / by:.1f}"
print(f"{'row':<13}{'tls':<5}{'server':<12}{'ops/s':>9}{'us CPU/op':>11}{'p50 us':>10}{'p99 us':>10}{'KiB/conn':>10}{'RSS MiB':>9}  CPU, ours to theirs")
ours = {(row["row"], row["tls"]): row for row in rows if row["server"] == "impp-relay"}
for row in rows:
    mine = ours.get((row["row"], row["tls"]))
    idle = row["octets_per_connection"] is not None
    what = "octets_per_connection" if idle else "cpu_us"
    ratio = "" if row is mine or not mine or not row[what] else f"{mine[what] / row[what]:.2f}" + (" (memory)" if idle else "")
    print(f"{row['row']:<13}{'yes' if row['tls'] else 'no':<5}{row['server']:<12}"
          f"{'-' if idle else format(row['per_second'], '.0f'):>9}{shown(row['cpu_us']):>11}{shown(row['p50_us']):>10}{shown(row['p99_us']):>10}"
          f"{shown(row['octets_per_connection'], 1024):>10}{shown(row['resident_octets'], 2**20):>9}  {ratio}")
PYTHON
