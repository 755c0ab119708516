"""Rules and dashboard as Prometheus reads and evaluates them (promtool), by themselves and with what the executables expose."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import yaml
from fake_cluster import cluster
from support import ROOT, VALUES, chart, executable, one
from test_executables import Place, get, registry, running, swarm

MONITORED = {"monitoring": {"rules": {"enabled": True}, "dashboard": {"enabled": True}}}
PANELS = json.loads((chart.CHART / "files" / "dashboard.json").read_text())["panels"]
# What Grafana puts in.
VARIABLES = {"$namespace": "darter", "$__rate_interval": "2m", "$__range": "1h"}
SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")


def promtool(files, *words):
    """Runs it beside files of these contents by their names; gives what it has against them."""
    with tempfile.TemporaryDirectory() as directory:
        for name, content in files.items():
            (pathlib.Path(directory) / name).write_text(yaml.safe_dump(content))
        result = subprocess.run(["promtool", *words], cwd=directory, capture_output=True, text=True, timeout=60)
        return result.stdout + result.stderr if result.returncode else ""


def rules(values):
    """The groups of rules of a set of values."""
    return {"groups": one(chart.objects(chart.render(values)), "PrometheusRule")["spec"]["groups"]}


# With every alert that there is.
ALL = rules(MONITORED | {"dfdaemon": {"exposeMetrics": True}})
ALERTS = {rule["alert"]: rule for group in ALL["groups"] for rule in group["rules"]}


def expressions():
    """The panels' expressions by what they are for."""
    for panel in PANELS:
        for target in panel["targets"]:
            text = target["expr"]
            for variable, value in VARIABLES.items():
                text = text.replace(variable, value)
            yield f"{panel['title']}: {target['legendFormat']}", text


def series(metric, job, pod="a", **labels):
    """The name of a series as Prometheus has it after a scrape."""
    pairs = {"namespace": "darter", "job": f"darter-{job}", "pod": pod} | labels
    return f"{metric}{{{','.join(f'{name}={json.dumps(value)}' for name, value in pairs.items())}}}"


def origin(backend, outcome):
    return series("darter_backend_requests_total", "supernode", backend=backend, operation="fetch", outcome=outcome)


def answer(status):
    return series("http_requests_total", "dfdaemon", listener="proxy", status=status)


def way(kind, name):
    return series("darter_proxy_requests_total", "dfdaemon", kind=kind, cache="miss", way=name)


def up(job, pod="a"):
    return series("up", job, pod)


def nodes(down):
    return {up("dfdaemon", f"n{number}"): "0x60" if number < down else "1x60" for number in range(20)}


def supernode(pod):
    return {"namespace": "darter", "job": "darter-supernode", "pod": pod}


def error(reason):
    return series("darter_webhook_errors_total", "webhook", reason=reason)


def peers(state, pod="a"):
    return series("darter_peers", "supernode", pod, state=state)


def complaints(reason):
    return series("darter_complaints_total", "supernode", reason=reason)


def gate(pod):
    return series("darter_webhook_gate_open", "webhook", pod)


CONFIGURATION = series("darter_webhook_configuration_good", "webhook")
CERTIFICATE = series("darter_webhook_certificate_end_seconds", "webhook")
DAY = 86_400
# Of each alert: values a minute apart, the minute, and the labels and value of each that fires then.
CASES = {
    "DarterSupernodeDown": [
        ({up("supernode", "a"): "1x60", up("supernode", "b"): "1x10 0x50"}, 17, [(supernode("b"), 0)]),
        ({up("supernode", "a"): "1x60", up("supernode", "b"): "1x10 0x50"}, 14, []),
        ({up("supernode", "a"): "1x60", up("supernode", "b"): "1x10 0x3 1x40"}, 20, []),
        ({up("dfdaemon"): "0x60"}, 30, []),
    ],
    "DarterSupernodesGone": [
        ({up("supernode", "a"): "1x10 0x50", up("supernode", "b"): "0x60"}, 14, [({}, 1)]),
        ({}, 5, [({}, 1)]),
        ({up("supernode", "a"): "1x60", up("supernode", "b"): "0x60"}, 30, []),
    ],
    "DarterQuarantine": [
        ({peers("quarantined", "a"): "0x5 2x60", peers("quarantined", "b"): "1x60"}, 40, [({}, 3)]),
        ({peers("quarantined"): "0x5 2x10 0x30"}, 25, []),
        ({peers("healthy"): "9x60", peers("probation"): "2x60", peers("quarantined"): "0x60"}, 40, []),
    ],
    "DarterWrongBytes": [
        ({complaints("wrongBytes"): "0x10 1x40"}, 12, [({}, 1.1)]),
        ({complaints("wrongBytes"): "0x10 1x40"}, 30, []),
        ({complaints("wrongBytes"): "0x60", complaints("timedOut"): "0+5x60"}, 30, []),
    ],
    "DarterOriginErrors": [
        ({origin("registry", "ok"): "0+60x60", origin("registry", "unavailable"): "0+20x60", origin("http", "ok"): "0+60x60"},
         45, [({"backend": "registry"}, 1)]),
        ({origin("registry", "timedOut"): "0+60x60"}, 45, [({"backend": "registry"}, 1)]),
        ({origin("registry", "ok"): "0+60x60", origin("registry", "unavailable"): "0+6x60"}, 45, []),
        # What is asked for in vain, or without a login, is no fault of an origin's.
        ({origin("registry", "ok"): "0+6x60", origin("registry", "notFound"): "0+60x60",
          origin("registry", "unauthorized"): "0+60x60", origin("registry", "cancelled"): "0+60x60"}, 45, []),
    ],
    "DarterNodesDown": [(nodes(3), 15, [({}, 3)]), (nodes(3), 5, []), (nodes(2), 30, []), ({}, 30, [])],
    "DarterPullErrors": [
        ({answer("200"): "0+60x60", answer("502"): "0+6x60"}, 45, [({}, 0.1)]),
        ({answer("200"): "0+60x60", answer("404"): "0+60x60", answer("502"): "0+1x60"}, 45, []),
        ({answer("200"): "0+60x60"}, 45, []),
    ],
    "DarterPastTheSwarm": [
        ({way("blob", "swarm"): "0+60x60", way("blob", "direct"): "0+60x60"}, 55, [({}, 1)]),
        ({way("blob", "swarm"): "0+60x60", way("blob", "direct"): "0+6x60", way("manifest", "direct"): "0+60x60"}, 55, []),
    ],
    "DarterWebhookErrors": [
        ({error("certificate"): "0+1x60", error("body"): "0x60"}, 45, [({"reason": "certificate"}, 15)]),
        ({error("certificate"): "0x10 1x50"}, 24, []),
        ({error("certificate"): "0x10 1x50"}, 40, []),
    ],
    "DarterWebhookGone": [
        ({up("webhook", "a"): "1x10 0x50", up("webhook", "b"): "0x60"}, 25, [({}, 1)]),
        ({up("webhook", "a"): "1x60", up("webhook", "b"): "0x60"}, 30, []),
    ],
    "DarterWebhookConfiguration": [
        ({CONFIGURATION: "1x5 0x60"}, 25, [({}, 0)]),
        ({CONFIGURATION: "1x5 0x10 1x50"}, 25, []),
    ],
    "DarterWebhookRewritesNothing": [
        ({gate("a"): "1x5 0x60", gate("b"): "0x60"}, 25, [({}, 0)]),
        ({gate("a"): "1x60", gate("b"): "0x60"}, 25, []),
    ],
    "DarterWebhookCertificateEnds": [
        ({CERTIFICATE: f"{6 * DAY}x120"}, 90, [({}, 6 * DAY - 90 * 60)]),
        ({CERTIFICATE: f"{6 * DAY}x120"}, 30, []),
        ({CERTIFICATE: f"{30 * DAY}x120"}, 90, []),
    ],
}


def fired(rule, labels, value):
    """An alert as promtool wants it described."""
    def filled(text):
        words = {"{{ $value }}": f"{value:g}"} | {f"{{{{ $labels.{name} }}}}": text for name, text in labels.items()}
        for word, replacement in words.items():
            text = text.replace(word, replacement)
        return text

    return {
        "exp_labels": labels | rule["labels"],
        "exp_annotations": {name: filled(text) for name, text in rule["annotations"].items()},
    }


class Rules(unittest.TestCase):
    def test_promtool_has_nothing_against_them(self):
        for name, values in VALUES.items():
            with self.subTest(values=name):
                files = {"rules.yml": rules(values | MONITORED)}
                self.assertEqual(promtool(files, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml"), "")

    def test_what_there_is_no_part_for_has_no_alert(self):
        def alerts(values):
            return {rule["alert"] for group in rules(values)["groups"] for rule in group["rules"]}

        self.assertEqual(set(ALERTS) - alerts(MONITORED), {"DarterNodesDown", "DarterPullErrors", "DarterPastTheSwarm"})
        self.assertFalse([name for name in alerts(MONITORED | {"mode": "mirror"}) if "Webhook" in name])

    def test_each_alert_fires_when_it_should_and_not_otherwise(self):
        self.assertEqual(set(CASES), set(ALERTS))
        for alert, cases in CASES.items():
            for number, (values, minute, expected) in enumerate(cases):
                test = {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": text} for name, text in values.items()],
                    "alert_rule_test": [{
                        "eval_time": f"{minute}m", "alertname": alert,
                        "exp_alerts": [fired(ALERTS[alert], labels, value) for labels, value in expected],
                    }],
                }
                with self.subTest(alert=alert, case=number):
                    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
                    self.assertEqual(promtool({"rules.yml": ALL, "test.yml": document}, "test", "rules", "test.yml"), "")


class Panels(unittest.TestCase):
    def test_prometheus_can_read_every_expression(self):
        records = [{"record": "panel", "expr": text, "labels": {"of": title}} for title, text in expressions()]
        self.assertGreater(len(records), 20)
        for record in records:
            self.assertNotIn("$", record["expr"], "a variable that the test does not know")
        groups = {"groups": [{"name": "panels", "rules": records}]}
        self.assertEqual(promtool({"rules.yml": groups}, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml"), "")

    def test_they_do_not_lie_over_one_another(self):
        taken = set()
        for panel in PANELS:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
        self.assertEqual(len({panel["id"] for panel in PANELS}), len(PANELS))

    def test_a_legend_names_labels_that_the_expression_leaves(self):
        for title, text in expressions():
            kept = re.findall(r"by \(([^)]*)\)", text)
            for label in re.findall(r"{{(\w+)}}", title):
                self.assertTrue(label in kept[0].split(", ") if kept else label in ("pod", "node"), title)


def selectors(text):
    """The series that an expression asks for; with every label that it sums by."""
    by = {label for labels in re.findall(r"by \(([^)]*)\)", text) for label in labels.split(", ")}
    for metric, matchers in SELECTOR.findall(text):
        yield f"{metric}{{{','.join([matchers, *(f'{label}!=' + chr(34) * 2 for label in sorted(by))])}}}"


def exposed(text, job):
    """The series of a page of metrics, as promtool's tests are given them: what they are now, for an hour."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            metric, _, labels = name.partition("{")
            own = f'namespace="darter",job="darter-{job}",pod="a"'
            yield {"series": f"{metric}{{{own}{',' if labels else '}'}{labels}", "values": f"{value}x60"}


REVIEW = {
    "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
    "request": {
        "uid": "1", "operation": "CREATE", "namespace": "default", "resource": {"group": "", "version": "v1", "resource": "pods"},
        "object": {"metadata": {}, "spec": {"containers": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "localhost/x"}]}},
    },
}


class Metrics(unittest.TestCase):
    def texts(self):
        """All expressions by what they are for."""
        return {name: rule["expr"] for name, rule in ALERTS.items()} | dict(expressions())

    def test_the_sources_name_every_metric(self):
        sources = "\n".join(path.read_text() for path in (ROOT / "Sources").rglob("*.swift"))
        for name, text in self.texts().items():
            found = {metric.removesuffix("_bucket") for metric, _ in SELECTOR.findall(text)}
            self.assertTrue(found, name)
            for metric in found - {"up"}:
                self.assertIn(f'"{metric}"', sources, name)

    def test_the_sources_name_every_outcome_of_an_origin(self):
        source = (ROOT / "Sources/BackendAPI/BackendError.swift").read_text()
        known = set(re.findall(r"static let (\w+) = Code\(", source))
        outcomes, = re.findall(r'outcome=~"([^"]*)"', ALERTS["DarterOriginErrors"]["expr"])
        self.assertLessEqual(set(outcomes.split("|")), known)

    @unittest.skipUnless(all(map(executable, ("supernode", "dfdaemon", "dfwebhook"))), "the executables are not built")
    def test_the_executables_expose_all_that_is_asked_for(self):
        pages = self.pages()
        given = [item for job, text in pages.items() for item in exposed(text, job)]
        given += [{"series": up(job), "values": "1x60"} for job in pages]
        asked = {f"{name}: {text}": text for name, whole in self.texts().items() for text in selectors(whole)}
        asked |= dict(expressions())
        self.assertGreater(len(asked), 50)
        for name, text in asked.items():
            with self.subTest(name):
                test = {
                    "interval": "1m", "input_series": given,
                    "promql_expr_test": [
                        {"expr": f"count({text}) > bool 0", "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 1}]},
                    ],
                }
                self.assertEqual(promtool({"test.yml": {"tests": [test]}}, "test", "rules", "test.yml"), "")

    def pages(self):
        """What each executable exposes after pulls, one of them in vain, and a review."""
        blob = os.urandom(1 << 20)
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        with tempfile.TemporaryDirectory() as directory, registry(blob, digest) as url:
            place = Place(directory, chart.objects(chart.render()))
            registries = [{"host": "registry.test", "url": url}, {"host": "gone.test", "url": "http://127.0.0.1:1"}]
            with swarm(place, registries) as (ready, daemon), self.webhook(place, ready) as webhook:
                self.assertEqual(get(f"http://{daemon['proxy']}/v2/registry.test/lib/app/blobs/{digest}"), blob)
                with self.assertRaises(urllib.error.HTTPError) as caught:
                    get(f"http://{daemon['proxy']}/v2/gone.test/lib/app/blobs/sha256:{'0' * 64}")
                caught.exception.close()
                return {
                    "supernode": get(f"http://{ready['api']}/metrics").decode(),
                    "dfdaemon": get(f"http://{daemon['health']}/metrics").decode(),
                    "webhook": get(f"http://{webhook['health']}/metrics").decode(),
                }

    @contextlib.contextmanager
    def webhook(self, place, ready):
        """A webhook with its file, but for addresses, that has answered a review."""
        gate = place.files["dfwebhook.yml"]["gate"]
        name = place.files["dfwebhook.yml"]["certificates"]["configuration"]
        others = {
            f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name}":
                {"metadata": {"name": name}, "webhooks": [{"clientConfig": {}}]},
            f"/apis/apps/v1/namespaces/darter/daemonsets/{gate['daemonset']}":
                {"status": {"numberReady": 1, "desiredNumberScheduled": 1}},
        }
        with cluster([], others) as (kubeconfig, _):
            server = yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]["server"]
            path = place.write("dfwebhook.yml", {
                ("webhook", "address"): "127.0.0.1:0", ("webhook", "notice"): "0s", ("health", "address"): "127.0.0.1:0",
                ("gate", "supernodes"): [ready["api"]], ("kubernetes", None): {"server": server, "namespace": "darter"},
            })
            with running("dfwebhook", path) as hook:
                request = urllib.request.Request(
                    f"https://{hook['webhook']}/mutate", json.dumps(REVIEW).encode(), {"Content-Type": "application/json"}
                )
                # Which authority has made its certificate is not looked at here.
                with urllib.request.urlopen(request, timeout=30, context=ssl._create_unverified_context()) as reply:
                    self.assertTrue(json.load(reply)["response"]["allowed"])
                yield hook


if __name__ == "__main__":
    unittest.main()
