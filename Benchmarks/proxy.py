"""proxy.py: the lines of bench.py that measure dfdaemon as what clients see of it: a registry mirror and a proxy.

Both sides of a line have the same client, the same bytes and warm page caches, keep an access log, and are asked in turns.
nginx has one worker, and as it comes: sendfile, and OpenSSL's TLS. The pull-through cache is docker-registry's own."""
import os
import re
import subprocess

import processes
from hosts import Hosts
from processes import BenchError
from workbench import GIB, MIB, ROOT, sha256

CLIENTS = 64
# Both sides would choose different ones by themselves, and curl is as fast with this one.
TLS = ["--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"]


class Proxy:
    """Every method of LINES fills some rows of the table."""
    LINES = ("blob", "small", "cold_blob", "image", "link", "clients", "https")

    def __init__(self, bench):
        self.bench = bench

    def blob(self):
        """A warm blob, some times over one connection: throughput, and the processor time of the server."""
        bench, transfers = self.bench, 4
        dfdaemon = bench.dfdaemon()
        self.fill(dfdaemon, bench.digest)
        origin, pid = bench.origin, dfdaemon.process.pid
        self.keep_apart(origin.worker, pid)
        reference, ours = bench.alternate(
            lambda: self.timed(origin.worker, self.discarding(f"{origin.url}/file", transfers)),
            lambda: self.timed(pid, self.discarding(bench.blob(dfdaemon.url), transfers)))
        self.throughput("warm blob through dfdaemon", "nginx", 0.95, transfers * bench.size, reference, ours)
        self.processor("warm blob through dfdaemon", "nginx", 1.2, transfers * bench.size, reference, ours)
        self.bring_together(origin.worker)
        bench.end(dfdaemon)

    def https(self):
        """A warm file from a host that dfdaemon intercepts, against the host itself: both TLS 1.3, ECDSA P-256."""
        bench, transfers = self.bench, 2
        origin = bench.rig("start-nginx.sh", "nginx-tls", bench.files, "--tls")
        authority = bench.path("authority")
        subprocess.run([bench.binary("dfdaemon"), "gen-ca", "--out", authority], stdout=subprocess.DEVNULL, check=True)
        dfdaemon = bench.dfdaemon(more=f"""
hijack_https:
  cert: {authority}/ca.crt
  key: {authority}/ca.key
  hosts: [{{regx: "^127", certs: ["{origin.directory}/tls/ca.crt"]}}]
proxies: [{{regx: /file$, freshness: 1d}}]
backends: [{{plugin: http, hosts: ["{origin.url.removeprefix("https://")}"], ca_file: "{origin.directory}/tls/ca.crt"}}]
""")
        url = f"{origin.url}/file"
        through = ["--noproxy", "", "--proxy", dfdaemon.url, "--cacert", f"{authority}/ca.crt", *TLS]
        output = bench.output()
        bench.measure([["curl", "-sSf", *through, "-o", output, url]], [output], bench.digest)
        head = subprocess.run(["curl", "-sSf", *through, "--head", url], stdout=subprocess.PIPE, text=True,
                              env=processes.ENVIRONMENT, check=True).stdout
        if "darter; hit" not in head:
            raise BenchError(f"dfdaemon has not kept {url}:\n{head}")
        direct = ["--noproxy", "*", "--cacert", f"{origin.directory}/tls/ca.crt", *TLS]
        self.keep_apart(origin.worker, dfdaemon.process.pid)
        reference, ours = bench.alternate(
            lambda: self.timed(origin.worker, self.discarding(url, transfers, direct)),
            lambda: self.timed(dfdaemon.process.pid, self.discarding(url, transfers, through)))
        self.throughput("warm file, intercepted HTTPS", "nginx with TLS", 0.5, transfers * bench.size, reference, ours)
        bench.cpu["nginx, HTTPS"] = [reference[1] * GIB / transfers / bench.size]
        bench.cpu["dfdaemon, intercepted HTTPS"] = [ours[1] * GIB / transfers / bench.size]
        bench.end(dfdaemon)
        bench.end(origin)

    def small(self):
        """A warm blob of 64 KiB, asked for over 64 connections: requests a second, and the slowest in a hundred."""
        bench = self.bench
        digest = self.add_blob("small", 64 << 10)
        dfdaemon = bench.dfdaemon()
        self.fill(dfdaemon, digest)
        reference, ours = bench.alternate(lambda: self.wrk(f"{bench.origin.url}/small"),
                                          lambda: self.wrk(bench.blob(dfdaemon.url, digest)))
        work = f"warm 64 KiB blob, {CLIENTS} connections"
        ratio = ours[0] / reference[0]
        bench.row(f"{work}: requests", "≥ 0.7 × nginx", f"{ratio:.2f} × ({ours[0]:.0f}/s to {reference[0]:.0f}/s)",
                  ratio >= 0.7)
        ratio = ours[1] / reference[1]
        bench.row(f"{work}: p99", "≤ 2 × nginx", f"{ratio:.2f} × ({ours[1]:.1f} ms to {reference[1]:.1f} ms)", ratio <= 2)
        bench.end(dfdaemon)

    def cold_blob(self):
        """A blob that nobody has yet: until its last byte, and until its first.

        Every cache is a new one that has fetched another blob before, so that nothing is counted that happens once in the
        life of a process. The registry behind them is the same for all."""
        bench = self.bench
        other = self.add_blob("other", MIB)

        def direct():
            return self.first_and_last(bench.registry.url)

        def pull_through():
            cache = bench.rig("start-registry.sh", bench.fresh("cache"), "--proxy", bench.registry.url, before=("none",))
            self.fill(cache, other)
            seconds = self.first_and_last(cache.url)
            bench.end(cache)
            return seconds

        def dfdaemon(supernode, name):
            dfdaemon = bench.dfdaemon(supernode)
            self.fill(dfdaemon, other)
            before = dfdaemon.cpu_seconds
            seconds = self.first_and_last(dfdaemon.url)
            bench.remember(name, bench.size, dfdaemon.cpu_seconds - before, dfdaemon.peak_bytes)
            bench.end(dfdaemon)
            return seconds

        def through_supernode():
            supernode = bench.supernode()
            seconds = dfdaemon(supernode, "dfdaemon with a supernode, cold blob")
            bench.end(supernode)
            return seconds

        bare, reference, alone, swarm = bench.alternate(
            direct, pull_through, lambda: dfdaemon(None, "dfdaemon alone, cold blob"), through_supernode)
        bench.ratio("cold blob, no supernode", "pull-through cache", "≤", 1.1, reference[1], alone[1])
        bench.ratio("cold blob through a supernode", "pull-through cache", "≤", 2.0, reference[1], swarm[1])
        for name, ours in (("no supernode", alone), ("through a supernode", swarm)):
            more = (ours[0] - bare[0]) * 1000
            bench.row(f"cold blob, {name}: first byte", "≤ direct + 20 ms",
                      f"{more:.1f} ms more ({ours[0] * 1000:.1f} to {bare[0] * 1000:.1f})", more <= 20)

    def image(self):
        """An image that containerd pulls and unpacks, from the registry and through a new dfdaemon, all on this machine:
        whatever dfdaemon computes, containerd has to wait for. A supernode, which never shares a node's processors, has no
        limit here."""
        direct, alone, swarm = self.measure_pulls(self.bench.registry)
        self.bench.ratio("cold image pull, no supernode", "direct pull", "≤", 1.15, direct, alone)
        self.bench.row("cold image pull, through a supernode on the same machine", "",
                       f"{swarm / direct:.2f} × ({swarm:.2f} s to {direct:.2f} s)", None)

    def link(self):
        """The same where the registry is another host, behind a link that is slower than what containerd can take."""
        with Hosts(2, "250mbit") as hosts:
            registry = self.bench.rig("start-registry.sh", "far-registry", "--address", hosts.address(1), before=("none",),
                                      place=hosts.command(1, ()))
            direct, alone, swarm = self.measure_pulls(registry, hosts.command(2, ()))
            for way, measured in (("no supernode", alone), ("through a supernode", swarm)):
                self.bench.ratio(f"cold image pull over 250 Mbit/s, {way}", "direct pull", "≤", 1.15, direct, measured)
            self.bench.end(registry)

    def measure_pulls(self, registry, place=()):
        """Seconds of a pull from the registry, through dfdaemon, and through dfdaemon and a supernode. `place`: what comes
        before the command of everything but the registry."""
        bench = self.bench
        layout = bench.path(bench.fresh("image"))
        subprocess.run([os.path.join(ROOT, "scripts", "rig", "make-image.py"), layout, "--layers", "20,50,100"],
                       stdout=subprocess.DEVNULL, check=True)
        host = registry.url.removeprefix("http://")
        subprocess.run([*place, "skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", f"oci:{layout}:v1",
                        f"docker://{host}/bench/image:v1"], check=True)
        containerd = bench.rig("start-containerd.sh", bench.fresh("containerd"), place=place)
        # Its first pull sets up what later ones find.
        self.pull(containerd, host, place)

        def through_dfdaemon(supernode=None):
            dfdaemon = bench.dfdaemon(supernode, registry=registry, place=place)
            seconds = self.pull(containerd, dfdaemon.fields["proxy"], place)
            bench.end(dfdaemon)
            return seconds

        def through_supernode():
            supernode = bench.supernode(place)
            seconds = through_dfdaemon(supernode)
            bench.end(supernode)
            return seconds

        seconds = bench.alternate(lambda: self.pull(containerd, host, place), through_dfdaemon, through_supernode)
        bench.end(containerd)
        return seconds

    def clients(self):
        """The most memory that dfdaemon has resident while clients stream a blob of 1 GiB, cold and then warm."""
        bench = self.bench
        digest = self.add_blob("giant", GIB)
        dfdaemon = bench.dfdaemon()
        url = bench.blob(dfdaemon.url, digest)
        for state in ("cold", "warm"):
            dfdaemon.reset_peak()
            bench.measure([bench.curl(url, os.devnull)] * CLIENTS)
            peak = dfdaemon.peak_bytes
            bench.row(f"peak memory, {CLIENTS} clients, {state} 1 GiB blob: dfdaemon", "≤ 80 MiB", f"{peak / MIB:.0f} MiB",
                      peak <= 80 * MIB)
        bench.end(dfdaemon)

    # Content.

    def add_blob(self, name, size):
        """A file of random bytes that nginx and the registry have; returns its digest."""
        path = self.bench.path("files", name)
        with open(path, "wb") as file:
            for start in range(0, size, MIB):
                file.write(os.urandom(min(MIB, size - start)))
        digest = sha256(path)
        self.bench.push_blob(name, digest)
        return digest

    def fill(self, cache, digest):
        """Has a cache fetch a blob; what it gives must be that."""
        output = self.bench.output()
        self.bench.measure([self.bench.curl(self.bench.blob(cache.url, digest), output)], [output], digest)

    # Clients.

    @staticmethod
    def discarding(url, transfers, options=("--noproxy", "*")):
        """A curl that asks so many times over one connection and keeps nothing."""
        return ["curl", "-sSf", *options, *["-o", os.devnull, url] * transfers]

    def keep_apart(self, *servers):
        """Leaves the first processor to the client that `timed` starts.

        Loopback's work is done, and counted, on the sender's processor if the receiver is on another one: without this the
        servers' processor time would change fourfold with where the client happens to run."""
        _, *others = sorted(os.sched_getaffinity(0))
        if others:
            self.place(servers, others)

    def bring_together(self, *servers):
        self.place(servers, os.sched_getaffinity(0))

    @staticmethod
    def place(servers, processors):
        for server in servers:
            for thread in os.listdir(f"/proc/{server}/task"):
                os.sched_setaffinity(int(thread), processors)

    def timed(self, server, command):
        """Seconds that a command takes, and processor seconds that the server with this process id takes meanwhile."""
        before = processes.cpu_seconds_of(server)
        client = str(min(os.sched_getaffinity(0)))
        seconds, _ = self.bench.measure([["taskset", "--cpu-list", client, *command]])
        return seconds, processes.cpu_seconds_of(server) - before

    def first_and_last(self, base):
        """Seconds until curl has the first and the last byte of the blob."""
        os.sync()
        command = [*self.discarding(self.bench.blob(base), 1),
                   "-w", "%{time_starttransfer} %{time_total} %{size_download}"]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=processes.ENVIRONMENT, check=True)
        first, last, size = result.stdout.split()
        if int(size) != self.bench.size:
            raise BenchError(f"{base} gave {size} bytes of {self.bench.size}")
        return float(first), float(last)

    def wrk(self, url):
        """Requests a second, and milliseconds within which 99 of 100 are answered."""
        command = ["wrk", "--threads", "1", "--connections", str(CLIENTS), "--duration", "5s", "--latency", url]
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=processes.ENVIRONMENT, check=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            raise BenchError(f"{url}: not every request was answered:\n{out}")
        slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", out)
        scale = {"us": 1e-3, "ms": 1, "s": 1e3}[slowest[2]]
        return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(slowest[1]) * scale

    def pull(self, containerd, host, place):
        """Seconds of a pull into a namespace of its own, which is emptied afterwards."""
        namespace = self.bench.fresh("bench")
        reference = f"{host}/bench/image:v1"
        ctr = [*place, "ctr", "--address", containerd.url, "--namespace", namespace]
        seconds, _ = self.bench.measure([[*ctr, "images", "pull", "--plain-http", "--snapshotter", "native", reference]])
        subprocess.run([*ctr, "images", "remove", "--sync", reference], stdout=subprocess.DEVNULL, check=True)
        return seconds

    # Rows: `reference` and `ours` are seconds and processor seconds of the same transfers.

    def throughput(self, work, name, limit, size, reference, ours):
        ratio = reference[0] / ours[0]
        rates = [f"{size / MIB / seconds:.0f} MiB/s" for seconds in (ours[0], reference[0])]
        self.bench.row(work, f"≥ {limit} × {name}", f"{ratio:.2f} × ({rates[0]} to {rates[1]})", ratio >= limit)

    def processor(self, work, name, limit, size, reference, ours):
        ratio = ours[1] / reference[1]
        each = [f"{seconds * GIB / size:.3f}" for seconds in (ours[1], reference[1])]
        self.bench.row(f"{work}: CPU seconds", f"≤ {limit} × {name}", f"{ratio:.2f} × ({each[0]} to {each[1]} per GiB)",
                       ratio <= limit)
