"""A client of the Kubernetes API."""
import http.client
import json
import ssl


class APIError(Exception):
    """What kube-apiserver has refused."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class Client:
    """Calls with a client certificate, or with a token; one connection for each call, so that threads may share it."""

    def __init__(self, host, port, authority, certificate=None, token=None):
        self.address = (host, port)
        self.context = ssl.create_default_context(cafile=authority)
        if certificate:
            self.context.load_cert_chain(*certificate)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.resources = {}

    def call(self, method, path, body=None, kind="application/json", headers=None):
        """The answer as JSON."""
        status, answer = self.raw(method, path, json.dumps(body) if body is not None else None, kind, headers)
        value = json.loads(answer) if answer.startswith(b"{") else {"message": answer.decode(errors="replace")}
        if status >= 300:
            raise APIError(status, value.get("message", ""))
        return value

    def raw(self, method, path, body=None, kind="application/json", headers=None):
        connection = http.client.HTTPSConnection(*self.address, context=self.context, timeout=30)
        try:
            sent = {"Content-Type": kind, "Accept": "application/json"} | self.headers | (headers or {})
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _resource(self, version, kind):
        """Name in paths, and whether it is in a namespace; None where the server has no such kind."""
        if version not in self.resources:
            try:
                listed = self.call("GET", f"/api/{version}" if "/" not in version else f"/apis/{version}")["resources"]
            except APIError as error:
                if error.status != 404:
                    raise
                listed = []
            self.resources[version] = {item["kind"]: item for item in listed if "/" not in item["name"]}
        return self.resources[version].get(kind)

    def knows(self, item):
        return self._resource(item["apiVersion"], item["kind"]) is not None

    def collection(self, version, kind, namespace):
        resource = self._resource(version, kind)
        assert resource, f"{version} {kind}"
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        return f"{root}/namespaces/{namespace}/{resource['name']}" if resource["namespaced"] else f"{root}/{resource['name']}"

    def path(self, version, kind, name, namespace=None):
        return f"{self.collection(version, kind, namespace)}/{name}"

    def create(self, item, namespace=None, query="", headers=None):
        """The object as it is kept."""
        where = item["metadata"].get("namespace", namespace)
        return self.call("POST", self.collection(item["apiVersion"], item["kind"], where) + query, item, headers=headers)

    def get(self, version, kind, name, namespace=None):
        return self.call("GET", self.path(version, kind, name, namespace))

    def replace(self, item, part=""):
        meta = item["metadata"]
        return self.call("PUT", self.path(item["apiVersion"], item["kind"], meta["name"], meta.get("namespace")) + part, item)

    def merge(self, version, kind, name, namespace, change, part=""):
        """Changes some fields of an object (RFC 7386)."""
        return self.call("PATCH", self.path(version, kind, name, namespace) + part, change, "application/merge-patch+json")

    def delete(self, version, kind, name, namespace=None):
        return self.call("DELETE", self.path(version, kind, name, namespace), {"gracePeriodSeconds": 0})
