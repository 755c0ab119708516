#!/usr/bin/env python3
"""bench.py: speed and memory of the release binaries against the best there is, in the same run on the same machine.

Every line is a ratio of medians; the two sides take turns. The floor of a cold download is its unavoidable work done
bare: two copies over HTTP and three SHA-256, started together. Prints a table, and exits 1 if a limit does not hold,
2 if something did not work at all. Needs about 18 GiB below --dir with the default sizes."""
import argparse
import datetime
import hashlib
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import processes
from processes import BenchError, Server, run_together

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RIG = os.path.join(ROOT, "scripts", "rig")
MIB, GIB = 1 << 20, 1 << 30
MEMORY_LIMIT = 100 * MIB


# How our executables are configured and called: all that this script knows of them.

def supernode_config(home):
    return f"""
api: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"}}
home: {home}
origin: {{allow_addresses: [127.0.0.0/8]}}
"""


def dfdaemon_config(home, supernode, registry):
    return f"""
proxy: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"}}
health: {{address: "127.0.0.1:0"}}
home: {home}
supernodes: ["{supernode}"]
origin: {{allow_addresses: [127.0.0.0/8]}}
registry_mirror: {{remote: "{registry}"}}
"""


def dfget_command(home, supernode, url, output):
    """A dfget by itself: through the supernode, never to the origin, no seeding afterwards."""
    return [binary("dfget"), "--home", home, "-n", supernode, "--notbs", "--alivetime", "0s", "-u", url, "-o", output]


def dfget_through_daemon(home, url, output):
    return [binary("dfget"), "--home", home, "--notbs", "-u", url, "-o", output]


def binary(name):
    return os.path.join(options.bin, name)


class Bench:
    def __init__(self, work):
        self.work = work
        self.rows = []
        self.cpu = {}
        self.peaks = {}
        self.serial = 0
        self.log = self.path("commands.log")
        self.files = self.path("files")
        self.out = self.path("out")
        os.makedirs(self.files)
        os.makedirs(self.out)
        os.chmod(work, 0o755)  # nginx's worker reads below it

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    # The servers that are compared with, and what they serve.

    def prepare(self):
        size = options.size * MIB
        with open(self.path("files", "file"), "wb") as file:
            for _ in range(options.size):
                file.write(os.urandom(MIB))
        self.digest = sha256(self.path("files", "file"))
        with open(self.path("files", "byte"), "wb") as file:
            file.write(b"x")
        with open(self.path("files", "big"), "wb") as big:
            for start in range(0, options.big * GIB, size):
                with open(self.path("files", "file"), "rb") as file:
                    shutil.copyfileobj(file, big, MIB)
                big.truncate(min(start + size, options.big * GIB))
        self.origin = self.rig("start-nginx.sh", self.path("nginx"), self.files)
        self.registry = self.rig("start-registry.sh", "none", self.path("registry"))
        self.push_blob()

    def rig(self, script, *arguments):
        result = subprocess.run([os.path.join(RIG, script), *arguments], stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode != 0:
            raise BenchError(f"{script} failed")
        return result.stdout.split()[-1]

    def push_blob(self):
        """Distribution spec, "Pushing blobs": a POST for the place, then one PUT of the whole."""
        head = subprocess.run(["curl", "-sSf", "-X", "POST", "-o", os.devnull, "-D", "-", "--noproxy", "*",
                               f"{self.registry}/v2/bench/blob/blobs/uploads/"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        place = next(line.split(": ", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("location"))
        joint = "&" if "?" in place else "?"
        subprocess.run(["curl", "-sSf", "-o", os.devnull, "--noproxy", "*", "-T", self.path("files", "file"),
                        "-H", "Content-Type: application/octet-stream", f"{place}{joint}digest=sha256:{self.digest}"],
                       check=True)

    # Our servers.

    def start(self, name, directory, config):
        os.makedirs(self.path(directory))
        file = self.path(directory, "config.yml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(config)
        return Server([binary(name), "--config", file], name, self.path(directory, "log"))

    def fresh(self, name):
        """A directory name that was never used, and so an empty cache."""
        self.serial += 1
        return f"{name}{self.serial}"

    def supernode(self):
        directory = self.fresh("supernode")
        return self.start("supernode", directory, supernode_config(self.path(directory, "home")))

    def dfdaemon(self, supernode):
        directory = self.fresh("dfdaemon")
        home = self.path(directory, "home")
        server = self.start("dfdaemon", directory, dfdaemon_config(home, supernode.fields["api"], self.registry))
        server.home = home
        return server

    # The two sides.

    def curl(self, url, output):
        return ["curl", "-sSf", "--noproxy", "*", "-o", output, url]

    def url(self, name):
        """A URL that nobody has asked for: another task of the same bytes."""
        self.serial += 1
        return f"{self.origin}/{name}?{self.serial}"

    def dfget(self, supernode, url, output):
        return dfget_command(self.path(self.fresh("dfget")), supernode.fields["api"], url, output)

    def output(self):
        self.serial += 1
        return os.path.join(self.out, str(self.serial))

    def measure(self, commands, outputs=(), digest=None):
        """Runs commands together with a quiet disk; outputs must have the digest, and are removed."""
        os.sync()
        seconds, finished = run_together(commands, self.log)
        for output in outputs:
            if digest and sha256(output) != digest:
                raise BenchError(f"{commands[0][0]} wrote something else than it was asked for")
            os.remove(output)
        return seconds, finished

    def remember(self, name, bytes_moved, cpu_seconds, peak_bytes):
        self.cpu.setdefault(name, []).append(cpu_seconds * GIB / bytes_moved)
        self.peaks[name] = max(self.peaks.get(name, 0), peak_bytes)

    def alternate(self, reference, ours):
        """Medians of both sides' seconds; each takes the first turn in every second round."""
        seconds = ([], [])
        for number in range(options.rounds):
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                seconds[side].append((reference, ours)[side]())
        return statistics.median(seconds[0]), statistics.median(seconds[1])

    def curls(self, count):
        outputs = [self.output() for _ in range(count)]
        return self.measure([self.curl(self.url("file"), output) for output in outputs], outputs)[0]

    # The table's lines.

    def cold(self):
        size = options.size * MIB

        def floor():
            outputs = [self.output(), self.output()]
            hashing = ["openssl", "dgst", "-sha256", self.path("files", "file")]
            return self.measure([self.curl(self.url("file"), o) for o in outputs] + [hashing] * 3, outputs)[0]

        def ours():
            supernode = self.supernode()
            before = supernode.cpu_seconds
            output = self.output()
            seconds, finished = self.measure([self.dfget(supernode, self.url("file"), output)], [output], self.digest)
            self.remember("supernode, cold", size, supernode.cpu_seconds - before, supernode.peak_bytes)
            self.remember("dfget, cold", size, finished[0].cpu_seconds, finished[0].peak_bytes)
            self.end(supernode)
            return seconds

        self.ratio("dfget through supernode, cold", "floor", "≤", 1.3, *self.alternate(floor, ours))

    def warm(self):
        supernode = self.supernode()
        url = self.url("file")

        def ours():
            before = supernode.cpu_seconds
            output = self.output()
            seconds, finished = self.measure([self.dfget(supernode, url, output)], [output], self.digest)
            self.remember("supernode, warm", options.size * MIB, supernode.cpu_seconds - before, supernode.peak_bytes)
            self.remember("dfget, warm", options.size * MIB, finished[0].cpu_seconds, finished[0].peak_bytes)
            return seconds

        output = self.output()
        self.measure([self.dfget(supernode, url, output)], [output], self.digest)
        self.ratio("dfget, warm in the supernode", "curl", "≤", 1.3, *self.alternate(lambda: self.curls(1), ours))
        self.end(supernode)

    def four(self):
        def ours():
            supernode = self.supernode()
            url = self.url("file")
            outputs = [self.output() for _ in range(4)]
            seconds, _ = self.measure([self.dfget(supernode, url, o) for o in outputs], outputs, self.digest)
            self.end(supernode)
            return seconds

        self.ratio("four cold dfgets at once", "four curls", "≤", 2.5, *self.alternate(lambda: self.curls(4), ours))

    def blob(self):
        size = options.size * MIB
        supernode = self.supernode()
        dfdaemon = self.dfdaemon(supernode)
        url = f"http://{dfdaemon.fields['proxy']}/v2/bench/blob/blobs/sha256:{self.digest}"
        before = dfdaemon.cpu_seconds
        output = self.output()
        self.measure([self.curl(url, output)], [output], self.digest)
        self.remember("dfdaemon, cold blob", size, dfdaemon.cpu_seconds - before, dfdaemon.peak_bytes)

        def nginx():
            return self.measure([self.curl(f"{self.origin}/file", os.devnull)])[0]

        def ours():
            started = dfdaemon.cpu_seconds
            seconds = self.measure([self.curl(url, os.devnull)])[0]
            self.remember("dfdaemon, warm blob", size, dfdaemon.cpu_seconds - started, dfdaemon.peak_bytes)
            return seconds

        reference, measured = self.alternate(nginx, ours)
        rate = [f"{size / MIB / seconds:.0f} MiB/s" for seconds in (reference, measured)]
        self.row("warm blob through dfdaemon", "≥ 0.8 × nginx", f"{reference / measured:.2f} × ({rate[1]} to {rate[0]})",
                 reference / measured >= 0.8)
        self.end(dfdaemon)
        self.end(supernode)

    def byte(self):
        supernode = self.supernode()

        def curl():
            output = self.output()
            return self.measure([self.curl(self.url("byte"), output)], [output])[0]

        def ours():
            output = self.output()
            return self.measure([self.dfget(supernode, self.url("byte"), output)], [output])[0]

        reference, measured = self.alternate(curl, ours)
        more = (measured - reference) * 1000
        self.row("1-byte file through supernode", "≤ curl + 50 ms", f"{more:.0f} ms more ({measured * 1000:.0f} to "
                 f"{reference * 1000:.0f})", more <= 50)
        self.end(supernode)

    def memory(self):
        digest = sha256(self.path("files", "big"))
        supernode = self.supernode()
        dfdaemon = self.dfdaemon(supernode)
        peaks = {}
        url = self.url("big")
        output = self.output()
        _, finished = self.measure([self.dfget(supernode, url, output)], [output], digest)
        peaks["dfget by itself"] = finished[0].peak_bytes
        servers = {supernode.process.pid, dfdaemon.process.pid}
        for pid in processes.marked_processes():
            with open(f"/proc/{pid}/comm", encoding="utf-8") as name:
                if pid not in servers and name.read().strip() == "dfget":
                    peaks["dfget server"] = processes.peak_of(pid)
        output = self.output()
        _, finished = self.measure([dfget_through_daemon(dfdaemon.home, url, output)], [output], digest)
        peaks["dfget through dfdaemon"] = finished[0].peak_bytes
        peaks["dfdaemon"], peaks["supernode"] = dfdaemon.peak_bytes, supernode.peak_bytes
        self.end(dfdaemon)
        self.end(supernode)
        for name, peak in peaks.items():
            self.row(f"peak memory, {options.big} GiB file: {name}", "≤ 100 MiB", f"{peak / MIB:.0f} MiB",
                     peak <= MEMORY_LIMIT)

    def end(self, server):
        server.stop()
        shutil.rmtree(os.path.dirname(os.path.dirname(server.log)))

    def ratio(self, work, reference_name, sign, limit, reference, measured):
        ratio = measured / reference
        self.row(work, f"{sign} {limit} × {reference_name}", f"{ratio:.2f} × ({measured:.2f} s to {reference:.2f} s)",
                 ratio <= limit)

    def row(self, work, limit, measured, holds):
        self.rows.append((work, limit, measured, holds))
        print(f"bench: {work}: {measured}", file=sys.stderr)

    def stop(self):
        processes.stop_leftovers()
        for directory in ("nginx", "registry"):
            if os.path.isdir(self.path(directory)):
                subprocess.run([os.path.join(RIG, "stop.sh"), self.path(directory)], check=False)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(MIB):
            digest.update(data)
    return digest.hexdigest()


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
    lines += [(work, limit, measured, "pass" if holds else "FAIL") for work, limit, measured, holds in bench.rows]
    lines += [(f"CPU seconds per GiB: {name}", "", f"{statistics.median(values):.2f}", "")
              for name, values in bench.cpu.items()]
    lines += [(f"peak memory, {options.size} MiB file: {name}", "", f"{peak / MIB:.0f} MiB", "")
              for name, peak in bench.peaks.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    lines.insert(1, tuple("-" * max(3, width) for width in widths))
    print(f"\n{machine()}\n{options.size} MiB, medians of {options.rounds}, sides alternating, on {options.dir}\n")
    for line in lines:
        print("| " + " | ".join(text.ljust(max(3, width)) for text, width in zip(line, widths)) + " |")


def main():
    for name in ("supernode", "dfdaemon", "dfget"):
        if not os.access(binary(name), os.X_OK):
            raise BenchError(f"{binary(name)} is not built: run make build")
    # At the most at once: what is served, the registry's blob, and three copies of the big file.
    needed = 4 * options.big * GIB + 10 * options.size * MIB
    if shutil.disk_usage(options.dir).free < needed:
        raise BenchError(f"{options.dir} has less than {needed / GIB:.0f} GiB free (--dir, --size and --big change that)")
    with tempfile.TemporaryDirectory(prefix="darter-bench.", dir=options.dir) as work:
        bench = Bench(work)
        try:
            bench.prepare()
            for name in options.only or ("cold", "warm", "four", "blob", "byte", "memory"):
                getattr(bench, name)()
        finally:
            bench.stop()
    print_table(bench)
    return 0 if all(holds for *_, holds in bench.rows) else 1


def interrupted(*_):
    raise BenchError("interrupted")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"), help="where the executables are")
parser.add_argument("--dir", default=tempfile.gettempdir(), help="where files and caches go")
parser.add_argument("--size", type=int, default=512, help="the file's size in MiB")
parser.add_argument("--big", type=int, default=4, help="the size in GiB of the file that memory is measured with")
parser.add_argument("--rounds", type=int, default=5, help="measurements of each side")
parser.add_argument("--only", nargs="+", choices=("cold", "warm", "four", "blob", "byte", "memory"))
options = parser.parse_args()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, interrupted)
try:
    sys.exit(main())
except (BenchError, subprocess.CalledProcessError) as error:
    print(f"bench: {error}", file=sys.stderr)
    sys.exit(2)
