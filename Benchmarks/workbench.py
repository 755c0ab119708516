"""What the sections of bench.py share: a directory, the servers of the rig and our own, and the table that is filled."""
import hashlib
import os
import shutil
import statistics
import subprocess
import sys

import processes
from processes import BenchError, Server, run_together

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RIG = os.path.join(ROOT, "scripts", "rig")
MIB, GIB = 1 << 20, 1 << 30


# How our servers are configured: all that the sections know of it. Where `supernode` is None there is none.

def supernode_config(home):
    return f"""
api: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"}}
home: {home}
origin: {{allow_addresses: [127.0.0.0/8]}}
"""


def dfdaemon_config(home, supernode, registry):
    supernodes = f'"{supernode}"' if supernode else ""
    return f"""
proxy: {{address: "127.0.0.1:0"}}
pieces: {{address: "127.0.0.1:0"}}
health: {{address: "127.0.0.1:0"}}
home: {home}
supernodes: [{supernodes}]
origin: {{allow_addresses: [127.0.0.0/8]}}
registry_mirror: {{remote: "{registry}"}}
"""


class RigServer:
    """A server that a script of the rig has started in `directory`."""

    def __init__(self, directory, url):
        self.directory, self.url = directory, url

    @property
    def pid(self):
        names = [name for name in os.listdir(self.directory) if name.endswith(".pid")]
        with open(os.path.join(self.directory, names[0]), encoding="utf-8") as file:
            return int(file.read())

    @property
    def worker(self):
        """The only child of nginx's first process: the one that serves."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="utf-8") as children:
            (worker,) = children.read().split()
        return int(worker)

    def stop(self):
        subprocess.run([os.path.join(RIG, "stop.sh"), self.directory], check=False)


class Workbench:
    def __init__(self, work, options):
        self.work = work
        self.options = options
        self.rows = []
        self.cpu = {}
        self.peaks = {}
        self.serial = 0
        self.rig_servers = []
        self.log = self.path("commands.log")
        self.files = self.path("files")
        self.out = self.path("out")
        self.size = options.size * MIB
        os.makedirs(self.files)
        os.makedirs(self.out)
        os.chmod(work, 0o755)  # nginx's worker reads below it

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def binary(self, name):
        return os.path.join(self.options.bin, name)

    # The servers that are compared with, and what they serve.

    def prepare(self):
        with open(self.path("files", "file"), "wb") as file:
            for _ in range(self.options.size):
                file.write(os.urandom(MIB))
        self.digest = sha256(self.path("files", "file"))
        self.origin = self.rig("start-nginx.sh", "nginx", self.files)
        self.registry = self.rig("start-registry.sh", "registry", before=("none",))
        self.push_blob("file", self.digest)

    def rig(self, script, name, *arguments, before=(), place=()):
        """Starts a server in the directory `name`: SCRIPT `before` DIRECTORY `arguments`; `place`: words before it all."""
        directory = self.path(name)
        server = RigServer(directory, None)
        self.rig_servers.append(server)
        command = [*place, os.path.join(RIG, script), *before, directory, *arguments]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode != 0:
            raise BenchError(f"{script} failed")
        server.url = result.stdout.split()[-1]
        return server

    def push_blob(self, name, digest):
        """Distribution spec, "Pushing blobs": a POST for the place, then one PUT of the whole."""
        head = subprocess.run(["curl", "-sSf", "-X", "POST", "-o", os.devnull, "-D", "-", "--noproxy", "*",
                               f"{self.registry.url}/v2/bench/blob/blobs/uploads/"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        place = next(line.split(": ", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("location"))
        joint = "&" if "?" in place else "?"
        subprocess.run(["curl", "-sSf", "-o", os.devnull, "--noproxy", "*", "-T", self.path("files", name),
                        "-H", "Content-Type: application/octet-stream", f"{place}{joint}digest=sha256:{digest}"],
                       check=True)

    def blob(self, base, digest=None):
        """The URL of a blob at the registry, or the mirror, `base`."""
        return f"{base}/v2/bench/blob/blobs/sha256:{digest or self.digest}"

    # Our servers.

    def start(self, name, directory, config, place=()):
        os.makedirs(self.path(directory))
        file = self.path(directory, "config.yml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(config)
        return Server([*place, self.binary(name), "--config", file], name, self.path(directory, "log"))

    def fresh(self, name):
        """A directory name that was never used, and so an empty cache."""
        self.serial += 1
        return f"{name}{self.serial}"

    def supernode(self, place=()):
        directory = self.fresh("supernode")
        return self.start("supernode", directory, supernode_config(self.path(directory, "home")), place)

    def dfdaemon(self, supernode=None, more="", registry=None, place=()):
        """A dfdaemon with an empty cache; `more`: lines for its configuration."""
        directory = self.fresh("dfdaemon")
        home = self.path(directory, "home")
        api = supernode.fields["api"] if supernode else None
        config = dfdaemon_config(home, api, (registry or self.registry).url) + more
        server = self.start("dfdaemon", directory, config, place)
        server.home = home
        server.url = f"http://{server.fields['proxy']}"
        return server

    def end(self, server):
        """Ends a server, and what it has stored."""
        server.stop()
        if isinstance(server, RigServer):
            self.rig_servers.remove(server)
            shutil.rmtree(server.directory)
        else:
            shutil.rmtree(os.path.dirname(os.path.dirname(server.log)))

    # Measuring.

    def curl(self, url, output):
        return ["curl", "-sSf", "--noproxy", "*", "-o", output, url]

    def url(self, name):
        """A URL that nobody has asked for: another task of the same bytes."""
        self.serial += 1
        return f"{self.origin.url}/{name}?{self.serial}"

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

    def alternate(self, *sides):
        """Medians of what each side returns, a number or several; another one takes the first turn in every round."""
        results = [[] for _ in sides]
        for number in range(self.options.rounds):
            for turn in range(len(sides)):
                side = (number + turn) % len(sides)
                results[side].append(sides[side]())
        return [median(values) for values in results]

    # The table.

    def ratio(self, work, reference_name, sign, limit, reference, measured):
        ratio = measured / reference
        self.row(work, f"{sign} {limit} × {reference_name}", f"{ratio:.2f} × ({measured:.2f} s to {reference:.2f} s)",
                 ratio <= limit)

    def row(self, work, limit, measured, holds):
        """`holds`: whether the limit does; None where there is none."""
        self.rows.append((work, limit, measured, holds))
        print(f"bench: {work}: {measured}", file=sys.stderr)

    def stop(self):
        processes.stop_leftovers()
        for server in self.rig_servers:
            if os.path.isdir(server.directory):
                server.stop()


def median(values):
    if isinstance(values[0], tuple):
        return tuple(statistics.median(column) for column in zip(*values))
    return statistics.median(values)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(MIB):
            digest.update(data)
    return digest.hexdigest()
