"""The release is changed and taken away."""
import unittest

import release
from processes import wait
from release import NAME, VALUES, is_rewritten


class Upgrades(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.cluster, self.api = self.release.cluster, self.release.api
        self.addCleanup(self.restore)

    def restore(self):
        self.release.install()
        wait("pods are rewritten", lambda: all(self.release.trusted()) and self.release.is_rewriting(), 60)

    def would_be_rewritten(self, namespace):
        return is_rewritten(self.release.pod(namespace, query="?dryRun=All"))

    def test_only_namespaces_that_say_so(self):
        names = [self.cluster.namespace(f"opt-{i}", labels) for i, labels in enumerate(({}, {"darter.io/rewrite": "true"}))]
        self.release.install(values=VALUES | {"webhook": VALUES["webhook"] | {"optIn": "namespace"}})
        wait("the change", lambda: not self.would_be_rewritten(names[0]))
        self.assertTrue(self.would_be_rewritten(names[1]))
        self.restore()
        wait("the change back", lambda: self.would_be_rewritten(names[0]))

    def test_without_the_configuration_pods_are_as_they_are_written(self):
        # The first step of an uninstallation.
        namespace = self.cluster.namespace("uninstalled")
        self.api.delete("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", NAME)
        wait("no rewriting", lambda: not self.would_be_rewritten(namespace))
        self.restore()
        self.assertTrue(self.would_be_rewritten(namespace))


if __name__ == "__main__":
    unittest.main()
