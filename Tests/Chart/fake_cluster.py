"""As much of the Kubernetes API as Helm's `lookup` and dfwebhook ask for: objects that are there, and Secrets that are made."""
import contextlib
import http.server
import json
import threading

import yaml


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        answer = {
            "/version": {"major": "1", "minor": "30", "gitVersion": "v1.30.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
            "/api/v1": {
                "kind": "APIResourceList",
                "groupVersion": "v1",
                "resources": [{"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get"]}],
            },
        }.get(path) or self.server.objects.get(path)
        self.server.asked.append(path)
        self.answer(200 if answer else 404, answer)

    def do_POST(self):
        made = self.body()
        self.server.objects[f"{self.path}/{made['metadata']['name']}"] = made
        self.answer(201, made)

    def do_PATCH(self):
        # What a patch changes is not asked for.
        self.body()
        self.answer(200, self.server.objects[self.path])

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status, answer):
        body = json.dumps(answer or {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def cluster(secrets, others=None):
    """A server with these Secrets, and other objects by their paths; gives the kubeconfig that leads to it, and the list of what was asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.objects = {
        f"/api/v1/namespaces/{item['metadata']['namespace']}/secrets/{item['metadata']['name']}": item for item in secrets
    } | (others or {})
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }), server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
