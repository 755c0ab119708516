#!/usr/bin/env python3
"""scaling.py: draws the curves of docs/scaling.md and fills in its tables, from results.

--simulated is what `dfsim run --json Benchmarks/scenarios/*.yml` prints, --measured what Benchmarks/swarm.py writes with
--json; each replaces its own figures and its own table. Exits 2, and changes nothing, if the results are not all there."""
import argparse
import datetime
import json
import math
import os
import platform
import re
import sys

from plot import COLOURS, Plot, even_ticks

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIMULATED = ("name limits peers pieces unfinished lastSeconds boundSeconds ratio meanSeconds p50Seconds p99Seconds p999Seconds "
             "maxSeconds ownRatio fullRateRatio originCopies supernodeCopies crossCopies fairness coreUse lockUse "
             "decisionsPerSecond").split()
# What each way on real hosts tells besides its time, and how it is called.
MEASURED = {"darter": "bytes goodput bound ratio predicted misprediction origin supernode copies".split(),
            "curl": ["bound", "ratio"], "bittorrent": ["bound", "ratio"],
            "faults": ["undisturbed", "origin", "supernode", "copies"]}
NAMES = {"darter": "Darter", "curl": "curl from the origin", "bittorrent": "BitTorrent", "faults": "Darter, with faults"}


class Problem(Exception):
    """The results, or the document, are not what they should be."""


def read(path, parse, fields):
    """The results of a file; `fields` says which ones a result must have."""
    with open(path, encoding="utf-8") as text:
        try:
            rows = parse(text.read())
        except ValueError as error:
            raise Problem(f"{path}: {error}") from error
    if not rows:
        raise Problem(f"{path}: no results")
    for number, row in enumerate(rows, 1):
        known = row if isinstance(row, dict) else {}
        missing = [field for field in fields(known) if field not in known]
        if missing:
            name = known.get("name", known.get("what", "?"))
            raise Problem(f"{path}: result {number} ({name}) has no {', '.join(missing)}")
    return rows


def read_simulated(path):
    rows = read(path, lambda text: [json.loads(line) for line in text.splitlines() if line.strip()], lambda row: SIMULATED)
    for row in rows:
        if row["unfinished"]:
            raise Problem(f"{path}: {row['name']}: {row['unfinished']} peers did not finish")
    return rows


def read_measured(path):
    rows = read(path, json.loads, lambda row: ["what", "peers", "seconds", *MEASURED.get(row.get("what"), [])])
    for row in rows:
        if row["what"] not in MEASURED:
            raise Problem(f"{path}: '{row['what']}' is none of {', '.join(MEASURED)}")
    return rows


def least_with_whole_pieces(peers, pieces):
    """Over the bound, where all send as fast as each other (Mundinger, Weber and Weiss, 2008)."""
    return (pieces - 1 + math.ceil(math.log2(peers + 1))) / pieces


def scenario(row):
    return row["name"].partition(" ")[0]


def of_scenario(rows, name):
    found = [row for row in rows if scenario(row) == name]
    if not found:
        raise Problem(f"no results of the scenario '{name}'")
    return found


def limits_of(rows, key):
    """What the scenario says of `key`: each limit, the highest first, with the results that it holds for."""
    values = sorted({row["limits"][key] for row in rows if key in row["limits"]}, reverse=True)
    return {value: [row for row in rows if row["limits"].get(key) == value] for value in values}


def draw_growth(rows):
    rows = of_scenario(rows, "growth")
    limits = limits_of(rows, "ratio")
    plot = Plot("How close a swarm gets to the bound (simulated)",
                "M pieces to N peers; short grey lines: the least that is possible with whole pieces",
                "peers, N", "time of the last peer / bound", [row["peers"] for row in rows],
                even_ticks([*limits, *(row["ratio"] for row in rows)], 1.0))
    for limit, bound in limits.items():
        least = min(row["pieces"] / math.log2(row["peers"]) for row in bound)
        plot.limit(limit, f"limit, M ≥ {math.floor(least)}·log₂ N")
    for row in rows:
        plot.mark(row["peers"], least_with_whole_pieces(row["peers"], row["pieces"]))
    for index, pieces in enumerate(sorted({row["pieces"] for row in rows})):
        points = [(row["peers"], row["ratio"]) for row in rows if row["pieces"] == pieces]
        plot.curve(points, f"{pieces} pieces", COLOURS[index % len(COLOURS)])
    return plot.svg()


def draw_dragonfly(rows):
    rows = of_scenario(rows, "dragonfly")
    limits = {what: value for key, what in (("mean_seconds", "the mean"), ("p99_seconds", "99 %"))
              for value in limits_of(rows, key)}
    keys = {"maxSeconds": "the last peer", "p99Seconds": "99 % of them", "p50Seconds": "half of them", "meanSeconds": "mean"}
    plot = Plot("200 MB at 200 Mb/s each, supernode 2 Gb/s (simulated)", f"{rows[0]['pieces']} pieces", "peers", "seconds",
                [row["peers"] for row in rows], even_ticks([*limits.values(), *(row[key] for row in rows for key in keys)], 7.5), digits=1)
    plot.limit(rows[0]["boundSeconds"], f"bound, {rows[0]['boundSeconds']:.1f} s")
    for what, value in limits.items():
        plot.limit(value, f"limit of {what}, {value:.1f} s")
    for (key, label), colour in zip(keys.items(), COLOURS):
        plot.curve([(row["peers"], row[key]) for row in rows], label, colour)
    return plot.svg()


def draw_hosts(rows):
    curves = {NAMES[what]: [(row["peers"], row["ratio"]) for row in rows if row["what"] == what]
              for what in ("darter", "curl", "bittorrent")}
    darter = [row for row in rows if row["what"] == "darter"]
    if not darter:
        raise Problem("no results of Darter on real hosts")
    curves["Darter, simulated"] = [(row["peers"], row["predicted"] / row["bound"]) for row in darter]
    ratios = [1.25, *(ratio for points in curves.values() for _, ratio in points)]
    steps = [0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300]
    ticks = steps[:1 + next(index for index, step in enumerate(steps) if step >= max(ratios))]
    plot = Plot("Real hosts, each on a link of its own", f"{darter[0]['bytes'] / 2 ** 20:.0f} MiB; curl gets "
                f"{darter[0]['goodput'] * 8e-6:.1f} Mb/s between two of them; logarithmic axes", "hosts that download",
                "time of the last host / bound", [row["peers"] for row in darter], ticks, log=True, digits=1)
    plot.limit(1.25, "limit, 1.25")
    for (label, points), colour in zip(curves.items(), COLOURS):
        if points:
            plot.curve(points, label, colour, dashed=label == "Darter, simulated")
    return plot.svg()


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def simulated_tables(rows, where):
    def cells(row, *values):
        return [scenario(row), f"{row['peers']:,}", row["pieces"], *values]
    times = [cells(row, *(f"{row[key]:.2f}" for key in ("lastSeconds", "boundSeconds")), f"{row['ratio']:.3f}", *(
        f"{row[key]:.2f}" for key in ("meanSeconds", "p50Seconds", "p99Seconds", "p999Seconds", "maxSeconds")),
        f"{row['ownRatio']:.2f}", f"{row['fullRateRatio']:.2f}") for row in rows]
    loads = [cells(row, *(f"{row[key]:.2f}" for key in ("originCopies", "supernodeCopies", "crossCopies", "fairness")), *(
        f"{row[key]:.1%}" for key in ("coreUse", "lockUse")), f"{row['decisionsPerSecond']:,.0f}") for row in rows]
    first = ["scenario", "peers", "pieces"]
    return "\n\n".join([
        f"Simulated {where}. Decisions per second are this machine's; the rest is the same on every machine.",
        table([*first, "T (s)", "bound (s)", "T / bound", "mean (s)", "p50 (s)", "p99 (s)", "p99.9 (s)", "max (s)", "own link",
               "full rate"], times),
        table([*first, "origin / F", "supernode / F", "cross / F", "fairness", "cores", "lock", "decisions/s"], loads)])


def measured_table(rows, where):
    figures = {"seconds": ".2f", "bound": ".2f", "ratio": ".3f", "predicted": ".2f", "misprediction": ".1%", "origin": ".2f",
               "supernode": ".2f", "copies": ".2f"}
    lines = [[NAMES[row["what"]], row["peers"],
              *(f"{row[key]:{how}}" if key in ("seconds", *MEASURED[row["what"]]) else "-" for key, how in figures.items())]
             for row in rows]
    head = ["", "hosts", "T (s)", "bound (s)", "T / bound", "simulated T (s)", "off by", "origin / F", "supernode / F",
            "from peers / F"]
    return "\n\n".join([f"Measured {where}.", table(head, lines), *(
        f"With faults, T is that of the last good host; the last of those that were never cut off had everything after "
        f"{row['undisturbed']:.2f} s." for row in rows if row["what"] == "faults")])


def filled(document, name, text):
    """The document with other text between the two marks."""
    result, count = re.subn(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", lambda match: f"{match[1]}\n{text}\n\n{match[2]}",
                            document, flags=re.DOTALL)
    if count != 1:
        raise Problem(f"the document has {count} places '<!-- table: {name} -->' ... '<!-- end -->', not one")
    return result


def this_machine():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as text:
            model = next((line.split(":", 1)[1].strip() for line in text if line.startswith("model name")), platform.machine())
    except OSError:
        model = platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--simulated", metavar="FILE", help="lines of JSON from `dfsim run --json`")
    parser.add_argument("--measured", metavar="FILE", help="what Benchmarks/swarm.py wrote with --json")
    parser.add_argument("--document", metavar="FILE", default=os.path.join(ROOT, "docs", "scaling.md"))
    parser.add_argument("--figures", metavar="DIRECTORY", default=os.path.join(ROOT, "docs", "figures"))
    parser.add_argument("--machine", default=this_machine(), help="where the results come from (default: this one)")
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=datetime.date.today(), metavar="YYYY-MM-DD",
                        help="when they were got (default: today)")
    options = parser.parse_args()
    if not options.simulated and not options.measured:
        parser.error("neither --simulated nor --measured")
    where = f"on {options.date:%-d %B %Y}, {options.machine}"
    with open(options.document, encoding="utf-8") as text:
        document = text.read()
    figures = {}
    if options.simulated:
        rows = read_simulated(options.simulated)
        document = filled(document, "simulated", simulated_tables(rows, where))
        figures |= {"growth": draw_growth(rows), "dragonfly": draw_dragonfly(rows)}
    if options.measured:
        rows = read_measured(options.measured)
        document = filled(document, "measured", measured_table(rows, where))
        figures["hosts"] = draw_hosts(rows)
    os.makedirs(options.figures, exist_ok=True)
    for path, text in {options.document: document, **{
            os.path.join(options.figures, f"{name}.svg"): svg for name, svg in figures.items()}}.items():
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        print(f"scaling: {os.path.relpath(path)}")


if __name__ == "__main__":
    try:
        main()
    except (Problem, OSError, ValueError) as error:
        print(f"scaling: {error}", file=sys.stderr)
        sys.exit(2)
