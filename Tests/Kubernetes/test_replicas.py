"""Pods are made while replicas of the webhook come and go: none is refused."""
import signal
import time
import unittest

import release
from load import Load
from processes import run, wait


class Replicas(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.namespace = self.release.cluster.namespace(self.id().rpartition(".")[2].replace("_", "-")[:60].strip("-"))
        self.addCleanup(self.release.scale, 2)

    def load(self):
        return Load(self.release, self.namespace, threads=4, pause=0)

    def assert_all_rewritten(self, load, begin=0.0):
        self.assertEqual((load.refused, load.left_out(begin)), ([], []), "\n".join(self.release.cluster.complaints()))

    def both(self):
        """The replica that kube-apiserver asks, and the other one."""
        asked = self.release.asked()
        return asked, next(pod for pod in self.release.replicas if pod is not asked)

    def test_one_that_is_told_to_end_leaves_no_pod_out(self):
        with self.load() as load:
            for _ in range(4):
                first, second = self.both()
                load.reaches(20)
                # As kubelet and controller do it: at once, without knowing of one another.
                self.release.publish([second])
                self.assertEqual(self.release.end(first), 0)
                load.reaches(40)
                self.release.begin().wait_until_ready()
                self.release.publish()
        self.assert_all_rewritten(load)

    def test_one_that_is_told_to_end_answers_until_nobody_asks_it(self):
        # kube-apiserver keeps its connections, and hears only later of endpoints that are gone. It does not ask again where a
        # connection ends under a review: the pod is left out.
        pod = self.release.replicas[0]
        self.addCleanup(self.release.end, pod)
        given = release.manifest(meta={"name": "app"})
        with self.release.connection(pod) as before:
            pod.program.process.send_signal(signal.SIGTERM)
            end = time.monotonic() + 1
            while time.monotonic() < end:
                self.assertNotEqual(self.release.review(pod, given), [])
            patch, connection = self.release.review_on(before, given)
        self.assertNotEqual(patch, [])
        self.assertEqual(connection, "close")

    def test_one_that_dies_leaves_no_pod_out_that_comes_after_its_endpoint(self):
        first, second = self.both()
        with self.load() as load:
            load.reaches(20)
            self.assertEqual(self.release.end(first, how=signal.SIGKILL), -signal.SIGKILL)
            load.reaches(20)
            self.release.publish([second])
            # A call to nobody takes timeoutSeconds, and those that had begun end by then.
            time.sleep(0.5)
            gone = time.monotonic()
            load.reaches(40)
        self.assert_all_rewritten(load, gone)

    def test_replicas_are_replaced_and_no_pod_is_left_out(self):
        with self.load() as load:
            load.reaches(20)
            for before in list(self.release.replicas):
                self.release.begin().wait_until_ready()
                self.release.publish()
                load.reaches(10)
                self.release.publish([pod for pod in self.release.replicas if pod is not before])
                self.assertEqual(self.release.end(before), 0)
                load.reaches(20)
        self.assert_all_rewritten(load)

    def test_one_whose_node_is_gone_holds_no_pod_up_for_long(self):
        first, second = self.both()
        with self.load() as load:
            load.reaches(20)
            # Nobody says that it is gone: no connection is closed.
            run("ip", "link", "set", f"v-{first.name}", "down")
            self.release.publish([second])
            # Each connection that there was costs one pod its timeout.
            gone = time.monotonic()
            wait("pods are rewritten", lambda: load.in_a_row(gone) > 40, 60)
        self.release.end(first, how=signal.SIGKILL)
        self.assertEqual(load.refused, [])
        # timeoutSeconds of the chart, and what else there is to do.
        self.assertLess(load.longest(), 3 + 2)

    def test_replicas_that_hang_hold_no_pod_up_for_long(self):
        for pod in self.release.replicas:
            pod.program.process.send_signal(signal.SIGSTOP)
            self.addCleanup(pod.program.process.send_signal, signal.SIGCONT)
        with self.load() as load:
            load.reaches(6)
        self.assertEqual(load.refused, [])
        self.assertEqual({rewritten for _, _, rewritten in load.admitted}, {False})
        self.assertLess(load.longest(), 3 + 2)

    def test_pods_start_without_any(self):
        # The Service has endpoints still, where nobody is.
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.release.end(self.release.replicas[0], how=how)
        with self.load() as load:
            load.reaches(10)
            self.release.publish([])
            load.reaches(10)
        self.assertEqual(load.refused, [])
        self.assertEqual({rewritten for _, _, rewritten in load.admitted}, {False})
        self.release.scale(2)
        self.assertTrue(release.is_rewritten(self.release.pod(self.namespace)))


if __name__ == "__main__":
    unittest.main()
