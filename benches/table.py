"""What benches/load measured, as a table for people, and each target with its ratio. Reads the lines that `load --json` writes."""

import json
import sys

rows = [json.loads(line) for line in open(sys.argv[1])]
found = {(row["row"], row["size"], row["tls"], row["server"]): row for row in rows}
OURS = "impp-relay"


def get(row, field, server=OURS, tls=False, size=None):
    there = found.get((row, size, tls, server))
    return there and there[field]


def shown(value, by=1):
    return "-" if value is None else f"{value / by:.1f}"


def beside(row):
    """The ratio to ours, or of ours to the smaller size before."""
    field = "octets_per_connection" if row["octets_per_connection"] is not None else "cpu_us"
    note = " (memory)" if field == "octets_per_connection" else ""
    if row["size"]:
        sizes = sorted(other["size"] for other in rows if other["row"] == row["row"] and other["size"] < row["size"])
        before = get(row["row"], field, size=sizes[-1]) if sizes else None
        return f"{row[field] / before:.2f} of the size before" if before else ""
    ours = get(row["row"], field, tls=row["tls"])
    return "" if row["server"] == OURS or not ours or not row[field] else f"{ours / row[field]:.2f}{note}"


print(f"{'row':<29}{'tls':<5}{'server':<12}{'ops/s':>9}{'us CPU/op':>11}{'p50 us':>10}{'p99 us':>10}{'KiB/conn':>10}{'RSS MiB':>9}  CPU, ours to theirs")
for row in rows:
    name = row["row"] + (f" {row['size']}" if row["size"] else "")
    idle = row["octets_per_connection"] is not None
    print(f"{name:<29}{'yes' if row['tls'] else 'no':<5}{row['server']:<12}"
          f"{'-' if idle else format(row['per_second'], '.0f'):>9}{shown(row['cpu_us']):>11}{shown(row['p50_us']):>10}{shown(row['p99_us']):>10}"
          f"{shown(row['octets_per_connection'], 1024):>10}{shown(row['resident_octets'], 2**20):>9}  {beside(row)}".rstrip())

print("\n| target | ours | beside | ratio, at most | |\n| --- | --- | --- | --- | --- |")


def target(what, ours, theirs, most, unit=1, of=""):
    if not ours or not theirs:
        return
    ratio = ours / theirs
    met = "met" if ratio <= most else "not met"
    print(f"| {what} | {ours / unit:.1f}{of} | {theirs / unit:.1f}{of} | {ratio:.3g}, {most:.2g} | {met} |")


def peers(what, row, field, peer, most, unit=1, of=""):
    for tls in (False, True):
        label = f"{what}{', TLS' if tls else ''}: {peer}"
        limit = most[tls] if isinstance(most, tuple) else most
        target(label, get(row, field, tls=tls), get(row, field, peer, tls), limit, unit, of)


def both(what, row, field, limits, unit=1, of=""):
    for tls in (False, True):
        target(f"{what}{', TLS' if tls else ''}", get(row, field, tls=tls), limits[tls] * unit, 1, unit, of)


peers("acknowledged delivery, CPU", "pairs", "cpu_us", "mosquitto", (0.3, 0.4), 1, " us")
peers("acknowledged delivery, CPU", "pairs", "cpu_us", "nats", 1, 1, " us")
peers("acknowledged delivery, CPU", "pairs", "cpu_us", "ejabberd", 1 / 30, 1, " us")
peers("acknowledged delivery, CPU", "pairs", "cpu_us", "prosody", 1 / 50, 1, " us")
peers("latency without load, p50", "pair", "p50_us", "mosquitto", 1, 1, " us")
for over in (False, True):
    target(f"p99 beside p50{', TLS' if over else ''}", get("pair", "p99_us", tls=over), get("pair", "p50_us", tls=over), 2, 1, " us")
for name in ("mosquitto", "nats", "ejabberd", "prosody"):
    peers("one to 1000, CPU", "fan-out", "cpu_us", name, 1, 1, " us")
both("the last of 1000", "fan-out", "p50_us", (10, 10), 1000, " ms")
both("idle connection", "idle", "octets_per_connection", (2, 10), 1024, " KiB")
target("at rest", get("idle", "resident_octets"), 9 * 2**20, 1, 2**20, " MiB")
target("start, p50: mosquitto", get("start", "p50_us"), get("start", "p50_us", "mosquitto"), 1, 1000, " ms")
stored = get("stored", "per_second"), get("stored", "per_second", tls=True)
for over, rate in enumerate(stored):
    if rate:
        print(f"| stored and synced before the answer{', TLS' if over else ''} | {rate:.0f} a second | 50000 a second | {rate / 50000:.3g}, at least 1 | {'met' if rate >= 50000 else 'not met'} |")
for what, field in (("wall time, p50", "p50_us"), ("CPU of the client", "cpu_us")):
    for row, how in (("one-shot", ""), ("one-shot-delayed", " with Nagle's delay")):
        theirs = get(row, field, "mosquitto", True)
        target(f"one-shot over TLS, {what}: mosquitto_pub{how}", get("one-shot", field, tls=True), theirs, 1, 1000, " ms")
sizes = {row["row"]: sorted(other["size"] for other in rows if other["row"] == row["row"]) for row in rows if row["size"]}
for name, grown in sizes.items():
    for before, after in zip(grown, grown[1:]):
        target(f"{name}, {before} to {after}, CPU", get(name, "cpu_us", size=after), get(name, "cpu_us", size=before), 1.3, 1, " us")

harder, usual = get("one-shot-harder", "cpu_us", tls=True), get("one-shot", "cpu_us", tls=True)
if harder and usual:
    # Ten times the rounds, and all else equal: the difference is nine times what the usual rounds cost.
    print(f"\nSCRAM's key derivation, 10000 rounds: {(harder - usual) / 9000:.2f} ms of the one-shot's {usual / 1000:.2f} ms CPU time")
