"""Everything that the chart makes is taken by a kube-apiserver as it is."""
import unittest

import cluster as clusters
import release  # noqa: F401  # knows where the chart is
import yaml
from support import ROOT, VALUES, chart

# The chart is for Kubernetes 1.25 and newer. What 1.20 does not have yet: this kind came with 1.21,
NEWER = {("policy/v1", "PodDisruptionBudget")}
# and this field with 1.22.
NEWER_FIELDS = {("StatefulSet", ".spec.minReadySeconds")}
# Of others, which bring their kinds along.
FOREIGN = {
    ("cert-manager.io/v1", "Certificate"), ("cert-manager.io/v1", "Issuer"),
    ("monitoring.coreos.com/v1", "PodMonitor"), ("monitoring.coreos.com/v1", "PrometheusRule"),
}


def missing(given, kept, path=""):
    """The paths of what is given and not kept; what is empty need not be."""
    if isinstance(given, dict) and isinstance(kept, dict):
        found = []
        for key, value in given.items():
            if key in kept:
                found += missing(value, kept[key], f"{path}.{key}")
            elif value:
                found.append(f"{path}.{key}")
        return found
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        return [line for i, pair in enumerate(zip(given, kept)) for line in missing(*pair, f"{path}[{i}]")]
    return [] if given == kept else [f"{path}: {given!r} became {kept!r}"]


class Accepted(unittest.TestCase):
    def setUp(self):
        self.cluster = clusters.shared()

    def check(self, objects, namespace):
        """Creates them without keeping them; the kinds that are not known."""
        unknown = set()
        for item in objects:
            if not self.cluster.admin.knows(item):
                unknown.add((item["apiVersion"], item["kind"]))
                continue
            item["metadata"]["name"] += "-dry"
            name = f"{item['kind']} {item['metadata']['name']}"
            with self.subTest(name):
                kept = self.cluster.admin.create(item, namespace, "?dryRun=All")
                self.assertEqual([path for path in missing(item, kept) if (item["kind"], path) not in NEWER_FIELDS], [])
        return unknown

    def test_the_charts_objects(self):
        unknown = set()
        for name, values in VALUES.items():
            namespace = self.cluster.namespace(f"values-{name}")
            # The plugin for service accounts wants those of pods to be there.
            objects = chart.objects(chart.render(values, namespace=namespace))
            for item in objects:
                if item["kind"] == "ServiceAccount":
                    self.cluster.admin.create(item, namespace)
            with self.subTest(values=name):
                unknown |= self.check(objects, namespace)
        self.assertEqual(unknown, NEWER | FOREIGN)

    def test_the_plain_manifests(self):
        self.cluster.namespace("plain")
        unknown = set()
        for path in sorted((ROOT / "deploy" / "manifests").glob("*.yaml")):
            objects = [item for item in yaml.safe_load_all(path.read_text()) if item]
            for item in objects:
                if "namespace" in item["metadata"]:
                    item["metadata"]["namespace"] = "plain"
            with self.subTest(path.name):
                unknown |= self.check(objects, "plain")
        self.assertEqual(unknown, NEWER)

    def test_kubectl_knows_all_fields(self):
        objects = chart.objects(chart.render({}, namespace="default"))
        known = [item for item in objects if self.cluster.admin.knows(item) and item["kind"] != "Pod"]
        for item in known:
            item["metadata"]["name"] += "-dry"
            for kind, path in NEWER_FIELDS:
                if item["kind"] == kind:
                    del item["spec"][path.removeprefix(".spec.")]
        flags = ["--dry-run=server", "--validate=strict", "--namespace=default", "--filename=-"]
        self.cluster.kubectl("create", *flags, given=known)


if __name__ == "__main__":
    unittest.main()
