"""downloads.py: the lines of bench.py that measure dfget, and the memory of all executables.

The floor of a cold download is its unavoidable work done bare: two copies over HTTP and three SHA-256, started together."""
import os
import shutil

import processes
from workbench import GIB, MIB, sha256

MEMORY_LIMIT = 100 * MIB


class Downloads:
    """Every method of LINES fills some rows of the table."""
    LINES = ("cold", "warm", "four", "byte", "memory")

    def __init__(self, bench):
        self.bench = bench

    # How dfget is called.

    def dfget(self, supernode, url, output):
        """A dfget by itself: through the supernode, never to the origin, no seeding afterwards."""
        home = self.bench.path(self.bench.fresh("dfget"))
        return [self.bench.binary("dfget"), "--home", home, "-n", supernode.fields["api"], "--notbs", "--alivetime", "0s",
                "-u", url, "-o", output]

    def dfget_through_daemon(self, dfdaemon, url, output):
        return [self.bench.binary("dfget"), "--home", dfdaemon.home, "--notbs", "-u", url, "-o", output]

    def curls(self, count):
        bench = self.bench
        outputs = [bench.output() for _ in range(count)]
        return bench.measure([bench.curl(bench.url("file"), output) for output in outputs], outputs)[0]

    # The table's lines.

    def cold(self):
        bench = self.bench

        def floor():
            outputs = [bench.output(), bench.output()]
            hashing = ["openssl", "dgst", "-sha256", bench.path("files", "file")]
            return bench.measure([bench.curl(bench.url("file"), o) for o in outputs] + [hashing] * 3, outputs)[0]

        def ours():
            supernode = bench.supernode()
            before = supernode.cpu_seconds
            output = bench.output()
            command = self.dfget(supernode, bench.url("file"), output)
            seconds, finished = bench.measure([command], [output], bench.digest)
            bench.remember("supernode, cold", bench.size, supernode.cpu_seconds - before, supernode.peak_bytes)
            bench.remember("dfget, cold", bench.size, finished[0].cpu_seconds, finished[0].peak_bytes)
            bench.end(supernode)
            return seconds

        bench.ratio("dfget through supernode, cold", "floor", "≤", 1.3, *bench.alternate(floor, ours))

    def warm(self):
        bench = self.bench
        supernode = bench.supernode()
        url = bench.url("file")

        def ours():
            before = supernode.cpu_seconds
            output = bench.output()
            seconds, finished = bench.measure([self.dfget(supernode, url, output)], [output], bench.digest)
            bench.remember("supernode, warm", bench.size, supernode.cpu_seconds - before, supernode.peak_bytes)
            bench.remember("dfget, warm", bench.size, finished[0].cpu_seconds, finished[0].peak_bytes)
            return seconds

        output = bench.output()
        bench.measure([self.dfget(supernode, url, output)], [output], bench.digest)
        bench.ratio("dfget, warm in the supernode", "curl", "≤", 1.3, *bench.alternate(lambda: self.curls(1), ours))
        bench.end(supernode)

    def four(self):
        bench = self.bench

        def ours():
            supernode = bench.supernode()
            url = bench.url("file")
            outputs = [bench.output() for _ in range(4)]
            seconds, _ = bench.measure([self.dfget(supernode, url, o) for o in outputs], outputs, bench.digest)
            bench.end(supernode)
            return seconds

        bench.ratio("four cold dfgets at once", "four curls", "≤", 2.5, *bench.alternate(lambda: self.curls(4), ours))

    def byte(self):
        bench = self.bench
        with open(bench.path("files", "byte"), "wb") as file:
            file.write(b"x")
        supernode = bench.supernode()

        def curl():
            output = bench.output()
            return bench.measure([bench.curl(bench.url("byte"), output)], [output])[0]

        def ours():
            output = bench.output()
            return bench.measure([self.dfget(supernode, bench.url("byte"), output)], [output])[0]

        reference, measured = bench.alternate(curl, ours)
        more = (measured - reference) * 1000
        bench.row("1-byte file through supernode", "≤ curl + 50 ms", f"{more:.0f} ms more ({measured * 1000:.0f} to "
                  f"{reference * 1000:.0f})", more <= 50)
        bench.end(supernode)

    def memory(self):
        bench, big = self.bench, self.bench.options.big
        digest = sha256(self.big_file())
        supernode = bench.supernode()
        dfdaemon = bench.dfdaemon(supernode)
        peaks = {}
        url = bench.url("big")
        output = bench.output()
        _, finished = bench.measure([self.dfget(supernode, url, output)], [output], digest)
        peaks["dfget by itself"] = finished[0].peak_bytes
        servers = {supernode.process.pid, dfdaemon.process.pid}
        for pid in processes.marked_processes():
            with open(f"/proc/{pid}/comm", encoding="utf-8") as name:
                if pid not in servers and name.read().strip() == "dfget":
                    peaks["dfget server"] = processes.peak_of(pid)
        output = bench.output()
        _, finished = bench.measure([self.dfget_through_daemon(dfdaemon, url, output)], [output], digest)
        peaks["dfget through dfdaemon"] = finished[0].peak_bytes
        peaks["dfdaemon"], peaks["supernode"] = dfdaemon.peak_bytes, supernode.peak_bytes
        bench.end(dfdaemon)
        bench.end(supernode)
        os.remove(bench.path("files", "big"))
        for name, peak in peaks.items():
            bench.row(f"peak memory, {big} GiB file: {name}", "≤ 100 MiB", f"{peak / MIB:.0f} MiB", peak <= MEMORY_LIMIT)

    def big_file(self):
        """Makes the file `big`: the other one again and again."""
        path, length = self.bench.path("files", "big"), self.bench.options.big * GIB
        with open(path, "wb") as big:
            for start in range(0, length, self.bench.size):
                with open(self.bench.path("files", "file"), "rb") as file:
                    shutil.copyfileobj(file, big, MIB)
                big.truncate(min(start + self.bench.size, length))
        return path
