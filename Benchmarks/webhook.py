#!/usr/bin/env python3
"""webhook.py: how long the admission webhook takes for a review, at a steady rate over TLS.

Reviews come at fixed times, whether those before are answered or not, and each is measured from the moment that it was due:
whatever holds one up counts for those behind it, too. Once over connections that are kept, as kube-apiserver does, and
once with a new connection, so a whole handshake, for each. Pods have three containers and a manifest of some KB. Prints a
table, and exits 1 if the 99th percentile is over the limit, 2 if something did not work at all."""
import argparse
import base64
import http.client
import json
import os
import queue
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from processes import BenchError, Server

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RIG = os.path.join(ROOT, "scripts", "rig")


def review(number):
    """An AdmissionReview as kube-apiserver sends it for a pod of a Deployment."""
    fields = {f"f:field{i}": {"f:name": {}, "f:value": {}} for i in range(60)}
    containers = [
        {"name": f"c{i}", "image": image, "env": [{"name": f"VARIABLE_{v}", "value": "x" * 40} for v in range(20)],
         "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, "imagePullPolicy": "IfNotPresent"}
        for i, image in enumerate(("nginx:1.25", "docker.io/bitnami/redis:7", f"app{number % 50}:v{number}"))]
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"generateName": "web-", "labels": {"app": "web"}, "annotations": {"note": "y" * 500},
                        "managedFields": [{"manager": "kube-controller-manager", "fieldsV1": fields}]},
           "spec": {"containers": containers, "serviceAccountName": "default"}}
    request = {"uid": str(number), "operation": "CREATE", "namespace": "default", "object": pod, "oldObject": None,
               "dryRun": False, "resource": {"group": "", "version": "v1", "resource": "pods"}}
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}).encode()


class Load:
    """Reviews at a fixed rate, by as many threads as it takes."""

    def __init__(self, address, authority, keep):
        host, port = address.rsplit(":", 1)
        self.host, self.port, self.keep = host, int(port), keep
        self.tls = ssl.create_default_context(cafile=authority)
        self.due, self.times, self.faults = queue.Queue(), [], []

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=30)

    def work(self):
        connection = None
        while (item := self.due.get()) is not None:
            number, due, body = item
            try:
                connection = connection or self.connect()
                connection.request("POST", "/mutate?timeout=10s", body, {"Content-Type": "application/json"})
                answer = json.loads(connection.getresponse().read())["response"]
                self.times.append(time.monotonic() - due)
                if answer["uid"] != str(number) or len(json.loads(base64.b64decode(answer["patch"]))) != 4:
                    raise BenchError(f"review {number} was answered with {answer}")
            except (OSError, http.client.HTTPException, KeyError, ValueError, BenchError) as error:
                self.faults.append(error)
                connection = None
            if connection and not self.keep:
                connection.close()
                connection = None

    def run(self, rate, seconds, threads):
        workers = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]
        bodies = [review(number) for number in range(rate * seconds)]
        for worker in workers:
            worker.start()
        start = time.monotonic() + 0.1
        for number, body in enumerate(bodies):
            due = start + number / rate
            time.sleep(max(0, due - time.monotonic()))
            self.due.put((number, due, body))
        for _ in workers:
            self.due.put(None)
        for worker in workers:
            worker.join()
        if self.faults:
            raise BenchError(f"{len(self.faults)} of {len(bodies)} reviews failed, the first with: {self.faults[0]!r}")
        return sorted(self.times)


def main():
    binary = os.path.join(options.bin, "dfwebhook")
    if not os.access(binary, os.X_OK):
        raise BenchError(f"dfwebhook is not in {options.bin}: run make build")
    rows, holds = [], True
    with tempfile.TemporaryDirectory(prefix="darter-webhook.") as work:
        tls = os.path.join(work, "tls")
        subprocess.run([os.path.join(RIG, "make-ca.sh"), tls], check=True, stdout=subprocess.DEVNULL)
        path = os.path.join(work, "dfwebhook.yml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f'webhook: {{address: "127.0.0.1:0", tls: {{certificate: {tls}/server.crt, key: {tls}/server.key}}}}\n'
                      'health: {address: "127.0.0.1:0"}\n')
        server = Server([binary, "--config", path], "dfwebhook", work)
        try:
            for label, keep in (("connections kept", True), ("a connection for each", False)):
                before = server.cpu_seconds
                load = Load(server.fields["webhook"], os.path.join(tls, "ca.crt"), keep)
                times = load.run(options.rate, options.seconds, options.threads)
                cpu = (server.cpu_seconds - before) / options.seconds
                p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
                holds = holds and p99 * 1000 <= options.limit
                rows.append((label, f"{options.rate}/s", *(f"{t * 1000:.1f} ms" for t in (p50, p99, times[-1])),
                             f"{cpu * 100:.0f} %", "pass" if p99 * 1000 <= options.limit else "FAIL"))
            peak = server.peak_bytes
        finally:
            server.stop()
    rows.insert(0, ("reviews over TLS", "rate", "median", "p99", "worst", "processor", ""))
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(7)]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    print(f"\nmost memory resident: {peak / 1e6:.0f} MB; limit for p99: {options.limit:g} ms")
    return 0 if holds else 1


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"), help="where the executable is")
parser.add_argument("--rate", type=int, default=200, help="reviews a second")
parser.add_argument("--seconds", type=int, default=30)
parser.add_argument("--threads", type=int, default=32, help="reviews under way at once, at most")
parser.add_argument("--limit", type=float, default=100, help="for the 99th percentile, in ms")
options = parser.parse_args()
try:
    sys.exit(main())
except (BenchError, subprocess.CalledProcessError) as error:
    print(f"bench-webhook: {error}", file=sys.stderr)
    sys.exit(2)
