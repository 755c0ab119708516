"""Wrong values are refused with words that name them, and what is secret is made once."""
import base64
import unittest

import helm_python as helm
import support
from fake_cluster import cluster
from support import chart, one

WRONG = [
    ({"mode": "proxy"}, "/mode"),
    ({"mod": "webhook"}, "mod"),
    ({"dfdaemon": {"stroe": {}}}, "stroe"),
    ({"dfdaemon": {"port": 0}}, "/dfdaemon/port"),
    ({"dfdaemon": {"port": "65001"}}, "/dfdaemon/port"),
    ({"dfdaemon": {"store": {"quota": "50 GiB"}}}, "/dfdaemon/store/quota"),
    ({"dfdaemon": {"store": {"hostPath": "var/lib"}}}, "/dfdaemon/store/hostPath"),
    ({"dfdaemon": {"maxUnavailable": "0%"}}, "/dfdaemon/maxUnavailable"),
    ({"dfdaemon": {"maxUnavailable": 0}}, "/dfdaemon/maxUnavailable"),
    ({"dfdaemon": {"logLevel": "loud"}}, "/dfdaemon/logLevel"),
    ({"dfdaemon": {"tagFreshness": "5"}}, "/dfdaemon/tagFreshness"),
    ({"supernode": {"replicas": 0}}, "/supernode/replicas"),
    ({"supernode": {"tls": {"mode": False}}}, "/supernode/tls/mode"),
    ({"supernode": {"store": {"type": "nfs"}}}, "/supernode/store/type"),
    ({"supernode": {"originRate": "fast"}}, "/supernode/originRate"),
    ({"registries": [{"host": "registry.example.com:5000"}]}, "/registries/0/host"),
    ({"registries": [{"host": "a.example.com", "url": "a.example.com"}]}, "/registries/0/url"),
    ({"registries": [{"host": "a.example.com", "ca": {"secret": "a", "configMap": "b"}}]}, "/registries/0/ca"),
    ({"registries": [{"host": "a.example.com", "login": {"username": "u"}}]}, "/registries/0/login"),
    ({"allowRegistries": ["https://quay.io"]}, "/allowRegistries/0"),
    ({"image": {"digest": "latest"}}, "/image/digest"),
    ({"webhook": {"failurePolicy": "ignore"}}, "/webhook/failurePolicy"),
    ({"webhook": {"timeoutSeconds": 30}}, "/webhook/timeoutSeconds"),
    ({"webhook": {"optIn": True}}, "/webhook/optIn"),
    ({"webhook": {"gate": {"ready": "9"}}}, "/webhook/gate/ready"),
    ({"registries": [{"host": "a.example.com", "names": ["https://a.example.com"]}]}, "/registries/0/names/0"),
    ({"registries": [{"host": "a.example.com", "names": ["lab"]}]}, "/registries/0/names/0"),
    ({"remote": "https://registry.example.com/v2"}, "/remote"),
    ({"webhook": {"ignore": [{}]}}, "/webhook/ignore/0"),
    ({"webhook": {"certificates": {"lifetime": "1h"}}}, "/webhook/certificates/lifetime"),
    ({"test": {"image": "busybox"}}, "/test/image"),
    ({"test": {"image": "registry.example.com:5000/app:1"}}, "/test/image"),
    ({"containerd": {"directories": []}}, "/containerd/directories"),
    ({"networkPolicy": {"nodeNetworks": ["10.0.0.1"]}}, "/networkPolicy/nodeNetworks/0"),
]
# What no schema can say is said by the templates.
CONTRADICTORY = [
    ({"webhook": {"certificates": {"mode": "provided"}}}, "webhook.certificates."),
    ({"webhook": {"certificates": {"mode": "provided", "secret": "a"}}}, "webhook.certificates.caBundle"),
    ({"supernode": {"tls": {"mode": "provided"}}}, "supernode.tls.secret"),
    ({"registries": [{"host": "quay.io"}, {"host": "quay.io"}]}, "registries: quay.io"),
    ({"registries": [{"host": "a.io", "names": ["b.io:5000"]}, {"host": "c.io", "names": ["b.io:5000"]}]}, "registries: b.io:5000"),
]


class Values(unittest.TestCase):
    def test_a_wrong_value_is_refused_by_name(self):
        for values, words in WRONG:
            with self.subTest(values=values), self.assertRaises(helm.HelmValuesError) as caught:
                chart.render(values)
            self.assertIn(words, str(caught.exception))

    def test_what_is_missing_or_named_twice_is_said(self):
        for values, words in CONTRADICTORY:
            with self.subTest(values=values), self.assertRaises(helm.HelmError) as caught:
                chart.render(values)
            self.assertIn(words, str(caught.exception))

    def test_what_a_chart_around_this_one_sets_is_taken(self):
        self.assertTrue(chart.render({"enabled": True, "global": {"imageRegistry": "registry.example.com"}}))

    def test_every_value_has_a_comment_or_stands_in_a_group_that_has(self):
        lines = (chart.CHART / "values.yaml").read_text().splitlines()
        for number, line in enumerate(lines):
            if line and not line.startswith((" ", "#", "-")):
                name = line.split(":")[0]
                if not line.rstrip().endswith(":"):
                    self.assertTrue(lines[number - 1].startswith("#"), name)


class Notes(unittest.TestCase):
    def test_they_lead_out_again_with_what_an_upgrade_brings_back_last(self):
        restore, unhook, uninstall = "--set containerd.restore=true", "kubectl delete mutatingwebhookconfiguration darter-webhook", "helm uninstall"
        for values, wanted in (
            ({"mode": "webhook"}, [unhook]), ({"mode": "mirror"}, [restore]), ({"mode": "both"}, [restore]),
            ({"mode": "mirror", "containerd": {"restore": True}}, [uninstall]),
            ({"mode": "both", "containerd": {"restore": True}}, [unhook, uninstall]),
        ):
            text = chart.render(values)["templates/NOTES.txt"]
            found = sorted((text.index(step), step) for step in (restore, unhook, uninstall) if step in text)
            self.assertEqual([step for _, step in found], wanted, values)


class Secrets(unittest.TestCase):
    def render(self, values, secrets):
        with cluster(secrets) as (kubeconfig, asked), helm.Config(kubeconfig_content=kubeconfig, namespace="darter") as config:
            objects = chart.objects(chart.render(values, config=config))
        return objects, asked

    def test_the_clusters_secret_is_made_once_and_kept(self):
        objects, asked = self.render({}, [])
        made = one(objects, "Secret")
        self.assertIn("/api/v1/namespaces/darter/secrets/darter-cluster", asked)
        self.assertRegex(base64.b64decode(made["data"]["token"]).decode(), "^[A-Za-z0-9]{48}$")
        self.assertNotEqual(made["data"], one(self.render({}, [])[0], "Secret")["data"])
        # Named as the operator's own it is none of the chart's any more, and Helm would take it away from under the pods.
        self.assertEqual(made["metadata"]["annotations"], {"helm.sh/resource-policy": "keep"})
        made["metadata"]["namespace"] = "darter"
        again, _ = self.render({}, [made])
        self.assertEqual(one(again, "Secret")["data"], made["data"])

    def test_a_secret_of_the_operators_is_used_and_not_made(self):
        objects, _ = self.render({"cluster": {"existingSecret": "mine", "key": "word"}}, [])
        self.assertEqual(support.of_kind(objects, "Secret"), [])
        for kind in ("DaemonSet", "StatefulSet"):
            volumes = one(objects, kind)["spec"]["template"]["spec"]["volumes"]
            volume = next(v for v in volumes if v["name"] == "cluster")
            self.assertEqual(volume["secret"]["secretName"], "mine")
            self.assertEqual(volume["secret"]["items"], [{"key": "word", "path": "token"}])

    def test_a_certificate_of_the_charts_own_is_kept(self):
        values = {"supernode": {"tls": {"mode": "generate"}}, "cluster": {"existingSecret": "mine"}}
        made = one(self.render(values, [])[0], "Secret")
        self.assertEqual(set(made["data"]), {"ca.crt", "tls.crt", "tls.key"})
        made["metadata"]["namespace"] = "darter"
        self.assertEqual(one(self.render(values, [made])[0], "Secret")["data"], made["data"])
        elsewhere = one(self.render(values | {"clusterDomain": "k8s.example.com"}, [made])[0], "Secret")
        self.assertNotEqual(elsewhere["data"]["tls.crt"], made["data"]["tls.crt"])


if __name__ == "__main__":
    unittest.main()
