"""Hosts in network namespaces on one switch, each limited both ways; and their faults: loss, partitions."""
import os
import subprocess

from processes import BenchError


def sh(*words):
    """Runs one command of the system; what it says counts only when it fails."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


class Hosts:
    """`count` hosts named by number, from 1; a context: whatever is made is removed at its end.

    A host's link takes `rate` (of tc, such as 100mbit) up and down; token buckets count whole frames, so that less of it
    is left for content."""

    def __init__(self, count, rate):
        self.count = count
        self.rate = rate
        self.prefix = f"dsw{os.getpid() % 100000}-"
        self.switch = f"{self.prefix}sw"

    def __enter__(self):
        try:
            sh("ip", "netns", "add", self.switch)
            self._switch("link", "add", "br0", "type", "bridge")
            self._switch("link", "set", "br0", "up")
            # A switch has no packet filter, but the kernel's bridges may send each frame through one.
            if os.path.exists("/proc/sys/net/bridge"):
                sh("ip", "netns", "exec", self.switch, "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0")
            for number in range(1, self.count + 1):
                self._add(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in [self.name(number) for number in range(1, self.count + 1)] + [self.switch]:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def name(self, number):
        return f"{self.prefix}{number}"

    @staticmethod
    def address(number):
        return f"10.88.{number // 250}.{number % 250 + 1}"

    def command(self, number, words):
        """The command that runs `words` on a host."""
        return ["ip", "netns", "exec", self.name(number), *words]

    def _switch(self, *words):
        sh("ip", "-n", self.switch, *words)

    def _add(self, number):
        name, port = self.name(number), f"v{number}"
        sh("ip", "netns", "add", name)
        self._switch("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        self._switch("link", "set", port, "master", "br0", "up")
        for words in (("addr", "add", f"{self.address(number)}/16", "dev", "eth0"), ("link", "set", "lo", "up"),
                      ("link", "set", "eth0", "up")):
            sh("ip", "-n", name, *words)
        for namespace, device in ((name, "eth0"), (self.switch, port)):
            sh("tc", "-n", namespace, "qdisc", "add", "dev", device, "root", "tbf", "rate", self.rate, "burst", "128kb",
               "latency", "50ms")

    def lose(self, number, part):
        """From now on a host does not get this part of the packets that are sent to it."""
        sh(*self.command(number, ["iptables", "-A", "INPUT", "-i", "eth0", "-m", "statistic", "--mode", "random",
                                  "--probability", str(part), "-j", "DROP"]))

    def cut(self, number, isolated=True):
        """Takes a host off the switch, or puts it back."""
        self._switch("link", "set", f"v{number}", "down" if isolated else "up")
