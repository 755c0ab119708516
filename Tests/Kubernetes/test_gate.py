"""Pods keep their images while the network can not serve."""
import unittest

import release
from processes import wait


class Gate(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.namespace = self.release.cluster.namespace(self.id().rpartition(".")[2].replace("_", "-")[:60].strip("-"))
        self.addCleanup(self.wait_for, 1)

    def wait_for(self, state):
        """Until all replicas think so of the network."""
        for pod in self.release.replicas:
            wait(f"gate {state}", lambda: pod.metric("darter_webhook_gate_open") == state, program=pod.program)

    def assert_rewritten(self, wanted, message=None):
        self.assertEqual(release.is_rewritten(self.release.pod(self.namespace)), wanted, message)
        for pod in self.release.replicas:
            patch = self.release.review(pod, release.manifest(meta={"name": "app"}))
            self.assertEqual(patch != [], wanted, message)

    def test_nodes_that_are_not_ready(self):
        self.addCleanup(self.release.set_nodes_ready, release.NODES)
        for ready, rewritten in ((8, False), (9, True), (0, False), (10, True)):
            self.release.set_nodes_ready(ready)
            self.wait_for(int(rewritten))
            self.assert_rewritten(rewritten, f"{ready} of {release.NODES} nodes")

    def test_supernodes_that_are_not_ready(self):
        self.addCleanup(setattr, self.release.supernode, "status", 200)
        for status, rewritten in ((503, False), (200, True)):
            self.release.supernode.status = status
            self.wait_for(int(rewritten))
            self.assert_rewritten(rewritten)

    def test_a_daemonset_that_is_gone(self):
        item = self.release.api.get("apps/v1", "DaemonSet", "darter-dfdaemon", release.NAMESPACE)
        self.release.api.delete("apps/v1", "DaemonSet", "darter-dfdaemon", release.NAMESPACE)
        self.addCleanup(self.release.set_nodes_ready, release.NODES)
        for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
            item["metadata"].pop(key, None)
        self.addCleanup(self.release.api.create, item)
        self.wait_for(0)
        self.assert_rewritten(False)


if __name__ == "__main__":
    unittest.main()
