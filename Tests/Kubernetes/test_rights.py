"""The rights that the chart gives to the webhook's service account are what it needs, and no more."""
import base64
import datetime
import unittest

import release
from api import APIError, Client
from authority import Authority
from processes import HOST
from release import NAME, NAMESPACE, SECRET


class Rights(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.cluster = self.release.cluster
        self.hook = Client(HOST, 443, self.cluster.directory / "ca.crt", token=self.cluster.token(NAME, NAMESPACE))

    def status(self, method, path):
        body = {} if method in ("PATCH", "POST") else None
        try:
            self.hook.call(method, path, body, "application/merge-patch+json" if method == "PATCH" else "application/json")
            return 200
        except APIError as error:
            return error.status

    def test_its_own_objects_only(self):
        secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        hooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
        sets = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"
        for method, path, status in (
            ("GET", f"{secrets}/{SECRET}", 200), ("GET", f"{secrets}/darter-cluster", 403), ("GET", secrets, 403),
            ("PATCH", f"{secrets}/{SECRET}", 403), ("DELETE", f"{secrets}/{SECRET}", 403),
            ("GET", "/api/v1/namespaces/default/secrets/any", 403), ("POST", "/api/v1/namespaces/default/secrets", 403),
            ("GET", f"{hooks}/{NAME}", 200), ("PATCH", f"{hooks}/{NAME}", 200), ("GET", f"{hooks}/other", 403),
            ("PATCH", f"{hooks}/other", 403), ("DELETE", f"{hooks}/{NAME}", 403), ("GET", hooks, 403),
            ("GET", f"{sets}/darter-dfdaemon", 200), ("PATCH", f"{sets}/darter-dfdaemon", 403), ("GET", sets, 403),
            ("GET", "/api/v1/pods", 403), ("GET", "/api/v1/nodes", 403),
        ):
            self.assertEqual(self.status(method, path), status, f"{method} {path}")

    def test_all_of_them_are_used_and_none_is_missed(self):
        self.addCleanup(self.release.scale, 2)
        # One that is old is replaced, and one that is not there is made.
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        authority = Authority("old", end - datetime.timedelta(days=4), end)
        certificate, key = authority.server([release.HOSTNAME])
        self.release.scale(0)
        secret = self.release.api.get("v1", "Secret", SECRET, NAMESPACE)
        data = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.pem}
        data = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
        self.release.api.replace(secret | {"data": data})
        self.release.scale(1)
        self.release.scale(0)
        self.release.api.delete("v1", "Secret", SECRET, NAMESPACE)
        self.release.scale(1)
        calls = self.cluster.calls_of_pods(NAME, NAMESPACE)
        self.assertEqual([call for call in calls if call[3] == 403], [])
        done = {(verb, resource) for verb, resource, _, code in calls if code < 300}
        granted = {
            (verb, resource) for item in self.release.objects
            if item["kind"] in ("Role", "ClusterRole") and item["metadata"]["name"] == NAME
            for rule in item["rules"] for resource in rule["resources"] for verb in rule["verbs"]
        }
        self.assertEqual(done, granted)


if __name__ == "__main__":
    unittest.main()
