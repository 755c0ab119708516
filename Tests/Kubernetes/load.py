"""Pods that are made all the time while something else happens."""
import itertools
import threading
import time

from release import is_rewritten


class Load:
    """Within `with`: pods are made, one after the other by each of some threads. Then: what became of them."""

    def __init__(self, release, namespace, threads=3, pause=0.05):
        self.release, self.namespace, self.pause = release, namespace, pause
        self.admitted, self.refused = [], []
        # Of so many names that kube-apiserver makes up two are the same every now and then, and it refuses the second one.
        self.numbers = itertools.count()
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()

    def _run(self):
        while not self.ends.is_set():
            begin = time.monotonic()
            try:
                pod = self.release.pod(self.namespace, meta={"name": f"load-{next(self.numbers)}"})
                self.admitted.append((begin, time.monotonic(), is_rewritten(pod)))
            except Exception as error:  # noqa: BLE001  # whatever it is, this pod was refused
                self.refused.append(repr(error))
            self.ends.wait(self.pause)

    def left_out(self, begin=0.0):
        """When pods were made that kept their images, of those since a time."""
        return [round(when, 2) for when, _, rewritten in list(self.admitted) if not rewritten and when >= begin]

    def in_a_row(self, begin):
        """How many of those since a time were rewritten after the last one that was not."""
        made = [rewritten for when, _, rewritten in list(self.admitted) if when >= begin]
        return next((i for i, rewritten in enumerate(reversed(made)) if not rewritten), len(made))

    def longest(self):
        """How long it took at most to make one, in seconds."""
        return max(end - begin for begin, end, _ in self.admitted)

    def reaches(self, count):
        """Waits until so many more pods are there."""
        goal = len(self.admitted) + count
        end = time.monotonic() + 60
        while len(self.admitted) < goal:
            assert time.monotonic() < end, f"{len(self.admitted)} of {goal} pods; refused: {self.refused[:3]}"
            time.sleep(0.02)
