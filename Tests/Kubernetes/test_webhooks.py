"""The webhook beside another one."""
import base64
import http.server
import json
import ssl
import threading
import unittest

import release
from authority import Authority
from processes import HOST, wait
from release import MIRROR, ORIGINALS, images

PORT = 9443


class Sidecars(http.server.BaseHTTPRequestHandler):
    """Adds a container to each pod that has none of it yet."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response = {"uid": review["request"]["uid"], "allowed": True}
        self.server.reviews.append(review)
        if "sidecar" not in [container["name"] for container in review["request"]["object"]["spec"]["containers"]]:
            sidecar = {"name": "sidecar", "image": "quay.io/mesh/proxy:1"}
            patch = [{"op": "add", "path": "/spec/containers/-", "value": sidecar}]
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Reinvocation(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.cluster, self.api = self.release.cluster, self.release.api
        authority = Authority("sidecars")
        files = [self.cluster.file(f"sidecars.{i}", text) for i, text in enumerate(authority.server([HOST]))]
        self.server = http.server.ThreadingHTTPServer((HOST, PORT), Sidecars)
        self.server.reviews = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.authority = authority.pem

    def inject(self, name):
        """Sidecars for pods of a new namespace, by a webhook of that name; the namespace."""
        namespace = self.cluster.namespace(f"mesh-{name}", {"mesh": name})
        self.api.create({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": name},
            "webhooks": [{
                "name": "sidecars.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
                "clientConfig": {"url": f"https://{HOST}:{PORT}/", "caBundle": base64.b64encode(self.authority.encode()).decode()},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "namespaceSelector": {"matchLabels": {"mesh": name}},
            }],
        })
        self.addCleanup(self.api.delete, "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", name)
        wait("the other webhook is called", lambda: len(images(self.release.pod(namespace, query="?dryRun=All"))) == 2)
        return namespace

    def test_containers_that_come_before_and_after_are_rewritten(self):
        for name in ("aa-mesh", "zz-mesh"):
            pod = self.release.pod(self.inject(name))
            self.assertEqual(images(pod), {
                "containers/app": f"{MIRROR}/docker.io/library/nginx:1", "containers/sidecar": f"{MIRROR}/quay.io/mesh/proxy:1",
            })
            self.assertEqual(json.loads(pod["metadata"]["annotations"][ORIGINALS]), {
                "containers/app": "nginx:1", "containers/sidecar": "quay.io/mesh/proxy:1",
            })
            # The order is that of the configurations' names: the one saw what was written, the other what was rewritten.
            seen = self.server.reviews[-1]["request"]["object"]["spec"]["containers"][0]["image"]
            self.assertEqual(seen.startswith(MIRROR), name == "zz-mesh")


if __name__ == "__main__":
    unittest.main()
