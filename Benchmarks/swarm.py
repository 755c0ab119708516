#!/usr/bin/env python3
"""swarm.py: one file to N hosts, each in a network namespace of its own with a limited link, by real dfget processes.

T runs from the moment when all peers are registered to the last verified byte. The bound (Kumar and Ross, 2006) is that of
the rate that curl gets between two of the hosts. In the same run: the same file by curl from the origin, and by BitTorrent.
Prints a table, and exits 1 if a limit does not hold, 2 if something did not work at all. Needs root."""
import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import processes
from hosts import Hosts, sh
from processes import BenchError, Server

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20
API, PIECES, WEB, TRACKER = 65003, 65004, 80, 6969
# The numbers of the hosts that are no peers.
ORIGIN, SUPERNODE, FIRST = 1, 2, 3


class Swarm:
    """The hosts of one size, and what runs on them."""

    def __init__(self, options, hosts, peers, directory):
        self.options, self.hosts, self.peers, self.directory = options, hosts, peers, directory
        self.root = os.path.join(directory, "root")
        self.file = os.path.join(self.root, "file")
        self.digest = options.digest
        self.url = f"http://{hosts.address(ORIGIN)}/file"
        self.goodput = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def binary(self, name):
        return os.path.join(self.options.bin, name)

    def start_origin(self):
        configuration = self.path("nginx.conf")
        with open(configuration, "w", encoding="utf-8") as out:
            out.write(f"""
user root; daemon off; worker_processes 1; pid {self.path('nginx.pid')}; error_log {self.path('nginx.err')};
events {{ worker_connections 256; }}
http {{ log_format sent '$body_bytes_sent'; access_log {self.path('nginx.log')} sent; sendfile on;
  server {{ listen {self.hosts.address(ORIGIN)}:{WEB}; root {self.root}; }} }}
""")
        return self.spawn(ORIGIN, ["nginx", "-c", configuration, "-p", self.directory], "nginx")

    def spawn(self, number, words, name):
        with open(self.path(f"{name}.out"), "ab") as out:
            return subprocess.Popen(self.hosts.command(number, words), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    env=processes.ENVIRONMENT)

    def sent_by_origin(self):
        with open(self.path("nginx.log"), encoding="utf-8") as log:
            return sum(int(line) for line in log)

    def forget_sent(self):
        """nginx appends: what was sent before this is counted no longer."""
        os.truncate(self.path("nginx.log"), 0)

    def measure_goodput(self):
        """What one curl gets from another host that has its link to itself, in bytes per second."""
        for _ in range(100):
            if subprocess.run(self.hosts.command(FIRST, ["curl", "-sf", "-o", os.devnull, "-r", "0-0", self.url]),
                              env=processes.ENVIRONMENT, check=False).returncode == 0:
                break
            time.sleep(0.05)
        rates = [float(subprocess.run(
            self.hosts.command(FIRST, ["curl", "-sSf", "-o", os.devnull, "-w", "%{speed_download}", self.url]),
            env=processes.ENVIRONMENT, capture_output=True, text=True, check=True).stdout) for _ in range(3)]
        self.goodput = sorted(rates)[1]
        self.forget_sent()

    @property
    def bound(self):
        """In seconds: the origin, the supernode and all peers have the same rate."""
        return self.options.size / self.goodput

    def configuration(self, number):
        path = self.path(f"supernode-{number}.yml")
        host = self.hosts.address(number)
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"""
api: {{address: "{host}:{API}"}}
pieces: {{address: "{host}:{PIECES}"}}
home: {self.path('supernode')}
origin: {{allow_addresses: [10.88.0.0/16]}}
""")
        return path

    def start_supernode(self):
        shutil.rmtree(self.path("supernode"), ignore_errors=True)
        command = self.hosts.command(SUPERNODE, [self.binary("supernode"), "--config", self.configuration(SUPERNODE)])
        return Server(command, "supernode", self.directory)

    def metric(self, name):
        text = sh(*self.hosts.command(SUPERNODE, ["curl", "-sf", f"http://{self.hosts.address(SUPERNODE)}:{API}/metrics"]))
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(name) and not line.startswith("#"))

    def registered(self):
        """How many peers the supernode says it has registered."""
        with open(self.path("supernode.log"), "rb") as log:
            return log.read().count(b" peer registered")

    def calls(self):
        """How many requests the API has answered."""
        return self.metric('http_requests_total{listener="api"')

    def output(self, peer):
        return self.path(f"out-{peer}")

    def arriving(self, peer):
        """Where dfget keeps its output until it is whole."""
        return self.path(f".out-{peer}.darter")

    def dfget(self, peer):
        number = FIRST + peer
        return [self.binary("dfget"), "--home", self.path(f"home-{peer}"), "-n", f"{self.hosts.address(SUPERNODE)}:{API}",
                "--ip", self.hosts.address(number), "--notbs", "--alivetime", "60s", "--json", self.url, "-o",
                self.output(peer)]

    def complaint(self, peer):
        """The end of what a dfget has said."""
        with open(self.path(f"dfget-{peer}.err"), encoding="utf-8", errors="replace") as text:
            return text.read()[-500:]

    def summary(self, peer):
        """When a dfget had its output whole and verified, in seconds since 1970, and how many bytes came from others like it.

        It says so before it does anything else: hand over to the process that goes on seeding, and end."""
        path = self.path(f"dfget-{peer}.json")
        with open(path, encoding="utf-8") as text:
            return os.stat(path).st_mtime, json.loads(text.read())["from"]["peers"]

    def start_peers(self):
        """Starts every peer; returns the processes."""
        return [subprocess.Popen(self.hosts.command(FIRST + peer, self.dfget(peer)), stdin=subprocess.DEVNULL,
                                 stdout=open(self.path(f"dfget-{peer}.json"), "wb"),
                                 stderr=open(self.path(f"dfget-{peer}.err"), "wb"), env=processes.ENVIRONMENT)
                for peer in range(self.peers)]

    def clean(self):
        for peer in range(self.peers):
            for path in (self.output(peer), self.path(f"home-{peer}"), self.path(f"torrent-{peer}")):
                shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else remove(path)

    def touch_memory(self):
        """Writes as much as a run will, and removes it.

        What a virtual machine has not used for a while it gets from its host at the first touch, which can take 2 s of
        processor time a GiB: hosts with memory of their own would not spend that."""
        path = self.path("ballast")
        with open(path, "wb") as out, open(self.file, "rb") as content:
            block = content.read(MIB)
            for _ in range(self.peers * self.options.size // MIB):
                out.write(block)
        remove(path)

    def check(self, peers):
        for peer in peers:
            if digest_of(self.output(peer)) != self.digest:
                raise BenchError(f"peer {peer} has other bytes than the origin")


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def wait_all(children, limit, names=None):
    """Waits for all; returns when each ended, as seconds of the monotonic clock, and their exit codes."""
    ends, deadline = {}, time.monotonic() + limit
    while len(ends) < len(children):
        for index, child in enumerate(children):
            if index not in ends and child.poll() is not None:
                ends[index] = time.monotonic()
        if time.monotonic() > deadline:
            for child in children:
                child.kill()
            missing = [index for index in range(len(children)) if index not in ends]
            raise BenchError(f"{names or 'peers'} {missing} have not finished within {limit} s")
        time.sleep(0.01)
    return [ends[index] for index in range(len(children))], [child.returncode for child in children]


class Registration(threading.Thread):
    """Notices when all peers are registered."""

    def __init__(self, swarm):
        super().__init__(daemon=True)
        self.swarm, self.at, self.ended = swarm, None, False

    def run(self):
        while not self.ended and self.at is None:
            if self.swarm.registered() >= self.swarm.peers:
                self.at = time.time()
            time.sleep(0.005)


class Probe:
    """How long the smallest call to the supernode takes meanwhile, from one of the peers, on a connection of its own."""

    def __init__(self, swarm, rate="20/s"):
        url = f"http://{swarm.hosts.address(SUPERNODE)}:{API}/healthz?[1-100000]"
        self.file = swarm.path("probe")
        with open(self.file, "wb") as out:
            self.process = subprocess.Popen(
                swarm.hosts.command(FIRST, ["curl", "-s", "--rate", rate, "-o", os.devnull, "-w", "%{stderr}%{time_total}\\n", url]),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=out, env=processes.ENVIRONMENT)

    def stop(self):
        """Returns the median, in seconds."""
        self.process.terminate()
        self.process.wait()
        with open(self.file, encoding="utf-8") as text:
            times = [float(line) for line in text.read().split("\n")[:-1]]
        if not times:
            raise BenchError("the supernode has not answered a single small call")
        return statistics.median(times)


def processor_seconds():
    """What all processors together have spent so far: busy, and in all."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(field) / processes.TICKS for field in stat.readline().split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def run_alone(swarm, way):
    """One run in which nothing is left of those before."""
    swarm.clean()
    swarm.touch_memory()
    swarm.forget_sent()
    return way(swarm)


def run_dfget(swarm):
    supernode = swarm.start_supernode()
    try:
        idle = Probe(swarm, rate="100/s")
        time.sleep(1)
        latency = idle.stop() / 2
        registration = Registration(swarm)
        probe = Probe(swarm)
        calls, cpu, busy = swarm.calls(), supernode.cpu_seconds, processor_seconds()
        started = time.time()
        registration.start()
        children = swarm.start_peers()
        _, codes = wait_all(children, 600)
        registration.ended = True
        cpu = supernode.cpu_seconds - cpu
        busy = [after - before for before, after in zip(busy, processor_seconds())]
        call_time = probe.stop()
        for peer, code in enumerate(codes):
            if code != 0:
                raise BenchError(f"dfget {peer} ended with {code}: {swarm.complaint(peer)}")
        ends, copied = zip(*map(swarm.summary, range(swarm.peers)))
        begin = registration.at
        result = {
            "seconds": max(ends) - begin, "first": min(ends) - begin, "started": begin - started,
            "origin": swarm.sent_by_origin() / swarm.options.size,
            "supernode": swarm.metric("darter_sent_bytes_total") / swarm.options.size,
            "copies": sum(copied) / swarm.options.size,
            "busy": busy[0] / busy[1], "call_time": call_time, "latency": latency,
            # What it sends and fetches is in there, too: it is what a call costs this supernode while it does its other work.
            "call_cost": cpu / max(1, swarm.calls() - calls),
        }
    finally:
        supernode.stop()
        processes.stop_leftovers("dfget")
    swarm.check(range(swarm.peers))
    return result


def predict(options, row):
    """What the simulator says of a run, given what was measured in it: T in seconds."""
    rate = f"{int(row['goodput'])}B/s"
    # Of idle links: what a call waits behind bodies is for the simulator to find out.
    latency = f"{int(row['latency'] * 1e6)}us"
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write(f"""
name: measured
tasks: [{{ size: {options.size}, piece: 256KiB }}]
peers: {{ count: {row['peers']}, up: {rate}, down: {rate}, lead: {latency}, hash_rate: {int(options.hash_rate)}B/s }}
supernode:
  {{ up: {rate}, origin_rate: {rate}, upload_slots: 16, cores: {os.cpu_count()}, call_cost: {int(row['call_cost'] * 1e6)}us,
    item_cost: 0s, decision_cost: 0s }}
network: {{ latency: {latency} }}
""")
        file.flush()
        done = subprocess.run([os.path.join(options.bin, "dfsim"), "run", "--json", file.name], capture_output=True,
                              text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"dfsim: {done.stderr.strip()}")
    return json.loads(done.stdout)["lastSeconds"]


class Spoiler(threading.Thread):
    """Spoils what a peer has already got, on its disk and so for whoever gets it from there, until stopped.

    Whatever it does to the peer itself: nobody else may get a wrong byte."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.ended = path, False

    def run(self):
        generator = random.Random(1)
        while not self.ended:
            try:
                with open(self.path, "r+b", buffering=0) as file:
                    size = os.fstat(file.fileno()).st_size
                    for offset in range(generator.randrange(4096), size, 64 << 10):
                        os.pwrite(file.fileno(), b"spoilt", offset)
            except FileNotFoundError:
                pass
            time.sleep(0.02)


def run_faults(swarm):
    """2 % of the packets lost at every host, a quarter of the peers killed, two cut off for 10 s, and one that spoils."""
    supernode = swarm.start_supernode()
    spoiling, killed = 0, range(1, 1 + swarm.peers // 4)
    cut = range(killed.stop, killed.stop + 2)
    good = range(killed.stop, swarm.peers)
    spoiler = Spoiler(swarm.arriving(spoiling))
    for number in range(1, swarm.hosts.count + 1):
        swarm.hosts.lose(number, 0.02)
    try:
        registration = Registration(swarm)
        registration.start()
        started = time.monotonic()
        children = swarm.start_peers()
        while registration.at is None:
            if time.monotonic() - started > 60:
                raise BenchError("not all peers have registered within 60 s")
            time.sleep(0.01)
        spoiler.start()
        time.sleep(1)
        for peer in cut:
            swarm.hosts.cut(FIRST + peer)
        time.sleep(1)
        for peer in killed:
            children[peer].kill()
        time.sleep(9)
        for peer in cut:
            swarm.hosts.cut(FIRST + peer, isolated=False)
        _, codes = wait_all([children[peer] for peer in good], 120, "good peers")
        failed = {peer: swarm.complaint(peer) for peer, code in zip(good, codes) if code != 0}
        if failed:
            raise BenchError(f"not all good peers have finished: {failed}")
        ends, copied = zip(*map(swarm.summary, good))
        never_cut = [end for peer, end in zip(good, ends) if peer not in cut]
        result = {
            "seconds": max(ends) - registration.at, "first": min(ends) - registration.at,
            "undisturbed": max(never_cut) - registration.at,
            "wrong": swarm.metric('darter_complaints_total{reason="wrongBytes"'),
            "origin": swarm.sent_by_origin() / swarm.options.size,
            "supernode": swarm.metric("darter_sent_bytes_total") / swarm.options.size,
            "copies": sum(copied) / swarm.options.size,
        }
    finally:
        spoiler.ended = True
        for child in children:
            child.kill()
            child.wait()
        supernode.stop()
        processes.stop_leftovers("dfget")
    swarm.check(good)
    if not result["wrong"]:
        raise BenchError("nobody has noticed the spoilt pieces: they were none")
    return result


def run_curl(swarm):
    started = time.monotonic()
    children = [swarm.spawn(FIRST + peer, ["curl", "-sSf", "-o", swarm.output(peer), swarm.url], f"curl-{peer}")
                for peer in range(swarm.peers)]
    ends, codes = wait_all(children, 1200)
    if any(codes):
        raise BenchError(f"curl ended with {codes}")
    swarm.check(range(swarm.peers))
    return {"seconds": max(ends) - started, "origin": swarm.peers, "supernode": 0}


def bencode(value):
    """BEP 3: what a .torrent file is written in."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def write_torrent(path, file, announce, piece=256 << 10):
    """Returns the torrent's info hash."""
    with open(file, "rb") as content:
        hashes = b"".join(hashlib.sha1(part).digest() for part in iter(lambda: content.read(piece), b""))
    info = {"length": os.path.getsize(file), "name": "file", "piece length": piece, "pieces": hashes}
    with open(path, "wb") as out:
        out.write(bencode({"announce": announce, "info": info}))
    return hashlib.sha1(bencode(info)).hexdigest()


def run_bittorrent(swarm):
    """aria2c on every host, Debian's opentracker beside the one seed."""
    tracker_address = swarm.hosts.address(ORIGIN)
    torrent, hook = swarm.path("file.torrent"), swarm.path("complete.sh")
    info_hash = write_torrent(torrent, swarm.file, f"http://{tracker_address}:{TRACKER}/announce")
    with open(hook, "w", encoding="utf-8") as out:
        out.write('#!/bin/sh\n: > "$3.complete"\n')
    os.chmod(hook, 0o755)

    def aria2c(number, directory, *more):
        return swarm.spawn(number, [
            "aria2c", "--no-conf", "--dir", directory, "--enable-dht=false", "--bt-enable-lpd=false",
            "--enable-peer-exchange=true", "--seed-ratio=0", "--file-allocation=none", "--listen-port=6881",
            f"--bt-external-ip={swarm.hosts.address(number)}", "--summary-interval=0", "--console-log-level=warn",
            f"--on-bt-download-complete={hook}", *more, torrent,
        ], f"aria2c-{number}")

    # The tracker will not run as root, and knows only what it has been told of.
    tracker = swarm.path("tracker")
    os.makedirs(tracker, mode=0o755, exist_ok=True)
    with open(os.path.join(tracker, "allowed"), "w", encoding="ascii") as out:
        out.write(f"{info_hash}\n")
    children = [swarm.spawn(ORIGIN, ["opentracker", "-i", tracker_address, "-p", str(TRACKER), "-P", str(TRACKER), "-d",
                                     tracker, "-w", "allowed", "-u", "nobody"], "opentracker")]
    try:
        time.sleep(0.5)
        children.append(aria2c(ORIGIN, swarm.root, "--check-integrity=true", "--bt-seed-unverified=true"))
        time.sleep(2)
        directories = [swarm.path(f"torrent-{peer}") for peer in range(swarm.peers)]
        marks = [os.path.join(directory, "file.complete") for directory in directories]
        started = time.monotonic()
        children += [aria2c(FIRST + peer, directories[peer]) for peer in range(swarm.peers)]
        while not all(map(os.path.exists, marks)):
            if children[0].poll() is not None:
                raise BenchError("opentracker has ended")
            if time.monotonic() - started > 600:
                raise BenchError("BitTorrent has not finished within 600 s")
            time.sleep(0.005)
        seconds = time.monotonic() - started
    finally:
        for child in children:
            child.kill()
            child.wait()
    for directory in directories:
        if digest_of(os.path.join(directory, "file")) != swarm.digest:
            raise BenchError("BitTorrent brought other bytes")
    return {"seconds": seconds, "origin": 0, "supernode": 0}


LIMITS = {"ratio": 1.25, "origin": 1.02, "supernode": 2.0, "misprediction": 0.15}


def measure(options, peers, rows):
    with tempfile.TemporaryDirectory(prefix="darter-swarm-", dir=options.dir) as directory, \
            Hosts(peers + FIRST - 1, options.rate) as hosts:
        swarm = Swarm(options, hosts, peers, directory)
        os.mkdir(swarm.root)
        os.link(options.content, swarm.file)
        origin = swarm.start_origin()
        try:
            swarm.measure_goodput()
            ways = {"darter": (run_dfget, options.rounds)}
            if not options.alone:
                ways |= {"curl": (run_curl, 1), "bittorrent": (run_bittorrent, 1)}
            if options.faults and peers == max(options.sizes):
                # The last: packets are lost from then on.
                ways |= {"faults": (run_faults, 1)}
            for name, (way, rounds) in ways.items():
                runs = sorted((run_alone(swarm, way) for _ in range(rounds)), key=lambda run: run["seconds"])
                run = runs[len(runs) // 2]
                rows.append({"what": name, "peers": peers, "bytes": options.size, "goodput": swarm.goodput,
                             "bound": swarm.bound, "ratio": run["seconds"] / swarm.bound, **run})
                if name == "darter":
                    rows[-1]["predicted"] = predict(options, rows[-1])
                    rows[-1]["misprediction"] = abs(rows[-1]["predicted"] / run["seconds"] - 1)
                show(rows[-1])
        finally:
            origin.terminate()
            origin.wait()
            processes.stop_leftovers()


def show(row):
    print(f"{row['what']:<11} N={row['peers']:<3} T {row['seconds']:7.2f} s  bound {row['bound']:6.2f} s  T/bound {row['ratio']:6.3f}  "
          f"origin {row['origin']:5.2f} F  supernode {row['supernode']:5.2f} F", flush=True)
    if "predicted" in row:
        print(f"{'':<11} simulated {row['predicted']:6.2f} s  first {row['first']:6.2f} s  peers {row['copies']:5.2f} F  "
              f"a call {row['call_time'] * 1000:5.1f} ms ({row['latency'] * 2000:.1f} idle), {row['call_cost'] * 1e6:4.0f} us of the supernode's  "
              f"processors busy {row['busy'] * 100:3.0f} %", flush=True)
    if "undisturbed" in row:
        print(f"{'':<11} all good peers; the last of those never cut off after {row['undisturbed']:6.2f} s; "
              f"{row['wrong']:.0f} pieces had wrong bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--dir", help="where files are kept meanwhile (default: the system's temporary directory)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 16], metavar="N")
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--rate", default="100mbit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="without curl and BitTorrent beside")
    parser.add_argument("--no-faults", dest="faults", action="store_false",
                        help="without the run in which packets are lost, peers killed, cut off and spoilt")
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    options = parser.parse_args()
    options.size = options.mib * MIB
    rows = []
    with tempfile.TemporaryDirectory(prefix="darter-swarm-", dir=options.dir) as directory:
        options.content = os.path.join(directory, "content")
        with open(options.content, "wb") as out:
            for _ in range(options.mib):
                out.write(os.urandom(MIB))
        started = time.monotonic()
        options.digest = digest_of(options.content)
        options.hash_rate = options.size / (time.monotonic() - started)
        for peers in options.sizes:
            measure(options, peers, rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(rows, out, indent=1)
    failed = [f"N={row['peers']}: {name} {row[name]:.3f}, not {limit}" for row in rows if row["what"] == "darter"
              for name, limit in LIMITS.items() if row[name] > limit]
    for line in failed:
        print(f"LIMIT {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        print(f"swarm: {error}", file=sys.stderr)
        sys.exit(2)
    finally:
        processes.stop_leftovers()
