#!/usr/bin/env python3
"""bench.py: speed and memory of the release binaries against the best there is, in the same run on the same machine.

Every line is a ratio of medians; the sides take turns. Prints a table, and exits 1 if a limit does not hold, 2 if something
did not work at all. What each line compares is said in downloads.py and proxy.py; --only chooses sections or lines.
Pulling an image starts a containerd, which needs root. Needs about 18 GiB below --dir with the default sizes."""
import argparse
import datetime
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

from downloads import Downloads
from processes import BenchError
from proxy import Proxy
from workbench import GIB, MIB, ROOT, Workbench

SECTIONS = {"dfget": Downloads, "dfdaemon": Proxy}
LINES = {line: section for section in SECTIONS.values() for line in section.LINES}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}; {date}; commit {commit or '-'}"


def print_table(bench):
    lines = [("work", "limit", "measured", "")]
    verdicts = {True: "pass", False: "FAIL", None: ""}
    lines += [(work, limit, measured, verdicts[holds]) for work, limit, measured, holds in bench.rows]
    lines += [(f"CPU seconds per GiB: {name}", "", f"{statistics.median(values):.2f}", "")
              for name, values in bench.cpu.items()]
    lines += [(f"peak memory, {options.size} MiB file: {name}", "", f"{peak / MIB:.0f} MiB", "")
              for name, peak in bench.peaks.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    lines.insert(1, tuple("-" * max(3, width) for width in widths))
    print(f"\n{machine()}\n{options.size} MiB, medians of {options.rounds}, sides alternating, on {options.dir}\n")
    for line in lines:
        print("| " + " | ".join(text.ljust(max(3, width)) for text, width in zip(line, widths)) + " |")


def chosen():
    """The lines to measure, in their own order."""
    names = set(options.only or SECTIONS)
    for section in names & set(SECTIONS):
        names |= set(SECTIONS[section].LINES)
    return [line for line in LINES if line in names]


def main():
    lines = chosen()
    for name in ("supernode", "dfdaemon", "dfget"):
        if not os.access(os.path.join(options.bin, name), os.X_OK):
            raise BenchError(f"{name} is not built in {options.bin}: run make build")
    # At the most at once: what is served, the registry's blob, and three copies of the big file.
    needed = (4 * options.big * GIB if "memory" in lines else 4 * GIB) + 10 * options.size * MIB
    if shutil.disk_usage(options.dir).free < needed:
        raise BenchError(f"{options.dir} has less than {needed / GIB:.0f} GiB free (--dir, --size and --big change that)")
    with tempfile.TemporaryDirectory(prefix="darter-bench.", dir=options.dir) as work:
        bench = Workbench(work, options)
        try:
            bench.prepare()
            for line in lines:
                getattr(LINES[line](bench), line)()
        finally:
            bench.stop()
    print_table(bench)
    return 1 if any(holds is False for *_, holds in bench.rows) else 0


def interrupted(*_):
    raise BenchError("interrupted")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"), help="where the executables are")
parser.add_argument("--dir", default=tempfile.gettempdir(), help="where files and caches go")
parser.add_argument("--size", type=int, default=512, help="the file's size in MiB")
parser.add_argument("--big", type=int, default=4, help="the size in GiB of the file that memory is measured with")
parser.add_argument("--rounds", type=int, default=5, help="measurements of each side")
parser.add_argument("--only", nargs="+", choices=(*SECTIONS, *LINES), metavar="NAME",
                    help=f"sections ({', '.join(SECTIONS)}) or lines ({', '.join(LINES)})")
options = parser.parse_args()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, interrupted)
try:
    sys.exit(main())
except (BenchError, subprocess.CalledProcessError) as error:
    print(f"bench: {error}", file=sys.stderr)
    sys.exit(2)
