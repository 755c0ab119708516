"""The rendered configuration files are read by the executables, which are strict, and nodes find their supernode by them.

Without built executables the keys are held against config/*.yml, which have all of them."""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.request

import support
import yaml
from support import ROOT, VALUES, executable, one, rendered

NAMES = {"supernode.yml": "supernode", "dfdaemon.yml": "dfdaemon", "dfwebhook.yml": "dfwebhook"}
# Lists and maps whose entries are the operator's own.
OPEN = {("registry_mirror", "registries"), ("backends",), ("registry_names",), ("peer", "labels")}


def keys(value, path=()):
    """The paths of all keys of a file."""
    found = set()
    if isinstance(value, dict) and path not in OPEN:
        for key, inner in value.items():
            found |= {path + (key,)} | keys(inner, path + (key,))
    return found


def self_signed(directory):
    """A certificate for whatever a file only has to have one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost", "-keyout", "tls.key", "-out", "tls.crt"],
        cwd=directory, check=True, capture_output=True,
    )


class Place:
    """A directory in which a pod's files stand, and its configuration with the paths that they have here."""

    def __init__(self, directory, objects):
        self.root = pathlib.Path(directory)
        self.etc = self.root / "etc"
        for name in ("cluster", "tls", "supernode"):
            (self.etc / name).mkdir(parents=True)
        (self.etc / "cluster" / "token").write_text("0123456789abcdef\n")
        self_signed(self.etc / "tls")
        self.certificate = (self.etc / "tls" / "tls.crt").read_text()
        (self.etc / "supernode" / "ca.crt").write_text(self.certificate)
        self.files = {name: yaml.safe_load(text) for name, text in support.configurations(objects).items()}
        for entry in self.files["dfdaemon.yml"]["registry_mirror"]["registries"]:
            for key, text in (("ca_file", self.certificate), ("password_file", "secret\n"), ("docker_config", '{"auths": {}}')):
                if key in entry:
                    path = pathlib.Path(self.here(entry[key]))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)

    def here(self, text):
        """A text with the container's paths, with those that they have here."""
        return text.replace("/etc/darter", str(self.etc)).replace("/var/lib/darter", str(self.root / "lib"))

    def write(self, name, changes=None):
        """The file as the executable gets it."""
        configuration = yaml.safe_load(self.here(yaml.safe_dump(self.files[name])))
        for (section, key), value in (changes or {}).items():
            if key is None:
                configuration[section] = value
            else:
                configuration[section][key] = value
        path = self.root / name
        path.write_text(yaml.safe_dump(configuration))
        return path


@contextlib.contextmanager
def running(name, path):
    """The executable, from its ready line to SIGTERM; gives what the line says."""
    with open(path.with_suffix(".log"), "w+") as log:
        process = subprocess.Popen([executable(name), "--config", path], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            line = process.stdout.readline()
            if " ready " not in line:
                process.wait(30)
                log.seek(0)
                raise AssertionError(f"{name} did not start: {log.read()}")
            yield dict(word.split("=", 1) for word in line.split() if "=" in word)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            process.stdout.close()


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


@contextlib.contextmanager
def swarm(place, registries):
    """A supernode and a node that knows these registries, too; gives what the ready line of each says."""
    # TLS is for the names in the certificate, which lead nowhere here.
    place.files["supernode.yml"]["api"].pop("tls", None)
    place.files["dfdaemon.yml"].pop("supernode_ca_file", None)
    place.files["dfdaemon.yml"]["registry_mirror"]["registries"] += registries
    small = {
        ("store", "free_space_floor"): "1MiB", ("store", "quota"): "64MiB",
        ("origin", None): {"allow_addresses": ["127.0.0.0/8"]},
    }
    supernode = place.write("supernode.yml", small | {
        ("api", "address"): "127.0.0.1:0", ("pieces", "address"): "127.0.0.1:0",
    })
    with running("supernode", supernode) as ready:
        node = place.write("dfdaemon.yml", small | {
            ("proxy", "address"): "127.0.0.1:0", ("pieces", "address"): "127.0.0.1:0",
            ("health", "address"): "127.0.0.1:0", ("supernodes", None): [ready["api"]],
        })
        with running("dfdaemon", node) as daemon:
            yield ready, daemon


@contextlib.contextmanager
def registry(blob, digest):
    """A registry that has one blob, and wants no login."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def answer(self, with_body):
            body = blob if self.path == f"/v2/lib/app/blobs/{digest}" else b"{}" if self.path == "/v2/" else None
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if with_body and body:
                self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ReferenceKeys(unittest.TestCase):
    def test_every_key_is_one_that_the_executable_has(self):
        for name in VALUES:
            for file, text in support.configurations(rendered(name)).items():
                reference = ROOT / "config" / file
                if not reference.exists():
                    continue
                unknown = keys(yaml.safe_load(text)) - keys(yaml.safe_load(reference.read_text()))
                self.assertEqual(unknown, set(), f"{name} {file}")


class Executables(unittest.TestCase):
    def needs(self, *names):
        for name in names:
            if not executable(name):
                self.skipTest(f"{name} is not built")

    def test_every_file_is_read(self):
        for name in VALUES:
            with tempfile.TemporaryDirectory() as directory:
                place = Place(directory, rendered(name))
                for file in place.files:
                    program = executable(NAMES[file])
                    if not program:
                        continue
                    with self.subTest(values=name, file=file):
                        result = subprocess.run(
                            [program, "--config", place.write(file), "--print-config"], capture_output=True, text=True, timeout=60
                        )
                        self.assertEqual(result.returncode, 0, result.stderr)
        self.needs(*set(NAMES.values()) - {"dfwebhook"})

    def test_the_webhooks_file_says_what_becomes_of_a_manifest_where_its_pods_files_are_not(self):
        self.needs("dfwebhook")
        texts = [support.configurations(rendered(name)).get("dfwebhook.yml") for name in VALUES]
        texts.append((ROOT / "config" / "dfwebhook.yml").read_text())
        for text in filter(None, texts):
            with tempfile.TemporaryDirectory() as directory:
                path = pathlib.Path(directory) / "dfwebhook.yml"
                path.write_text(text)
                pod = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "nginx"}]}}
                result = subprocess.run(
                    [executable("dfwebhook"), "lint", "--pod", "/dev/stdin", "--config", path], input=json.dumps(pod),
                    capture_output=True, text=True, timeout=60,
                )
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("nginx", result.stdout)

    def test_a_blob_comes_through_the_supernode(self):
        self.needs("supernode", "dfdaemon")
        blob = os.urandom(1 << 20)
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        for name in VALUES:
            with self.subTest(values=name), tempfile.TemporaryDirectory() as directory, registry(blob, digest) as origin:
                place = Place(directory, rendered(name))
                with swarm(place, [{"host": "registry.test", "url": origin}]) as (ready, daemon):
                    self.assertIn(b'"ready":true', get(f"http://{daemon['health']}/readyz"))
                    path = f"v2/registry.test/lib/app/blobs/{digest}"
                    self.assertEqual(get(f"http://{daemon['proxy']}/{path}"), blob)
                    # The supernode has let the node in, by the cluster's secret, and given it every byte.
                    peers = json.loads(get(f"http://{ready['api']}/api/v1/peers"))["items"]
                    self.assertEqual(len(peers), 1)
                    metrics = get(f"http://{daemon['health']}/metrics").decode()
                    self.assertIn(f'darter_received_bytes_total{{from="supernode"}} {len(blob)}', metrics)

    def test_a_certificate_of_the_charts_own_holds_for_every_supernode(self):
        self.needs("supernode")
        objects = rendered("small")
        secret = next(item for item in support.of_kind(objects, "Secret") if item["type"] == "kubernetes.io/tls")
        with tempfile.TemporaryDirectory() as directory:
            place = Place(directory, objects)
            for key, value in secret["data"].items():
                (place.etc / "tls" / key).write_bytes(base64.b64decode(value))
            path = place.write("supernode.yml", {
                ("api", "address"): "127.0.0.1:0", ("pieces", "address"): "127.0.0.1:0",
                ("store", "free_space_floor"): "1MiB",
            })
            names = [url.removeprefix("https://").rsplit(":")[0] for url in place.files["dfdaemon.yml"]["supernodes"]]
            trust = ssl.create_default_context(cafile=place.etc / "tls" / "ca.crt")
            with running("supernode", path) as ready:
                host, port = ready["api"].rsplit(":", 1)
                for server in names:
                    with socket.create_connection((host, int(port)), timeout=10) as plain:
                        with trust.wrap_socket(plain, server_hostname=server) as connection:
                            self.assertTrue(connection.version().startswith("TLSv1"))

    def test_an_init_container_prepares_a_node(self):
        self.needs("dfdaemon")
        # Before the upgrade: all registries, at another port.
        earlier = support.chart.objects(support.chart.render({"mode": "mirror", "dfdaemon": {"port": 15001}}))
        wider = {"mode": "mirror", "containerd": {"registries": ["quay.io", "ghcr.io"]}}
        wider = support.chart.objects(support.chart.render(wider))
        for name in ("mirror", "restore"):
            with tempfile.TemporaryDirectory() as directory:
                for mount in ("etc/containerd", "etc/containers-mirror"):
                    (pathlib.Path(directory) / mount).mkdir(parents=True)
                for objects in (earlier, wider, rendered(name)):
                    daemon = one(objects, "DaemonSet")["spec"]["template"]["spec"]
                    command = next(c for c in daemon["initContainers"] if c["name"] == "containerd")["command"]
                    arguments = [argument.replace("/host", directory) for argument in command[1:]]
                    result = subprocess.run([executable("dfdaemon"), *arguments], capture_output=True, text=True, timeout=60)
                    self.assertEqual(result.returncode, 0, result.stderr)
                made = sorted(str(p.relative_to(directory)) for p in pathlib.Path(directory).rglob("hosts.toml"))
                certs = "etc/containerd/certs.d"
                wanted = [f"{certs}/quay.io/hosts.toml", f"{certs}/registry.example.com:5000/hosts.toml"]
                self.assertEqual(made, wanted if name == "mirror" else [])
                for path in made:
                    text = (pathlib.Path(directory) / path).read_text()
                    self.assertIn('[host."http://127.0.0.1:65001"]', text)
                    self.assertIn('server = "https://', text)

    def test_a_command_of_a_container_is_one_that_the_executable_has(self):
        self.needs("dfdaemon", "supernode")
        for name in VALUES:
            for pod, _, spec in support.pod_specs(rendered(name)):
                for container in spec.get("initContainers", []) + spec["containers"]:
                    program = executable(container["command"][0])
                    if not program:
                        continue
                    words = [w for w in container["command"][1:] if not w.startswith(("-", "/"))]
                    words = words[:2] if words[:1] == ["runtime"] else words[:1]
                    result = subprocess.run([program, *words, "--help"], capture_output=True, text=True, timeout=60)
                    self.assertEqual(result.returncode, 0, f"{pod} {container['name']}: {result.stderr}")
                    for option in container["command"] + container.get("args", []):
                        if option.startswith("--") and (words or option != "--config"):
                            self.assertIn(option, result.stdout, f"{pod} {container['name']}")


if __name__ == "__main__":
    unittest.main()
