"""The webhook's certificate is kept in a Secret and renewed while pods are made."""
import base64
import datetime
import ssl
import unittest

import release
from authority import Authority
from cryptography import x509
from load import Load
from processes import wait
from release import NAME, NAMESPACE, SECRET

CONFIGURATION = ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", NAME)


def decoded(text):
    return base64.b64decode(text).decode()


class Certificates(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.api = self.release.api
        self.namespace = self.release.cluster.namespace(self.id().rpartition(".")[2].replace("_", "-")[:60].strip("-"))

    def secret(self):
        return self.api.get("v1", "Secret", SECRET, NAMESPACE)

    def shown(self, pod):
        """The certificate that a replica shows; raises where kube-apiserver would not believe it."""
        with self.release.connection(pod) as connection:
            return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))

    def all_show(self, text):
        wanted = x509.load_pem_x509_certificate(text.encode())
        return all(x509.load_pem_x509_certificate(self.shown(pod).encode()) == wanted for pod in self.release.replicas)

    def kept(self, other=None):
        """The certificate of the Secret as soon as it is another one."""
        def look():
            if not self.release.cluster.exists("v1", "Secret", SECRET, NAMESPACE):
                return None
            text = decoded(self.secret()["data"]["tls.crt"])
            return text if text != other else None
        return wait("another certificate is kept", look, 120)

    def test_the_replicas_show_the_one_that_is_kept(self):
        secret = self.secret()
        self.assertEqual(secret["type"], "kubernetes.io/tls")
        self.assertEqual(set(secret["data"]), {"ca.crt", "tls.crt", "tls.key"})
        self.assertTrue(self.all_show(decoded(secret["data"]["tls.crt"])))
        for bundle in self.release.trusted():
            self.assertIn(decoded(secret["data"]["ca.crt"]).strip(), bundle)

    def test_one_that_ends_soon_is_renewed_and_no_pod_is_left_out(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        # Of its three days a third is left in some seconds.
        end = now + datetime.timedelta(days=1, seconds=25)
        authority = Authority("old", end - datetime.timedelta(days=3), end)
        certificate, key = authority.server([release.HOSTNAME])
        self.release.scale(0)
        secret = self.secret()
        data = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.pem}
        self.api.replace(secret | {"data": {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}})
        self.release.scale(2)
        self.assertTrue(self.all_show(certificate))
        with Load(self.release, self.namespace) as load:
            renewed = self.kept(certificate)
            wait("all replicas show the new one", lambda: self.all_show(renewed), 90)
            load.reaches(40)
        self.assertEqual((load.refused, load.left_out()), ([], []))
        new = x509.load_pem_x509_certificate(renewed.encode())
        self.assertGreater(new.not_valid_after_utc, now + datetime.timedelta(days=360))
        # The one from before stays trusted for a while.
        self.assertIn(authority.pem.strip(), self.release.trusted()[0])

    def test_a_secret_that_is_deleted_is_made_again_and_no_pod_is_left_out(self):
        before = decoded(self.secret()["data"]["tls.crt"])
        with Load(self.release, self.namespace) as load:
            self.api.delete("v1", "Secret", SECRET, NAMESPACE)
            renewed = self.kept(before)
            wait("all replicas show the new one", lambda: self.all_show(renewed), 90)
            load.reaches(40)
        self.assertEqual((load.refused, load.left_out()), ([], []))

    def test_an_authority_that_is_taken_away_is_entered_again(self):
        # As an upgrade with Helm 3 or a GitOps tool may do with what the chart does not have.
        self.api.call(
            "PATCH", self.api.path(*CONFIGURATION), [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}],
            "application/json-patch+json",
        )
        wait("pods are rewritten", lambda: all(self.release.trusted()) and self.release.is_rewriting(), 60)

    def test_an_upgrade_keeps_the_authority(self):
        before = self.release.trusted()
        self.assertTrue(all(before))
        with Load(self.release, self.namespace) as load:
            load.reaches(10)
            # As Helm 3 does it,
            self.release.install()
            load.reaches(20)
            # and as Helm 4 does: for newer versions, whose fields this one does not know in all other objects.
            flags = ["--server-side", "--force-conflicts", "--field-manager=helm"]
            self.release.install(*flags, kinds={"MutatingWebhookConfiguration"})
            load.reaches(20)
        self.assertEqual(self.release.trusted(), before)
        self.assertEqual((load.refused, load.left_out()), ([], []))


if __name__ == "__main__":
    unittest.main()
