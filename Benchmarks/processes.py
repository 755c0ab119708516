"""Starting processes, and what they took: wall time, processor time, peak resident memory."""
import os
import re
import signal
import subprocess
import time

# Set for everything that is started, and inherited by what that starts: whatever carries it is ours to stop.
MARK = f"darter-bench-{os.getpid()}"
ENVIRONMENT = dict(os.environ, DARTER_BENCH=MARK, no_proxy="*")


class BenchError(Exception):
    """Something did not work: the measurement means nothing."""


class Finished:
    """A command that ran to its end."""

    def __init__(self, usage):
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        # At least what this interpreter has resident: a child starts as a copy of it.
        self.peak_bytes = usage.ru_maxrss * 1024


def run_together(commands, log):
    """Starts all commands at once; returns the seconds until the last has ended, and a Finished for each."""
    with open(log, "ab") as out:
        started = time.monotonic()
        children = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENVIRONMENT)
                    for command in commands]
        finished = {}
        while len(finished) < len(children):
            pid, status, usage = os.wait4(-1, 0)
            index = next((i for i, child in enumerate(children) if child.pid == pid), None)
            if index is None:
                raise BenchError(f"a server ended in the middle of a measurement (process {pid})")
            children[index].returncode = os.waitstatus_to_exitcode(status)
            finished[index] = Finished(usage)
        seconds = time.monotonic() - started
    for child in children:
        if child.returncode != 0:
            with open(log, encoding="utf-8", errors="replace") as text:
                last = "".join(text.readlines()[-5:])
            raise BenchError(f"{' '.join(map(str, child.args))} ended with {child.returncode}:\n{last}")
    return seconds, [finished[i] for i in range(len(children))]


class Server:
    """One of our servers, from its ready line to its end."""

    def __init__(self, command, name, directory):
        os.makedirs(directory, exist_ok=True)
        self.name = name
        self.log = os.path.join(directory, f"{name}.log")
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENVIRONMENT,
                                            start_new_session=True)
        self.fields = self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                for line in log:
                    if f"{self.name} ready " in line and line.endswith("\n"):
                        return dict(re.findall(r"(\w+)=(\S+)", line.split(" ready ", 1)[1]))
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            last = "".join(log.readlines()[-5:])
        self.stop()
        raise BenchError(f"{self.name} did not become ready:\n{last}")

    @property
    def cpu_seconds(self):
        return cpu_seconds_of(self.process.pid)

    @property
    def peak_bytes(self):
        return peak_of(self.process.pid)

    def reset_peak(self):
        """From now on the peak is what is resident now, or more (proc(5), clear_refs)."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="utf-8") as file:
            file.write("5")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def cpu_seconds_of(pid):
    """The processor time of a running process and its threads, to the nanosecond: clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def peak_of(pid):
    """The most memory a running process has had resident, in bytes."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024


def marked_processes(executable=None):
    """The ids of all running processes that we started, directly or not, but for this one; `executable`: of this one."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as environment:
                if f"DARTER_BENCH={MARK}".encode() not in environment.read().split(b"\0"):
                    continue
            if executable is None or os.path.basename(os.readlink(f"/proc/{entry}/exe")) == executable:
                found.append(int(entry))
        except OSError:
            continue
    return found


def stop_leftovers(executable=None):
    """Ends what the commands left in the background (dfget's own server)."""
    for signal_number, attempts in ((signal.SIGTERM, 100), (signal.SIGKILL, 100)):
        for pid in marked_processes(executable):
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
        for _ in range(attempts):
            if not marked_processes(executable):
                return
            time.sleep(0.05)
