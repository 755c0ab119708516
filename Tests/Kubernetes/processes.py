"""Programs that the tests start, each ended by its own id, and a network of this test run's own."""
import contextlib
import ctypes
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import time

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
BRIDGE = "cluster"
# What the cluster's own programs listen at, and where its services begin.
HOST = "10.42.0.1"
API = "10.96.0.1"


def once(make):
    """Makes it at the first call and gives the same to all; what has failed is not tried again."""
    @functools.cache
    def outcome():
        try:
            return make(), None
        except Exception as error:  # noqa: BLE001  # raised below, each time
            return None, error

    @functools.wraps(make)
    def call():
        made, error = outcome()
        if error:
            raise error
        return made
    return call


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


def separate():
    """Leaves the machine's network and mounts for ones of this process's own, which end with it."""
    if os.geteuid() != 0:
        raise PermissionError("the tests with a kube-apiserver make a network of their own: run them as root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")
    # The names of networks are files there, and shall not stay.
    run("mount", "-t", "tmpfs", "run", "/run")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{HOST}/24", "dev", BRIDGE)
    run("ip", "address", "add", f"{API}/32", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


@contextlib.contextmanager
def network(name, address):
    """A network as a pod has it, with an address on the bridge."""
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"v-{name}", "master", BRIDGE, "up")
        for command in (["link", "set", "lo", "up"], ["address", "add", f"{address}/24", "dev", "eth0"],
                        ["link", "set", "eth0", "up"], ["route", "add", "default", "via", HOST]):
            run("ip", "-n", name, *command)
        yield
    finally:
        run("ip", "netns", "delete", name)


class Program:
    """A program with its output in a file. The kernel ends it when this process ends before it; what is run by other programs
    `before` it has to see to that itself."""

    def __init__(self, name, command, directory, before=()):
        self.name = name
        self.log = pathlib.Path(directory) / f"{name}.log"
        tether = [shutil.which("setpriv"), "--pdeathsig", "KILL"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*(before or tether), *map(str, command)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )

    def text(self):
        return self.log.read_text(errors="replace")

    @property
    def has_ended(self):
        return self.process.poll() is not None

    def stop(self, how=signal.SIGTERM, patience=20):
        """Its exit code; it is killed when it does not end."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def check(self):
        """Raises if it has ended."""
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f"{self.name} ended with {code}:\n" + "\n".join(self.text().splitlines()[-20:]))


def wait(what, condition, seconds=30, program=None):
    """What `condition` gives as soon as that is something."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if program:
            program.check()
        if time.monotonic() > end:
            tail = "\n" + "\n".join(program.text().splitlines()[-20:]) if program else ""
            raise AssertionError(f"{what}: not within {seconds} s{tail}")
        time.sleep(0.05)
