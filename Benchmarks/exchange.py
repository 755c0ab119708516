#!/usr/bin/env python3
"""exchange.py: what a supernode costs that 10,000 nodes have a call open at, over as many real connections.

One supernode process, and this one, which plays the nodes: each registers over a connection of its own, waits in an
exchange, joins one task, and waits again, at last for a piece. Then one piece after the other is told as finished, and it
is seen who is told of it, how soon, and in how many bytes. Prints a table, and exits 1 if a limit does not hold, 2 if something did not work
at all. Both processes open as many files as there are nodes; needs about 1 GiB of memory with the default number."""
import argparse
import hashlib
import json
import os
import re
import resource
import select
import signal
import socket
import statistics
import sys
import tempfile
import time

from processes import BenchError, Server

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KIB = 1024
PIECES = 256
PIECE = 256 * KIB
# How long calls wait at most, in seconds: what a supernode allows.
LONGEST_WAIT = 30
# How many nodes fetch while the others have all they want: each is seen to finish before it counts as slow.
FETCHING = 8
# How long nothing may have come for all to have been told, in seconds.
QUIET = 0.03
# As many connections as one address has ports for, with room to spare.
NODES_PER_ADDRESS = 5000


def supernode_config(home, files):
    return f"""
api: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"}}
home: {home}
backends: [{{plugin: file, roots: [{files}]}}]
"""


class Node:
    """One connection of a node, and what the node knows."""

    def __init__(self, number, server, other=None):
        self.number = number
        # The connection that the next call goes over, because a call waits on this one.
        self.other = other
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((f"127.0.1.{1 + number // NODES_PER_ADDRESS}", 0))
        self.socket.connect(server)
        self.received = b""
        # What both connections of a node know.
        self.shared = other.shared if other else {"peer": None, "key": None, "sequence": 0}
        self.is_waiting = False
        self.sent_bytes = self.answer_bytes = 0
        # Piece and parent that it was told of.
        self.assignment = None

    @property
    def peer(self):
        return self.shared["peer"]

    def send(self, path, body):
        text = json.dumps(body, separators=(",", ":")).encode()
        key = self.shared["key"]
        authorization = f"Authorization: Bearer {key}\r\n" if key else ""
        message = (f"POST {path} HTTP/1.1\r\nHost: supernode\r\nContent-Type: application/json\r\n{authorization}"
                   f"Content-Length: {len(text)}\r\n\r\n").encode() + text
        self.sent_bytes = len(message)
        self.socket.sendall(message)

    def exchange(self, reports, wait=LONGEST_WAIT):
        self.is_waiting = True
        self.shared["sequence"] += 1
        self.send(f"/api/v1/peers/{self.peer}/exchange",
                  {"sequence": self.shared["sequence"], "open": [], "waitMilliseconds": wait * 1000, "tasks": reports})

    def receive(self):
        """Reads what there is; returns the body of an answer that is complete, and otherwise None."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise BenchError(f"the supernode closed the connection of node {self.number}")
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", self.received[:end + 2])
        if not length:
            raise BenchError(f"an answer without a length: {self.received[:end]}")
        total = end + 4 + int(length[1])
        if len(self.received) < total:
            return None
        head, body = self.received[:end], self.received[end + 4:total]
        self.received = self.received[total:]
        self.answer_bytes = total
        self.is_waiting = False
        if not re.match(rb"HTTP/1.1 2\d\d ", head):
            raise BenchError(f"node {self.number}: {head.splitlines()[0].decode()}: {body.decode()[:200]}")
        return json.loads(body)


class Swarm:
    def __init__(self, server, nodes):
        host, port = server.fields["api"].rsplit(":", 1)
        self.server = server
        self.address = (host, int(port))
        self.count = nodes
        self.nodes = []
        self.poll = select.epoll()
        self.by_file = {}
        # Nodes with a piece to fetch.
        self.busy = []

    def connect(self):
        for number in range(self.count):
            node = Node(number, self.address)
            self.nodes.append(node)
            self.add(node)

    def add(self, node):
        self.by_file[node.socket.fileno()] = node
        self.poll.register(node.socket.fileno(), select.EPOLLIN)

    def answers(self, seconds):
        """All answers that come within so many seconds, as (node, body)."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for file, _ in self.poll.poll(left, 1024):
                node = self.by_file[file]
                if (body := node.receive()) is not None:
                    yield node, body

    def all_call(self, send, take, at_once=64):
        """Every node makes a call, `at_once` of them at a time, and `take` gets every answer."""
        waiting = iter(self.nodes)
        pending = 0
        for node in waiting:
            send(node)
            pending += 1
            if pending >= at_once:
                break
        for node, body in self.answers(300):
            take(node, body)
            pending -= 1
            if (following := next(waiting, None)) is not None:
                send(following)
                pending += 1
            if pending == 0:
                return
        raise BenchError("the supernode does not answer")

    # What nodes say.

    def register(self):
        def take(node, body):
            node.shared["peer"], node.shared["key"] = body["peer"], body["key"]

        self.all_call(lambda node: node.send("/api/v1/peers", {
            "versions": [1], "port": 65002, "name": f"node-{node.number}", "labels": {}, "uploadSlots": 2}), take)

    def join(self, url, seconds):
        """Every node joins the task, and calls at once: whoever does not is taken for dead after 5 seconds."""
        def take(node, body):
            if "task" not in body:
                raise BenchError("joining takes longer than a call waits")
            self.task, self.generation = body["task"], body["generation"]
            node.exchange([self.report(0)], seconds)

        self.all_call(lambda node: node.send(f"/api/v1/peers/{node.peer}/tasks", {
            "url": url, "ignoredQuery": [], "headers": [], "credentials": [], "pattern": "p2p"}), take)

    def report(self, window, finished=None, parent=None):
        news = [{"piece": finished, "parent": parent, "body": 20_000}] if finished is not None else []
        return {"task": self.task, "generation": self.generation, "finished": news, "failed": [], "outstanding": "",
                "ending": "", "late": "", "window": window}

    def wait(self, seconds):
        """Every node has a call open from here on."""
        for node in self.nodes:
            node.exchange([], seconds)

    def all_answered(self):
        """Waits until every open call has been answered."""
        left = self.count
        for _ in self.answers(2 * LONGEST_WAIT):
            left -= 1
            if left == 0:
                return
        raise BenchError("calls are not answered when their time is over")

    def renew(self, seconds):
        """Whoever has been answered calls again; returns how many calls that were."""
        calls = 0
        for node, body in self.answers(seconds):
            calls += 1
            self.note(node, body)
            node.exchange([])
        return calls

    def fetch(self):
        """Some nodes begin to fetch."""
        for node in self.nodes[:FETCHING]:
            caller = self.free_connection(node)
            caller.exchange([self.report(1)])
        for node, body in self.answers(QUIET):
            if self.note(node, body) or not node.other or not node.other.is_waiting:
                node.exchange([])

    def note(self, node, body):
        """Returns whether the node has been given a piece."""
        for update in body["tasks"]:
            if update["state"] != "running":
                raise BenchError(f"node {node.number} is told that the task is {update['state']}")
            for piece in update["cancelled"]:
                # Given to somebody else: nobody fetches here, and so what is not told as finished at once is slow.
                self.busy = [other for other in self.busy if (other.peer, other.assignment[0]) != (node.peer, piece)]
            for assignment in update["assignments"]:
                node.assignment = assignment["piece"], update["parents"][assignment["parents"][0]]["peer"]
                self.busy.append(node)
                return True
        return False

    def free_connection(self, node):
        """The node's other connection: a call waits on this one, and returns when a newer one comes."""
        if node.other is None:
            node.other = Node(node.number, self.address, node)
            self.add(node.other)
        return node.other

    def finish_one(self):
        """One node tells that it has got its piece; returns the milliseconds until all concerned have been told, and the
        bytes of its call and of each answer."""
        for other, body in self.answers(5) if not self.busy else ():
            if self.note(other, body):
                other.exchange([])
                break
        if not self.busy:
            raise BenchError("nobody is given a piece any more")
        node = self.busy.pop(0)
        caller = self.free_connection(node)
        start = last = time.monotonic()
        caller.exchange([self.report(1, *node.assignment)])
        sizes = []
        while time.monotonic() - last < QUIET:
            for other, body in self.answers(QUIET):
                if self.note(other, body):
                    last = time.monotonic()
                    sizes.append(other.answer_bytes)
                    other.exchange([])
                elif other.other is None or not other.other.is_waiting:
                    other.exchange([])
                break
        return (last - start) * 1000, caller.sent_bytes, sizes


def status(server, field):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as text:
        return int(re.search(rf"{field}:\s+(\d+)", text.read())[1])


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, limit, measured, holds=True):
        self.rows.append((what, limit, measured, "pass" if holds and limit else "" if holds else "FAIL"))

    def print(self):
        lines = [("what", "limit", "measured", "")] + self.rows
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        lines.insert(1, tuple("-" * max(3, width) for width in widths))
        for line in lines:
            print("| " + " | ".join(text.ljust(max(3, width)) for text, width in zip(line, widths)) + " |")


def measure(work, table):
    files = os.path.join(work, "files")
    os.makedirs(files)
    with open(os.path.join(files, "content"), "wb") as out:
        for number in range(PIECES):
            out.write(hashlib.sha256(str(number).encode()).digest() * (PIECE // 32))
    config = os.path.join(work, "supernode.yml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(supernode_config(os.path.join(work, "home"), files))
    server = Server([os.path.join(options.bin, "supernode"), "--config", config], "supernode", work)
    try:
        run(server, f"file://{files}/content", table)
    finally:
        server.stop()


def run(server, url, table):
    # What it needs once, whoever comes: threads, tables, the first answers.
    first = Swarm(server, 64)
    first.connect()
    first.register()
    first.join(url, 5)
    first.all_answered()
    memory, threads = status(server, "VmRSS"), status(server, "Threads")

    def check(what):
        each = (status(server, "VmRSS") - memory) / options.nodes
        table.add(f"memory for each node that {what}", "32 KiB", f"{each:.1f} KiB", each <= 32)
        now = status(server, "Threads")
        table.add("threads", str(threads), str(now), now <= threads)

    swarm = Swarm(server, options.nodes)
    started = time.monotonic()
    swarm.connect()
    swarm.register()
    table.add("registrations a second", "", f"{options.nodes / (time.monotonic() - started):.0f}")
    swarm.wait(25)
    time.sleep(3)
    check("waits")
    before, started = server.cpu_seconds, time.monotonic()
    time.sleep(15)
    share = (server.cpu_seconds - before) / (time.monotonic() - started)
    table.add("processor while all wait", "2 %", f"{share * 100:.1f} %", share <= 0.02)
    swarm.all_answered()

    started = time.monotonic()
    swarm.join(url, LONGEST_WAIT)
    table.add("joins a second", "", f"{options.nodes / (time.monotonic() - started):.0f}")
    check("waits with a task")
    before, started = server.cpu_seconds, time.monotonic()
    calls = swarm.renew(LONGEST_WAIT)
    share = (server.cpu_seconds - before) / (time.monotonic() - started)
    table.add(f"processor while calls are renewed every {LONGEST_WAIT} s", "", f"{share * 100:.1f} %")
    table.add("microseconds of it for each call", "", f"{share * LONGEST_WAIT / max(1, calls) * 1e6:.0f}")

    swarm.fetch()
    before = server.cpu_seconds
    steps = [swarm.finish_one() for _ in range(options.pieces)]
    spent = server.cpu_seconds - before
    told = [len(sizes) for *_, sizes in steps]
    if not sum(told):
        raise BenchError("nobody was told of a finished piece")
    times = sorted(time for time, *_ in steps)
    sent = statistics.mean(size for _, size, _ in steps)
    answers = [size for *_, sizes in steps for size in sizes]
    late = times[len(times) * 99 // 100]
    table.add("one piece finished: nodes told", "10", f"{statistics.mean(told):.1f}", statistics.mean(told) <= 10)
    table.add("milliseconds until the last of them knows, median and p99", "50",
              f"{statistics.median(times):.1f}, {late:.1f}", late <= 50)
    table.add("bytes of its call, headers included", "1024", f"{sent:.0f}", sent <= 1024)
    table.add("bytes of each answer, mean and most", "4096", f"{statistics.mean(answers):.0f}, {max(answers)}",
              max(answers) <= 4096)
    table.add("processor milliseconds for each finished piece", "", f"{spent / len(steps) * 1000:.2f}")
    check("waits for a piece")


def interrupted(*_):
    raise BenchError("interrupted")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"), help="where the executables are")
parser.add_argument("--nodes", type=int, default=10_000, help="how many nodes")
parser.add_argument("--pieces", type=int, default=200, help="how many pieces are told as finished")
options = parser.parse_args()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, interrupted)
try:
    needed = options.nodes + 10 * options.pieces + 256
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        # The supernode inherits it.
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(hard, needed)))
    results = Table()
    with tempfile.TemporaryDirectory(prefix="darter-exchange.") as directory:
        measure(directory, results)
    print(f"{options.nodes} nodes on as many connections")
    results.print()
    sys.exit(0 if all(verdict != "FAIL" for *_, verdict in results.rows) else 1)
except (BenchError, OSError, ValueError) as error:
    print(f"exchange: {error}", file=sys.stderr)
    sys.exit(2)
