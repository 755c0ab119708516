#!/usr/bin/env python3
"""limits.py: whether limits on rates are kept exactly: wanted and measured, for every way that content takes.

Each rate is measured between two sizes of content, so that neither the start nor what an idle limiter has saved up
counts: (large - small) / (seconds of large - seconds of small), each the fastest of some, as a busy machine only slows
down. Rates of more than half of what the machine does without a limit are left out. Two tasks at one node are started
together and have to get equal parts. Prints a table, and exits 1 if a rate is off by more than 5 % or a part by more than
10 %, 2 if something did not work at all."""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile

import processes
from processes import BenchError, Server

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RIG = os.path.join(ROOT, "scripts", "rig")
KB, MB = 10**3, 10**6
RATES = (100 * KB, MB, 10 * MB, 100 * MB, 500 * MB)
# Seconds that the small and the large content take.
SMALL, LARGE = 1, 5
TOLERANCE, UNFAIRNESS = 0.05, 0.10


def text(rate):
    return f"{rate / MB:g} MB/s" if rate >= MB else f"{rate / KB:g} KB/s"


class Limits:
    def __init__(self, work):
        self.work, self.rows, self.serial = work, [], 0
        self.root = os.path.join(work, "root")
        os.makedirs(self.root)
        os.chmod(work, 0o755)  # nginx's worker reads below it
        self.origin = self.rig("start-nginx.sh", os.path.join(work, "nginx"), self.root).split()[-1]
        self.tls = os.path.join(work, "tls")
        self.rig("make-ca.sh", self.tls)

    def rig(self, script, *arguments):
        result = subprocess.run([os.path.join(RIG, script), *arguments], stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode != 0:
            raise BenchError(f"{script} failed")
        return result.stdout

    def directory(self, name):
        self.serial += 1
        path = os.path.join(self.work, f"{name}{self.serial}")
        os.makedirs(path)
        return path

    def content(self, size):
        """The name of a file of zeros with its size in front, so that no two are the same."""
        name = str(size)
        path = os.path.join(self.root, name)
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(name.encode())
                file.truncate(size)
        return name

    def url(self, name):
        """Another task each time."""
        self.serial += 1
        return f"{self.origin}/{name}?{self.serial}"

    # Our processes.

    def server(self, name, config):
        directory = self.directory(name)
        path = os.path.join(directory, "config.yml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"home: {directory}/home\n"
                      f"origin: {{allow_addresses: [127.0.0.0/8], host_limit: {{rate: {self.host_limit}}}}}\n{config}")
        server = Server([os.path.join(options.bin, name), "--config", path], name, directory)
        server.home = os.path.join(directory, "home")
        return server

    host_limit = "unlimited"

    def supernode(self, limits="", tls=False):
        pair = f", tls: {{certificate: {self.tls}/server.crt, key: {self.tls}/server.key}}" if tls else ""
        return self.server("supernode", f"""
api: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"{pair}}}
{limits}
""")

    def dfdaemon(self, limits="", supernode=None):
        return self.server("dfdaemon", f"""
proxy: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"}}
health: {{address: "127.0.0.1:0"}}
supernodes: [{f'"{supernode.fields["api"]}"' if supernode else ''}]
{limits}
""")

    def start(self, *words):
        output = os.path.join(self.work, f"output{self.serial}")
        self.serial += 1
        home = [] if "--home" in words else ["--home", os.path.join(self.work, "none")]
        command = [os.path.join(options.bin, "dfget"), *home, "--alivetime", "0s", "--json", "-o", output, *words]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=processes.ENVIRONMENT)
        return process, output

    def seconds(self, started, size):
        process, output = started
        out, err = process.communicate()
        if process.returncode != 0:
            raise BenchError(f"{' '.join(process.args)} ended with {process.returncode}: {err.strip()[-400:]}")
        if os.path.getsize(output) != size:
            raise BenchError(f"{output} has another length than {size}")
        os.remove(output)
        return json.loads(out)["seconds"]

    def dfget(self, size, *words):
        return self.seconds(self.start(*words), size)

    def put(self, supernode, size):
        """Content that the supernode has already, by its digest."""
        path = os.path.join(self.root, self.content(size))
        result = subprocess.run([os.path.join(options.bin, "dfget"), "put", path, "-n", supernode.fields["api"]],
                                stdout=subprocess.PIPE, text=True, check=True, env=processes.ENVIRONMENT)
        return result.stdout.split()[-1]

    # The ways. Each returns a function from a size to seconds, under a rate (None: no limit), and who is to be stopped.

    @staticmethod
    def flag(rate):
        return ["-s", str(rate)] if rate else []

    @staticmethod
    def key(key, rate):
        return f"limits: {{{key}: {rate or 'unlimited'}}}"

    def from_origin(self, rate):
        return lambda size: self.dfget(size, *self.flag(rate), "-u", self.url(self.content(size))), []

    def from_supernode(self, rate, limits="", tls=False, flags=()):
        supernode = self.supernode(limits, tls)
        config = []
        if tls:
            path = os.path.join(self.directory("config"), "dfget.yml")
            with open(path, "w", encoding="utf-8") as out:
                out.write(f"supernode_ca_file: {self.tls}/ca.crt\n")
            config = ["--config", path]
        held = {}

        def run(size):
            if size not in held:
                held[size] = self.put(supernode, size)
            return self.dfget(size, *config, "-n", supernode.fields["api"], *flags, "--digest", held[size])
        return run, [supernode]

    def download(self, rate):
        return self.from_supernode(rate, flags=self.flag(rate))

    def upload(self, rate):
        return self.from_supernode(rate, self.key("upload", rate))

    def upload_tls(self, rate):
        return self.from_supernode(rate, self.key("upload", rate), tls=True)

    def upload_task(self, rate):
        return self.from_supernode(rate, self.key("task", f"{{upload: {rate}}}" if rate else "{}"))

    def through_supernode(self, limits):
        supernode = self.supernode(limits)
        return lambda size: self.dfget(size, "-n", supernode.fields["api"], "--notbs", "-u",
                                       self.url(self.content(size))), [supernode]

    def supernode_origin(self, rate):
        return self.through_supernode(self.key("origin", rate))

    def supernode_host(self, rate):
        self.host_limit = rate or "unlimited"
        try:
            return self.through_supernode("")
        finally:
            self.host_limit = "unlimited"

    def dfdaemon_origin(self, rate):
        """The node's own way to the origin."""
        daemon = self.dfdaemon(self.key("origin", rate))
        return lambda size: self.dfget(size, "--home", daemon.home, "-u", self.url(self.content(size))), [daemon]

    def dfdaemon_download(self, rate):
        supernode = self.supernode()
        daemon = self.dfdaemon(self.key("download", rate), supernode)
        return lambda size: self.dfget(size, "--home", daemon.home, "-u", self.url(self.content(size))), [
            daemon, supernode]

    def measure(self, name, way):
        run, servers = way(None)
        try:
            size = 512 * 1024 * 1024
            free = size / run(size)
        finally:
            self.stop(servers)
        for rate in options.rates:
            if rate > free / 2:
                self.row(name, text(rate), f"left out: {text(round(free))} without a limit", None)
                continue
            run, servers = way(rate)
            try:
                run(rate // 10)  # from here on the limiter has been idle before each
                small, large = (min(run(rate * seconds) for _ in range(options.rounds)) for seconds in (SMALL, LARGE))
            finally:
                self.stop(servers)
            measured = rate * (LARGE - SMALL) / (large - small)
            error = measured / rate - 1
            self.row(name, text(rate), f"{text(round(measured))} ({error:+.1%})", abs(error) <= TOLERANCE)

    def share(self):
        """Two tasks at one node, started together."""
        rate = 20 * MB
        daemon = self.dfdaemon(self.key("download", rate))
        daemon_size = rate * 2
        try:
            first = self.start("--home", daemon.home, "-u", self.url(self.content(daemon_size)))
            second = self.start("--home", daemon.home, "-u", self.url(self.content(daemon_size)))
            seconds = [self.seconds(one, daemon_size) for one in (first, second)]
        finally:
            self.stop([daemon])
        wanted = 2 * daemon_size / rate
        parts = ", ".join(f"{text(round(daemon_size / one))}" for one in seconds)
        self.row("two tasks at dfdaemon, a part each", text(rate // 2), parts,
                 all(abs(one / wanted - 1) <= UNFAIRNESS for one in seconds))

    @staticmethod
    def stop(servers):
        for server in servers:
            server.stop()

    def row(self, *row):
        self.rows.append(row)
        print(f"bench-limits: {row[0]}, {row[1]}: {row[2]}", file=sys.stderr)

    def end(self):
        processes.stop_leftovers()
        subprocess.run([os.path.join(RIG, "stop.sh"), os.path.join(self.work, "nginx")], check=False)


WAYS = {
    "dfget-origin": ("dfget -s, from the origin", Limits.from_origin),
    "dfget-download": ("dfget -s, from a supernode", Limits.download),
    "upload": ("supernode, limits.upload", Limits.upload),
    "upload-tls": ("supernode, limits.upload over TLS", Limits.upload_tls),
    "upload-task": ("supernode, limits.task.upload", Limits.upload_task),
    "supernode-origin": ("supernode, limits.origin", Limits.supernode_origin),
    "supernode-host": ("supernode, origin.host_limit.rate", Limits.supernode_host),
    "dfdaemon-origin": ("dfdaemon alone, limits.origin", Limits.dfdaemon_origin),
    "dfdaemon-download": ("dfdaemon, limits.download", Limits.dfdaemon_download),
}


def print_table(rows):
    lines = [("way", "wanted", "measured", "")]
    lines += [(way, wanted, measured, {None: "", True: "pass", False: "FAIL"}[holds]) for way, wanted, measured, holds in rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(4)]
    lines.insert(1, tuple("-" * width for width in widths))
    print()
    for line in lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")


def main():
    for name in ("supernode", "dfdaemon", "dfget"):
        if not os.access(os.path.join(options.bin, name), os.X_OK):
            raise BenchError(f"{name} is not in {options.bin}: run make build")
    with tempfile.TemporaryDirectory(prefix="darter-limits.", dir=options.dir) as work:
        limits = Limits(work)
        try:
            for name in options.only or [*WAYS, "share"]:
                if name == "share":
                    limits.share()
                else:
                    label, way = WAYS[name]
                    limits.measure(label, lambda rate, way=way: way(limits, rate))
        finally:
            limits.end()
    print_table(limits.rows)
    return 1 if any(row[-1] is False for row in limits.rows) else 0


def interrupted(*_):
    raise BenchError("interrupted")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"), help="where the executables are")
parser.add_argument("--dir", default=tempfile.gettempdir(), help="where files and caches go")
parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="in bytes a second")
parser.add_argument("--rounds", type=int, default=2, help="measurements of each size")
parser.add_argument("--only", nargs="+", choices=[*WAYS, "share"])
options = parser.parse_args()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, interrupted)
try:
    sys.exit(main())
except (BenchError, subprocess.CalledProcessError) as error:
    print(f"bench-limits: {error}", file=sys.stderr)
    sys.exit(2)
