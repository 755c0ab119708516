"""The chart's release in the cluster, with its webhook's pods running here."""
import atexit
import base64
import contextlib
import copy
import http.client
import http.server
import itertools
import json
import pathlib
import socket
import ssl
import sys
import threading

import cluster as clusters
from kubelet import RunningPod
from processes import HOST, once, wait

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "Chart"))

from support import chart, executable, one  # noqa: E402

NAMESPACE = "darter"
NAME = "darter-webhook"
HOSTNAME = f"{NAME}.{NAMESPACE}.svc"
MIRROR = "127.0.0.1:65001"
ORIGINALS = "darter.io/original-images"
SECRET = "darter-webhook-tls"
NODES = 10
VALUES = {
    "registries": [
        {"host": "quay.io"},
        {"host": "registry.example.com", "url": "https://registry.example.com:5000", "names": ["registry.example.com:5000"],
         "login": {"secret": "registry-login"}},
    ],
    # Tests wait for what it finds.
    "webhook": {"gate": {"interval": "1s"}},
}


class Supernode(http.server.BaseHTTPRequestHandler):
    """What the webhook asks of one: whether it is ready."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        status = self.server.status if self.path == "/readyz" else 404
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Release:
    """Installed as `helm install` does, and two replicas of dfwebhook that are ready and have kube-apiserver's trust."""

    def __init__(self, cluster):
        self.cluster, self.api = cluster, cluster.admin
        self.executable = executable("dfwebhook")
        if self.executable is None:
            raise FileNotFoundError("dfwebhook is not built: swift build --product dfwebhook, or DARTER_BIN=DIRECTORY")
        self.replicas = []
        self.numbers = itertools.count(11)
        self.supernode = http.server.ThreadingHTTPServer((HOST, 8002), Supernode)
        self.supernode.status = 200
        threading.Thread(target=self.supernode.serve_forever, daemon=True).start()
        self.objects = chart.objects(chart.render(VALUES, namespace=NAMESPACE))
        cluster.namespace(NAMESPACE)
        self.install()
        self.set_nodes_ready(NODES)

    def install(self, *flags, values=VALUES, kinds=None):
        """Applies the chart, as Helm does at an installation or upgrade; `kinds`: these only."""
        objects = self.objects if values is VALUES else chart.objects(chart.render(values, namespace=NAMESPACE))
        # What this kube-apiserver does not know is looked at by another test.
        known = [item for item in objects if self.api.knows(item) and item["kind"] in (kinds or {item["kind"]} - {"Pod"})]
        self.cluster.kubectl("apply", "--validate=false", f"--namespace={NAMESPACE}", "--filename=-", *flags, given=known)

    def stop(self):
        for pod in list(self.replicas):
            self.end(pod)
        self.supernode.shutdown()

    # MARK: What controllers and nodes would do

    def set_nodes_ready(self, ready):
        """Says of the DaemonSet, as its controller does, how many of its pods are ready."""
        status = {
            "currentNumberScheduled": NODES, "desiredNumberScheduled": NODES, "numberMisscheduled": 0, "numberReady": ready,
            "numberAvailable": ready, "numberUnavailable": NODES - ready,
        }
        self.api.merge("apps/v1", "DaemonSet", "darter-dfdaemon", NAMESPACE, {"status": status}, "/status")

    def supernode_names(self):
        """The names of supernodes in the cluster's DNS."""
        service, count = "darter-supernode", one(self.objects, "StatefulSet")["spec"]["replicas"]
        return {f"{service}-{i}.{service}.{NAMESPACE}.svc.cluster.local": HOST for i in range(count)}

    def begin(self):
        """A new pod of the webhook's Deployment, running."""
        number = next(self.numbers)
        deployment = self.api.get("apps/v1", "Deployment", NAME, NAMESPACE)
        template = copy.deepcopy(deployment["spec"]["template"])
        template["metadata"]["name"] = f"webhook-{number}"
        pod = self.api.create({"apiVersion": "v1", "kind": "Pod"} | template, NAMESPACE)
        running = RunningPod(self.cluster, pod, self.executable, f"10.42.0.{number}", self.supernode_names())
        self.replicas.append(running)
        return running

    def end(self, pod, **how):
        """Ends a pod; its exit code."""
        self.replicas.remove(pod)
        code = pod.stop(**how)
        self.api.delete("v1", "Pod", pod.name, NAMESPACE)
        return code

    def publish(self, pods=None):
        """Writes the Endpoints of the webhook's Service: those that are ready, or these."""
        pods = [pod for pod in self.replicas if pod.is_ready()] if pods is None else pods
        service = self.api.get("v1", "Service", NAME, NAMESPACE)
        port = service["spec"]["ports"][0]
        addresses = [{"ip": pod.address} for pod in pods]
        number = self.replicas[0].port(port["targetPort"]) if self.replicas else 1
        item = {
            "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": NAME, "namespace": NAMESPACE},
            "subsets": [{"addresses": addresses, "ports": [{"name": port["name"], "port": number}]}] if addresses else [],
        }
        if not self.cluster.exists("v1", "Endpoints", NAME, NAMESPACE):
            self.api.create(item)
        else:
            self.api.replace(item)

    def scale(self, count):
        """So many replicas that are ready, and that reviews go to."""
        for pod in [pod for pod in self.replicas if pod.program.has_ended]:
            self.end(pod)
        while len(self.replicas) > count:
            self.publish(self.replicas[1:])
            self.end(self.replicas[0])
        while len(self.replicas) < count:
            self.begin()
        for pod in self.replicas:
            pod.wait_until_ready()
        self.publish()
        if count:
            wait("pods are rewritten", self.is_rewriting)

    # MARK: Reviews

    def is_rewriting(self):
        """Whether each replica rewrites, and kube-apiserver asks one of them."""
        return all(self.review(pod, manifest(meta={"name": "app"})) for pod in self.replicas) and is_rewritten(
            self.pod("default", query="?dryRun=All")
        )

    def asked(self):
        """The replica that kube-apiserver asks: it keeps its connections, most of them or all to one."""
        before = [pod.reviews() for pod in self.replicas]
        self.pod("default", query="?dryRun=All")
        more = [pod.reviews() - count for pod, count in zip(self.replicas, before)]
        assert any(more), "no replica was asked"
        return self.replicas[more.index(max(more))]

    def trusted(self):
        """The authorities that kube-apiserver believes, of each webhook."""
        hooks = self.api.get("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", NAME)["webhooks"]
        return [base64.b64decode(hook["clientConfig"].get("caBundle", "")).decode() for hook in hooks]

    @contextlib.contextmanager
    def connection(self, pod):
        """A connection to a replica as kube-apiserver makes it; fails where it would not believe the certificate."""
        context = ssl.create_default_context(cadata=self.trusted()[0])
        with socket.create_connection((pod.address, pod.port("webhook")), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=HOSTNAME) as secure:
                yield secure

    def review(self, pod, item, old=None, part=""):
        """The patch that a replica answers a review with as new kube-apiservers ask for it; `part`: the subresource."""
        with self.connection(pod) as connection:
            return self.review_on(connection, item, old, part)[0]

    def review_on(self, connection, item, old=None, part=""):
        """The same on a connection that is there, and the answer's Connection header."""
        version = {"group": "", "version": "v1"}
        request = {
            "uid": "1", "kind": version | {"kind": "Pod"}, "resource": version | {"resource": "pods"}, "subResource": part,
            "name": item["metadata"]["name"], "namespace": "default", "operation": "UPDATE" if old else "CREATE",
            "object": item, "oldObject": old, "userInfo": {}, "dryRun": True, "options": None,
        }
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
        client = http.client.HTTPConnection(HOSTNAME)
        client.sock = connection
        client.request("POST", "/mutate?timeout=3s", body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        response = json.loads(answer.read())["response"]
        assert response["allowed"] and response["uid"] == "1", response
        return json.loads(base64.b64decode(response.get("patch") or "W10=")), answer.headers["Connection"]

    # MARK: Pods of others

    def pod(self, namespace, image="nginx:1", query="", meta=None, headers=None, **spec):
        """A pod as kube-apiserver has admitted it."""
        return self.api.create(manifest(image, meta, **spec), namespace, query, headers)


def manifest(image="nginx:1", meta=None, **spec):
    containers = [{"name": "app", "image": image}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "app-"} | (meta or {}),
        "spec": {"containers": containers} | spec,
    }


def images(pod):
    """By list and name, such as `containers/app`."""
    return {
        f"{kind}/{container['name']}": container["image"]
        for kind in ("initContainers", "containers", "ephemeralContainers") for container in pod["spec"].get(kind, [])
    }


def is_rewritten(pod):
    return all(image.startswith(f"{MIRROR}/") for image in images(pod).values())


@once
def shared():
    """The release of this test run."""
    cluster = clusters.shared()
    release = Release(cluster)
    atexit.register(release.stop)
    release.scale(2)
    return release
