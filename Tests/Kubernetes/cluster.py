"""etcd and kube-apiserver, as a cluster without any node, scheduler or controller."""
import atexit
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import processes
from api import APIError, Client
from authority import Authority, new_key, pem_of_key, pem_of_public_key
from processes import API, HOST, Program, once, wait

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = pathlib.Path(os.environ.get("KUBE_APISERVER") or ROOT / ".build/kubernetes/kube-apiserver")
KUBECTL = pathlib.Path(sys.executable).with_name("kubectl")
ISSUER = "https://kubernetes.default.svc.cluster.local"
# Every call of a service account is written down: what it was, and what was answered.
AUDIT = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}
FLAGS = {
    "etcd-servers": "http://127.0.0.1:2379",
    "advertise-address": HOST, "bind-address": "0.0.0.0", "secure-port": 443, "insecure-port": 0,
    "service-cluster-ip-range": f"{API}/16",
    "service-account-issuer": ISSUER, "api-audiences": ISSUER,
    "authorization-mode": "Node,RBAC", "allow-privileged": "true",
    # Services of webhooks are resolved to endpoints, since nobody translates addresses of services here.
    "enable-aggregator-routing": "true",
    # What newer ones have anyhow.
    "feature-gates": "BoundServiceAccountTokenVolume=true,EphemeralContainers=true",
}


class Cluster:
    """A kube-apiserver that is up, and an administrator's client."""

    def __init__(self):
        self.programs = []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="darter-kubernetes-"))
        # What runs as somebody else reads some of the files below.
        self.directory.chmod(0o755)
        self.authority = Authority("cluster")
        self.audit = self.directory / "audit.log"
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        shutil.rmtree(self.directory)

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def program(self, name, *command):
        program = Program(name, command, self.directory)
        self.programs.append(program)
        return program

    def _start(self):
        etcd = self.program(
            "etcd", shutil.which("etcd", path=os.environ["PATH"] + ":/usr/sbin"), "--data-dir", self.directory / "etcd",
            "--listen-client-urls", FLAGS["etcd-servers"], "--advertise-client-urls", FLAGS["etcd-servers"],
            "--listen-peer-urls", "http://127.0.0.1:2380",
        )
        account = new_key()
        certificate, key = self.authority.server([API, HOST, "127.0.0.1", "kubernetes.default.svc"])
        own = {
            "tls-cert-file": self.file("server.crt", certificate), "tls-private-key-file": self.file("server.key", key),
            "client-ca-file": self.file("ca.crt", self.authority.pem),
            "service-account-key-file": self.file("account.pub", pem_of_public_key(account)),
            "service-account-signing-key-file": self.file("account.key", pem_of_key(account)),
            "audit-policy-file": self.file("audit.json", json.dumps(AUDIT)), "audit-log-path": self.audit,
        }
        wait("etcd", lambda: "ready to serve client requests" in etcd.text(), program=etcd)
        self.server = self.program("kube-apiserver", SERVER, *(f"--{name}={value}" for name, value in (FLAGS | own).items()))
        certificate, key = self.authority.client("admin", "system:masters")
        self.admin = Client(
            HOST, 443, self.directory / "ca.crt", (self.file("admin.crt", certificate), self.file("admin.key", key))
        )
        wait("kube-apiserver", self._is_ready, 90, self.server)
        for namespace in ("kube-system", "default"):
            wait(namespace, lambda: self.exists("v1", "Namespace", namespace))
            self.furnish(namespace)

    def _is_ready(self):
        try:
            return self.admin.raw("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def exists(self, version, kind, name, namespace=None):
        try:
            return self.admin.get(version, kind, name, namespace)
        except APIError as error:
            if error.status != 404:
                raise
            return None

    def furnish(self, namespace):
        """What controllers make in a namespace, and the label that newer kube-apiservers give it."""
        labels = {"metadata": {"labels": {"kubernetes.io/metadata.name": namespace}}}
        self.admin.merge("v1", "Namespace", namespace, None, labels)
        if not self.exists("v1", "ServiceAccount", "default", namespace):
            self.admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}, namespace)
        root = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}
        self.admin.create(root | {"data": {"ca.crt": self.authority.pem}}, namespace)

    def namespace(self, name, labels=None):
        """A new namespace with all that one has; its name."""
        self.admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        self.furnish(name)
        return name

    def token(self, account, namespace, pod=None):
        """A token as the kubelet asks for one for a pod."""
        spec = {"audiences": [ISSUER], "expirationSeconds": 3600}
        if pod:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod"} | {k: pod["metadata"][k] for k in ("name", "uid")}
        path = self.admin.path("v1", "ServiceAccount", account, namespace)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return self.admin.call("POST", f"{path}/token", request)["status"]["token"]

    def calls_of_pods(self, account, namespace):
        """What pods with a service account have asked for, as (verb, resource, name, code of the answer)."""
        user = f"system:serviceaccount:{namespace}:{account}"
        found = set()
        for line in self.audit.read_text().splitlines():
            event = json.loads(line)
            what, by = event.get("objectRef"), event["user"]
            if what and by["username"] == user and "authentication.kubernetes.io/pod-name" in by.get("extra", {}):
                found.add((event["verb"], what["resource"], what.get("name"), event["responseStatus"]["code"]))
        return found

    def complaints(self, count=5):
        """What kube-apiserver has said last of webhooks that it could not call."""
        return [line for line in self.server.text().splitlines() if "Failed calling webhook" in line][-count:]

    @functools.cached_property
    def kubeconfig(self):
        return self.file("kubeconfig", json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {
                "server": f"https://{HOST}:443", "certificate-authority": str(self.directory / "ca.crt"),
            }}],
            "users": [{"name": "test", "user": {
                "client-certificate": str(self.directory / "admin.crt"), "client-key": str(self.directory / "admin.key"),
            }}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }))

    def kubectl(self, *arguments, given=None):
        """What kubectl prints; `given`: objects for its standard input."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": given}) if given is not None else None
        result = subprocess.run(
            [KUBECTL, f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.directory / 'cache'}", *arguments],
            input=text, capture_output=True, text=True, timeout=120,
            env={"HOME": str(self.directory), "PATH": os.environ["PATH"]},
        )
        assert result.returncode == 0, f"kubectl {arguments}: {result.stdout}{result.stderr}"
        return result.stdout


@once
def shared():
    """The cluster of this test run, which ends with it."""
    if not SERVER.exists():
        raise FileNotFoundError(f"there is no {SERVER}: scripts/kubernetes/build-apiserver.sh builds it")
    # An interrupted run ends what it has started, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    processes.separate()
    cluster = Cluster()
    atexit.register(cluster.stop)
    return cluster
