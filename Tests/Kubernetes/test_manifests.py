"""Everything that the chart makes is taken by a kube-apiserver as it is."""
import unittest

import cluster as clusters
import release  # noqa: F401  # knows where the chart is
import yaml
from support import ROOT, VALUES, chart

# Kubernetes 1.21 has it, and the chart is for 1.25 and newer.
NEWER = {("policy/v1", "PodDisruptionBudget")}
# Of others, which bring their kinds along.
FOREIGN = {
    ("cert-manager.io/v1", "Certificate"), ("cert-manager.io/v1", "Issuer"),
    ("monitoring.coreos.com/v1", "PodMonitor"), ("monitoring.coreos.com/v1", "PrometheusRule"),
}


def missing(given, kept, path=""):
    """What is given and not kept, by its path."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [line for key, value in given.items() for line in (
            missing(value, kept[key], f"{path}.{key}") if key in kept else [f"{path}.{key}"] if value not in (None, [], {}, "", False, 0) else []
        )]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        return [line for i, (a, b) in enumerate(zip(given, kept)) for line in missing(a, b, f"{path}[{i}]")]
    return [] if given == kept else [f"{path}: {given!r} became {kept!r}"]


class Manifests(unittest.TestCase):
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
                self.assertEqual(missing(item, self.cluster.admin.create(item, namespace, "?dryRun=All")), [])
        return unknown

    def test_the_charts_objects(self):
        for name, values in VALUES.items():
            namespace = self.cluster.namespace(f"values-{name}")
            # The plugin for service accounts wants those of pods to be there.
            objects = chart.objects(chart.render(values, namespace=namespace))
            for item in objects:
                if item["kind"] == "ServiceAccount":
                    self.cluster.admin.create(item, namespace)
            with self.subTest(values=name):
                self.assertLessEqual(self.check(objects, namespace), NEWER | FOREIGN)

    def test_the_plain_manifests(self):
        self.cluster.namespace("plain")
        for path in sorted((ROOT / "deploy" / "manifests").glob("*.yaml")):
            objects = [item for item in yaml.safe_load_all(path.read_text()) if item]
            for item in objects:
                if "namespace" in item["metadata"]:
                    item["metadata"]["namespace"] = "plain"
            with self.subTest(path.name):
                self.assertLessEqual(self.check(objects, "plain"), NEWER)

    def test_kubectl_knows_all_fields(self):
        objects = chart.objects(chart.render({}, namespace="default"))
        known = [item for item in objects if self.cluster.admin.knows(item) and item["kind"] != "Pod"]
        for item in known:
            item["metadata"]["name"] += "-dry"
        self.cluster.kubectl("create", "--dry-run=server", "--validate=strict", "--namespace=default", "--filename=-", given=known)


if __name__ == "__main__":
    unittest.main()
