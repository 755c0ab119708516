"""deploy/manifests is what the chart makes."""
import unittest

import support
import yaml

import manifests


class Manifests(unittest.TestCase):
    def test_the_files_are_what_the_chart_makes(self):
        self.assertEqual(manifests.differences(manifests.files()), "", "run `make manifests`")

    def test_they_have_every_object_and_no_secret(self):
        there = [item for text in manifests.files().values() for item in yaml.safe_load_all(text) if item]
        names = {(item["kind"], item["metadata"]["name"]) for item in there}
        charts = support.chart.objects(support.chart.render(manifests.VALUES))
        wanted = {(item["kind"], item["metadata"]["name"]) for item in charts if item["kind"] != "Pod"}
        self.assertEqual(names - {("Namespace", "darter")}, wanted)
        self.assertNotIn("Secret", {kind for kind, _ in names})
        for item in there:
            namespaced = item["kind"] not in manifests.CLUSTERWIDE
            self.assertEqual(item["metadata"].get("namespace"), "darter" if namespaced else None, item["metadata"]["name"])


if __name__ == "__main__":
    unittest.main()
