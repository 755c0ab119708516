"""What becomes of pods in a cluster with the chart's release."""
import json
import unittest

import release
from processes import wait
from release import MIRROR, ORIGINALS, images, manifest


class Pods(unittest.TestCase):
    def setUp(self):
        self.release = release.shared()
        self.cluster, self.api = self.release.cluster, self.release.api
        name = self.id().rpartition(".")[2].replace("_", "-")[:60].strip("-")
        self.namespace = self.cluster.namespace(name)

    def admitted(self, *arguments, **more):
        return self.release.pod(self.namespace, *arguments, **more)

    def assert_rewritten(self, pod, originals):
        """`originals`: the references as they were written, by their places."""
        self.assertEqual(json.loads(pod["metadata"]["annotations"][ORIGINALS]), originals)
        for place, image in images(pod).items():
            if place in originals:
                self.assertTrue(image.startswith(f"{MIRROR}/"), image)

    def assert_untouched(self, pod, image="nginx:1"):
        self.assertEqual(images(pod)["containers/app"], image)
        self.assertNotIn(ORIGINALS, pod["metadata"].get("annotations", {}))

    def test_a_pod_pulls_through_its_node(self):
        digest = "sha256:" + "0" * 64
        pod = self.admitted("nginx:1", initContainers=[
            {"name": "a", "image": f"quay.io/a/b@{digest}"}, {"name": "b", "image": "registry.example.com:5000/team/c:2"},
            {"name": "c", "image": "elsewhere.example.com/d"}, {"name": "d", "image": f"{MIRROR}/quay.io/e:3"},
        ])
        self.assertEqual(images(pod), {
            "containers/app": f"{MIRROR}/docker.io/library/nginx:1",
            "initContainers/a": f"{MIRROR}/quay.io/a/b@{digest}",
            "initContainers/b": f"{MIRROR}/registry.example.com/team/c:2",
            "initContainers/c": "elsewhere.example.com/d",
            "initContainers/d": f"{MIRROR}/quay.io/e:3",
        })
        self.assert_rewritten(pod, {
            "containers/app": "nginx:1", "initContainers/a": f"quay.io/a/b@{digest}",
            "initContainers/b": "registry.example.com:5000/team/c:2",
        })
        kept = self.api.get("v1", "Pod", pod["metadata"]["name"], self.namespace)
        self.assertEqual(images(kept), images(pod))

    def test_nothing_but_images_and_the_annotation_changes(self):
        given = manifest(meta={"annotations": {"a/b": "c"}, "labels": {"app": "shop"}},
                         tolerations=[{"key": "k", "operator": "Exists"}])
        with_webhook = self.api.create(given, self.namespace)
        given["metadata"]["labels"]["darter.io/rewrite"] = "false"
        without = self.api.create(given, self.namespace)
        self.assertEqual(with_webhook["metadata"]["annotations"].keys() - without["metadata"]["annotations"].keys(), {ORIGINALS})
        with_webhook["spec"]["containers"][0]["image"] = "nginx:1"
        for pod in (with_webhook, without):
            for volume in pod["spec"]["volumes"]:
                volume["name"] = volume["name"].rpartition("-")[0]
            for mount in pod["spec"]["containers"][0]["volumeMounts"]:
                mount["name"] = mount["name"].rpartition("-")[0]
        self.assertEqual(with_webhook["spec"], without["spec"])

    def test_a_pod_that_has_all_the_annotations_it_may_have_is_made_all_the_same(self):
        self.assert_untouched(self.admitted(meta={"annotations": {"a": "x" * ((256 << 10) - 1)}}))

    def test_the_pods_of_a_deployment_are_rewritten_and_its_template_is_not(self):
        labels = {"app": "shop"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "nginx:1"}]}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        made = []
        for kind in ("Deployment", "ReplicaSet"):
            item = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "shop"}, "spec": spec}
            made.append(self.api.create(item, self.namespace))
            self.assertEqual(made[-1]["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:1")
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop", "uid": made[1]["metadata"]["uid"],
                 "controller": True, "blockOwnerDeletion": True}
        pod = self.release.pod(
            self.namespace, meta={"generateName": "shop-", "labels": labels, "ownerReferences": [owner]},
            headers={"Impersonate-User": "system:serviceaccount:kube-system:replicaset-controller"},
        )
        self.assert_rewritten(pod, {"containers/app": "nginx:1"})
        self.assertEqual(pod["metadata"]["ownerReferences"], [owner])

    def test_a_dry_run_shows_it_and_keeps_nothing(self):
        given = manifest(meta={"name": "try", "namespace": self.namespace})
        shown = json.loads(self.cluster.kubectl("create", "--dry-run=server", "--output=json", "--filename=-", given=[given]))
        shown = shown["items"][0] if shown["kind"] == "List" else shown
        self.assert_rewritten(shown, {"containers/app": "nginx:1"})
        self.assertFalse(self.cluster.exists("v1", "Pod", "try", self.namespace))

    def reviews(self):
        return sum(pod.reviews() for pod in self.release.replicas)

    def test_labels_annotations_and_namespaces_opt_out(self):
        out = self.cluster.namespace("opted-out", {"darter.io/rewrite": "false"})
        no = {"darter.io/rewrite": "false"}
        for namespace, meta, asked in (
            (self.namespace, {"labels": no}, 0), (self.namespace, {"annotations": no}, 1), (out, {}, 0),
            (self.namespace, {"labels": {"app.kubernetes.io/part-of": "darter"}}, 0),
        ):
            before = self.reviews()
            self.assert_untouched(self.release.pod(namespace, meta=meta))
            self.assertEqual(self.reviews() - before, asked, meta)
        self.assert_rewritten(self.admitted(), {"containers/app": "nginx:1"})

    def test_the_system_and_the_release_itself_are_left_alone(self):
        for namespace in ("kube-system", release.NAMESPACE):
            self.assert_untouched(self.release.pod(namespace))

    def test_static_pods_are_left_alone(self):
        self.assert_untouched(self.admitted(meta={"annotations": {"kubernetes.io/config.source": "file"}}))

    def test_images_of_pods_with_secrets_stay_but_for_those_of_registries_with_a_login(self):
        pod = self.admitted(
            "registry.example.com:5000/team/app:1", imagePullSecrets=[{"name": "mine"}],
            initContainers=[{"name": "a", "image": "nginx:1"}],
        )
        self.assertEqual(images(pod)["initContainers/a"], "nginx:1")
        self.assert_rewritten(pod, {"containers/app": "registry.example.com:5000/team/app:1"})

    def test_secrets_that_come_with_the_service_account_count(self):
        # The ServiceAccount plugin of kube-apiserver enters them before webhooks are called.
        self.api.merge("v1", "ServiceAccount", "default", self.namespace, {"imagePullSecrets": [{"name": "mine"}]})
        pod = wait("the account's secrets", lambda: (pod := self.admitted())["spec"].get("imagePullSecrets") and pod)
        self.assert_untouched(pod)

    def test_an_ephemeral_container_can_be_added(self):
        pod = self.admitted()
        name = pod["metadata"]["name"]
        path = self.api.path("v1", "Pod", name, self.namespace) + "/ephemeralcontainers"
        container = {"name": "look", "image": "busybox:1", "terminationMessagePolicy": "File"}
        # What this version of kube-apiserver has and shows here is a list of containers.
        item = self.api.call("GET", path)
        self.assertEqual(item["kind"], "EphemeralContainers")
        before = self.reviews()
        self.api.call("PUT", path, item | {"ephemeralContainers": [container]})
        self.assertEqual(self.reviews() - before, 1)
        kept = self.api.get("v1", "Pod", name, self.namespace)
        self.assertEqual(images(kept), images(pod) | {"ephemeralContainers/look": "busybox:1"})
        # Newer ones show the pod.
        for replica in self.release.replicas:
            self.assertEqual(self.release.review(replica, kept, pod, "ephemeralcontainers"), [{
                "op": "replace", "path": "/spec/ephemeralContainers/0/image", "value": f"{MIRROR}/docker.io/library/busybox:1",
            }])


class Again(unittest.TestCase):
    """The same pod more than once."""

    setUp = Pods.setUp
    admitted = Pods.admitted
    assert_rewritten = Pods.assert_rewritten

    def test_a_pod_made_of_a_rewritten_one_is_the_same(self):
        pod = self.admitted()
        again = self.api.create({"apiVersion": "v1", "kind": "Pod", "spec": pod["spec"], "metadata": {
            "name": "copy", "annotations": pod["metadata"]["annotations"],
        }}, self.namespace)
        self.assertEqual(images(again), images(pod))
        self.assertEqual(again["metadata"]["annotations"], pod["metadata"]["annotations"])

    def test_changes_of_a_pod_leave_its_images(self):
        pod = self.admitted(meta={"name": "app"})
        changed = self.api.merge("v1", "Pod", "app", self.namespace, {"metadata": {"labels": {"a": "b"}}})
        self.assertEqual(images(changed), images(pod))
        pod["metadata"] = changed["metadata"]
        pod["metadata"]["labels"]["a"] = "c"
        self.assertEqual(images(self.api.replace(pod)), images(pod))

    def test_a_bare_pod_that_is_applied_again_gets_what_is_written(self):
        # kubectl compares with the manifest, and the webhook is asked of new pods only: docs/kubernetes.md says so.
        given = [manifest(meta={"name": "app", "namespace": self.namespace})]
        self.cluster.kubectl("apply", "--filename=-", given=given)
        self.assert_rewritten(self.api.get("v1", "Pod", "app", self.namespace), {"containers/app": "nginx:1"})
        self.cluster.kubectl("apply", "--filename=-", given=given)
        pod = self.api.get("v1", "Pod", "app", self.namespace)
        self.assertEqual(images(pod), {"containers/app": "nginx:1"})


if __name__ == "__main__":
    unittest.main()
