"""What the chart makes of several sets of values: valid for every version of Kubernetes, and as safe as it says."""
import fnmatch
import functools
import unittest

import kubernetes_validate.utils as kubernetes
import support
import yaml
from support import VALUES, chart, of_kind, one, pod_specs, rendered

# Each is read for every object otherwise.
kubernetes.schema_contents = functools.cache(kubernetes.schema_contents)
# Of operators: Kubernetes has no schema for these.
FOREIGN = {"PodMonitor", "PrometheusRule", "Certificate", "Issuer"}
OLDEST = "1.25"


def versions():
    return [v for v in kubernetes.all_versions() if tuple(map(int, v.split(".")[:2])) >= tuple(map(int, OLDEST.split(".")))]


class Objects(unittest.TestCase):
    def each(self):
        """The sets of values by name; the one that a test fails with is in its output."""
        for name in VALUES:
            print(f"values: {name}")
            yield name, rendered(name)

    def test_helm_has_nothing_against_the_chart(self):
        for name, values in VALUES.items():
            with self.subTest(values=name):
                self.assertEqual(chart.lint(values), [])

    def test_every_version_of_kubernetes_takes_every_object(self):
        self.assertGreater(len(versions()), 10)
        for name, objects in self.each():
            for item in objects:
                if item["kind"] in FOREIGN:
                    continue
                for version in versions():
                    try:
                        kubernetes.validate(item, version, strict=True)
                    except kubernetes.ValidationError as error:
                        path = ".".join(map(str, error.path))
                        self.fail(f"{name}, {item['kind']} {item['metadata']['name']}, {version}: {path}: {error.message}")

    def test_objects_of_operators_have_what_those_want(self):
        objects = rendered("both")
        self.assertEqual({item["kind"] for item in objects} & FOREIGN, FOREIGN)
        workloads = {name: (meta, spec) for name, meta, spec in pod_specs(objects)}
        for monitor in of_kind(objects, "PodMonitor"):
            meta, spec = workloads[monitor["metadata"]["name"]]
            wanted = monitor["spec"]["selector"]["matchLabels"].items()
            self.assertLessEqual(wanted, meta["labels"].items())
            ports = {port["name"] for port in spec["containers"][0]["ports"]}
            for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                self.assertIn(endpoint["port"], ports)
        secrets = {item["spec"]["secretName"] for item in of_kind(objects, "Certificate")}
        for name, _, spec in pod_specs(objects):
            for volume in spec.get("volumes", []):
                secret = volume.get("secret", {}).get("secretName", "")
                self.assertTrue("tls" not in secret or secret in secrets, f"{name} mounts {secret}, which nobody makes")
        issuers = {item["metadata"]["name"] for item in of_kind(objects, "Issuer")}
        for certificate in of_kind(objects, "Certificate"):
            issuer = certificate["spec"]["issuerRef"]
            self.assertTrue(issuer["kind"] == "ClusterIssuer" or issuer["name"] in issuers, issuer)

    def test_names_are_unique_and_everything_that_is_mounted_is_there(self):
        for _, objects in self.each():
            names = [(item["kind"], item["metadata"]["name"]) for item in objects]
            self.assertEqual(len(names), len(set(names)))
            for _, _, spec in pod_specs(objects):
                if "serviceAccountName" in spec:
                    self.assertIn(("ServiceAccount", spec["serviceAccountName"]), names)
                volumes = {volume["name"] for volume in spec.get("volumes", [])}
                claims = {"store"} if any(kind == "StatefulSet" for kind, _ in names) else set()
                for container in spec.get("initContainers", []) + spec["containers"]:
                    mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
                    self.assertLessEqual(mounts, volumes | claims)
                for volume in spec.get("volumes", []):
                    if "configMap" in volume:
                        self.assertIn(("ConfigMap", volume["configMap"]["name"]), names)

    def test_no_container_may_more_than_it_needs(self):
        for name, objects in self.each():
            for pod, _, spec in pod_specs(objects):
                self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}, pod)
                for key in ("hostPID", "hostIPC", "shareProcessNamespace"):
                    self.assertNotIn(key, spec)
                for container in spec.get("initContainers", []) + spec["containers"]:
                    context = container["securityContext"]
                    where = f"{name} {pod} {container['name']}"
                    self.assertIs(context["allowPrivilegeEscalation"], False, where)
                    self.assertIs(context["readOnlyRootFilesystem"], True, where)
                    self.assertNotIn("privileged", context)
                    self.assertEqual(context["capabilities"]["drop"], ["ALL"], where)
                    added = context["capabilities"].get("add", [])
                    self.assertEqual(added, ["CHOWN"] if container["name"] == "own-store" else [], where)
                    self.assertIn("memory", container["resources"]["limits"], where)
                    self.assertIn("memory", container["resources"]["requests"], where)
                    user = context.get("runAsUser", spec["securityContext"]["runAsUser"])
                    chosen = name == "small" and "dfdaemon" in pod
                    self.assertEqual(user == 0, chosen or container["name"] in ("own-store", "containerd"), where)
                    nonroot = context.get("runAsNonRoot", spec["securityContext"]["runAsNonRoot"])
                    self.assertEqual(nonroot, user != 0, where)

    def test_what_uses_directories_of_a_node_has_a_type_for_selinux(self):
        label = {"type": "spc_t"}
        found = {name: spec["securityContext"].get("seLinuxOptions") for name, _, spec in pod_specs(chart.objects(chart.render({
            "mode": "both", "dfdaemon": {"seLinuxOptions": label}, "supernode": {"seLinuxOptions": label},
        })))}
        chosen = {name for name, options in found.items() if options}
        self.assertEqual(chosen, {"darter-dfdaemon", "darter-supernode", "darter-test-check"})
        for name in chosen:
            self.assertEqual(found[name], label)

    def test_only_a_webhook_that_asks_the_api_has_a_token(self):
        for name, objects in self.each():
            for pod, _, spec in pod_specs(objects):
                wanted = pod.endswith("-webhook") and name != "provided"
                self.assertIs(spec["automountServiceAccountToken"], wanted, f"{name} {pod}")
            for account in of_kind(objects, "ServiceAccount"):
                self.assertIs(account["automountServiceAccountToken"], False)
            bound = {subject["name"] for kind in ("RoleBinding", "ClusterRoleBinding")
                     for item in of_kind(objects, kind) for subject in item["subjects"]}
            self.assertLessEqual(bound, {item["metadata"]["name"] for item in of_kind(objects, "Deployment")})

    def test_rights_are_bound_to_names(self):
        for name, objects in self.each():
            rules = [rule for kind in ("Role", "ClusterRole") for item in of_kind(objects, kind) for rule in item["rules"]]
            for rule in rules:
                self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"])
                self.assertTrue(rule.get("resourceNames") or rule["verbs"] == ["create"], f"{name}: {rule}")
            granted = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
            self.assertLessEqual(granted, {
                ("secrets", "create"), ("secrets", "get"), ("secrets", "update"), ("daemonsets", "get"),
                ("mutatingwebhookconfigurations", "get"), ("mutatingwebhookconfigurations", "patch"),
            })
        self.assertEqual(of_kind(rendered("provided"), "Role") + of_kind(rendered("provided"), "ClusterRole"), [])

    def test_a_mode_has_its_parts_and_no_others(self):
        for name, objects in self.each():
            mode = VALUES[name].get("mode", "webhook")
            self.assertEqual(bool(of_kind(objects, "MutatingWebhookConfiguration")), mode != "mirror")
            self.assertEqual(bool(of_kind(objects, "Deployment")), mode != "mirror")
            daemon = one(objects, "DaemonSet")["spec"]["template"]["spec"]
            commands = [container["command"][:4] for container in daemon.get("initContainers", [])]
            verb = "restore" if name == "restore" else "configure"
            self.assertEqual(["dfdaemon", "runtime", verb, "containerd"] in commands, mode != "webhook")

    def test_the_swarm_stays_alive_while_pods_are_replaced(self):
        for name, objects in self.each():
            daemon = one(objects, "DaemonSet")["spec"]
            self.assertEqual(daemon["updateStrategy"]["rollingUpdate"]["maxUnavailable"], "10%")
            self.assertIs(daemon["template"]["spec"]["hostNetwork"], True)
            supernode = one(objects, "StatefulSet")["spec"]
            self.assertEqual(supernode["podManagementPolicy"], "OrderedReady")
            self.assertEqual(supernode["serviceName"], one(objects, "Service", "supernode")["metadata"]["name"])
            files = support.configurations(objects)
            for workload, file, listeners in (
                (daemon, "dfdaemon.yml", ("proxy", "pieces", "health")), (supernode, "supernode.yml", ("api", "pieces")),
            ):
                configuration = yaml.safe_load(files[file])
                drains = sum(int(configuration[listener]["drain"][:-1]) for listener in listeners)
                self.assertGreater(workload["template"]["spec"]["terminationGracePeriodSeconds"], drains + 10)

    def test_supernodes_never_share_a_directory(self):
        for values, kind in (
            ({}, "preferred"), ({"antiAffinity": "required"}, "required"), ({"antiAffinity": "none"}, None),
            ({"store": {"type": "hostPath"}}, "required"), ({"store": {"type": "hostPath"}, "antiAffinity": "none"}, "required"),
        ):
            spec = one(chart.objects(chart.render({"supernode": values})), "StatefulSet")["spec"]["template"]["spec"]
            found = list(spec.get("affinity", {}).get("podAntiAffinity", {}))
            self.assertEqual(found, [f"{kind}DuringSchedulingIgnoredDuringExecution"] if kind else [], values)

    def test_the_quota_is_the_limit_of_a_store(self):
        # One of the volume's own would have the kubelet evict the pod where the quota is more.
        for name in VALUES:
            for pod, _, spec in pod_specs(rendered(name)):
                for volume in spec.get("volumes", []):
                    self.assertEqual(volume.get("emptyDir", {}), {}, f"{name} {pod}")

    def test_probes_go_where_the_listener_is(self):
        for name, objects in self.each():
            files = support.configurations(objects)
            spec = one(objects, "DaemonSet")["spec"]["template"]["spec"]
            container = spec["containers"][0]
            ports = {port["name"]: port for port in container["ports"]}
            configuration = yaml.safe_load(files["dfdaemon.yml"])
            for listener in ("proxy", "pieces", "health"):
                host, number = configuration[listener]["address"].rsplit(":", 1)
                self.assertEqual(ports[listener]["containerPort"], int(number))
                self.assertEqual(ports[listener]["hostPort"], int(number))
                self.assertEqual(ports[listener].get("hostIP"), "127.0.0.1" if host == "127.0.0.1" else None)
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                self.assertEqual(container[probe]["httpGet"]["host"], "127.0.0.1")
            self.assertEqual(configuration["proxy"]["address"].split(":")[0], "127.0.0.1")
            supernode = one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
            tls = "tls" in yaml.safe_load(files["supernode.yml"])["api"]
            self.assertEqual(supernode["readinessProbe"]["httpGet"]["scheme"], "HTTPS" if tls else "HTTP")

    def test_the_webhook_leaves_alone_what_it_must(self):
        for name, objects in self.each():
            if VALUES[name].get("mode") == "mirror" or not of_kind(objects, "MutatingWebhookConfiguration"):
                continue
            hook, = one(objects, "MutatingWebhookConfiguration")["webhooks"]
            self.assertEqual(hook["sideEffects"], "None")
            self.assertEqual(hook["failurePolicy"], "Fail" if name == "provided" else "Ignore")
            self.assertLessEqual(hook["timeoutSeconds"], 5)
            self.assertEqual(hook["reinvocationPolicy"], "IfNeeded")
            self.assertEqual([(r["operations"], r["resources"]) for r in hook["rules"]],
                             [(["CREATE"], ["pods"]), (["UPDATE"], ["pods/ephemeralcontainers"])])
            spaces = {(e["key"], e["operator"]): e.get("values") for e in hook["namespaceSelector"]["matchExpressions"]}
            excluded = spaces["kubernetes.io/metadata.name", "NotIn"]
            self.assertLessEqual({"kube-system", "darter"}, set(excluded))
            configuration = yaml.safe_load(support.configurations(objects)["dfwebhook.yml"])
            self.assertEqual(configuration["namespaces"]["exclude"], excluded)
            self.assertEqual(("darter.io/rewrite", "In") in spaces, name == "both")
            pods = {(e["key"], e["operator"]): e["values"] for e in hook["objectSelector"]["matchExpressions"]}
            self.assertEqual(pods["app.kubernetes.io/part-of", "NotIn"], ["darter"])
            self.assertEqual(pods["darter.io/rewrite", "NotIn"], ["false"])
            service = hook["clientConfig"]["service"]
            self.assertEqual(service["name"], one(objects, "Service", "webhook")["metadata"]["name"])
            for _, meta, _ in pod_specs(objects):
                self.assertEqual(meta["labels"]["app.kubernetes.io/part-of"], "darter")
        provided = one(rendered("provided"), "MutatingWebhookConfiguration")["webhooks"][0]
        self.assertIn("caBundle", provided["clientConfig"])
        managed = one(rendered("both"), "MutatingWebhookConfiguration")["metadata"]
        self.assertEqual(managed["annotations"]["cert-manager.io/inject-ca-from"], "darter/images-webhook-tls")

    def test_the_webhook_and_its_configuration_are_of_one_mind(self):
        objects = rendered("default")
        configuration = yaml.safe_load(support.configurations(objects)["dfwebhook.yml"])
        hook = one(objects, "MutatingWebhookConfiguration")
        self.assertEqual(configuration["certificates"]["configuration"], hook["metadata"]["name"])
        self.assertEqual(configuration["certificates"]["hosts"], ["darter-webhook.darter.svc"])
        self.assertEqual(configuration["gate"]["daemonset"], one(objects, "DaemonSet")["metadata"]["name"])
        named = {(r, n) for item in of_kind(objects, "Role") + of_kind(objects, "ClusterRole") for rule in item["rules"]
                 for r in rule["resources"] for n in rule.get("resourceNames", [])}
        self.assertEqual(named, {
            ("secrets", configuration["certificates"]["secret"]), ("daemonsets", configuration["gate"]["daemonset"]),
            ("mutatingwebhookconfigurations", configuration["certificates"]["configuration"]),
        })
        # What is rewritten is asked of a node that must know it.
        for name in VALUES:
            files = support.configurations(rendered(name))
            if "dfwebhook.yml" not in files:
                continue
            mirror = yaml.safe_load(files["dfdaemon.yml"])["registry_mirror"]
            known = {"docker.io"} | {entry["host"] for entry in mirror["registries"]} | set(mirror["allow"])
            self.assertEqual(set(yaml.safe_load(files["dfwebhook.yml"])["registries"]["include"]), known)

    def test_images_that_nodes_log_in_for_by_themselves_stay_unless_somebody_says_otherwise(self):
        registries = yaml.safe_load(support.configurations(rendered("default"))["dfwebhook.yml"])["registries"]
        for host in ("gcr.io", "europe-docker.pkg.dev"):
            for patterns in registries.values():
                self.assertTrue(any(fnmatch.fnmatchcase(host, pattern) for pattern in patterns), host)

    def test_every_node_is_told_of_every_supernode(self):
        for replicas in (1, 2, 7):
            for tls in ("off", "generate"):
                objects = chart.objects(chart.render(
                    {"supernode": {"replicas": replicas, "tls": {"mode": tls}}}, name="x", namespace="y"
                ))
                node = yaml.safe_load(support.configurations(objects)["dfdaemon.yml"])
                scheme = "https://" if tls == "generate" else ""
                self.assertEqual(node["supernodes"], [
                    f"{scheme}x-darter-supernode-{i}.x-darter-supernode.y.svc.cluster.local:8002" for i in range(replicas)
                ])
                self.assertEqual(one(objects, "StatefulSet")["spec"]["replicas"], replicas)
                hook = yaml.safe_load(support.configurations(objects)["dfwebhook.yml"])
                self.assertEqual([url.split("://", 1)[1] for url in hook["gate"]["supernodes"]],
                                 [url.removeprefix(scheme) for url in node["supernodes"]])
                self.assertEqual("supernode_ca_file" in hook["gate"], tls == "generate")

    def test_a_changed_configuration_replaces_the_pods_that_read_it(self):
        def marks(values):
            return {name: meta["annotations"]["darter.io/config"] for name, meta, _ in pod_specs(
                chart.objects(chart.render(values))) if "-test-" not in name}
        before = marks({})
        for part in ("dfdaemon", "supernode", "webhook"):
            after = marks({part: {"logLevel": "debug"}})
            self.assertEqual([name for name in before if before[name] != after[name]], [f"darter-{part}"])


class NodeFiles(unittest.TestCase):
    def test_logins_and_authorities_are_files_of_secrets(self):
        objects = rendered("mirror")
        node = yaml.safe_load(support.configurations(objects)["dfdaemon.yml"])["registry_mirror"]["registries"]
        files = {value for entry in node for key, value in entry.items() if key in ("ca_file", "password_file", "docker_config")}
        spec = one(objects, "DaemonSet")["spec"]["template"]["spec"]
        volume = next(v for v in spec["volumes"] if v["name"] == "registries")["projected"]
        mount = next(m for m in spec["containers"][0]["volumeMounts"] if m["name"] == "registries")
        there = {f"{mount['mountPath']}/{item['path']}" for source in volume["sources"] for kind in source.values()
                 for item in kind["items"]}
        self.assertEqual(files, there)
        self.assertEqual(volume["defaultMode"], 0o440)
        self.assertNotIn("password:", support.configurations(objects)["dfdaemon.yml"])
        # A supernode needs the authorities, and no login of anybody's.
        spec = one(objects, "StatefulSet")["spec"]["template"]["spec"]
        sources = next(v for v in spec["volumes"] if v["name"] == "registries")["projected"]["sources"]
        self.assertEqual([next(iter(s.values()))["name"] for s in sources], ["example-ca", "other-ca"])

    def test_a_registry_with_a_port_is_known_by_both_names(self):
        files = support.configurations(rendered("both"))
        hosts = [entry["host"] for entry in yaml.safe_load(files["dfdaemon.yml"])["registry_mirror"]["registries"]]
        self.assertEqual(hosts, ["registry.example.com", "registry.example.com:5000"])
        hook = yaml.safe_load(files["dfwebhook.yml"])
        self.assertEqual(hook["registry_names"], {"registry.example.com:5000": "registry.example.com"})
        self.assertEqual(hook["credentials"], ["registry.example.com"])

    def test_only_named_directories_of_the_node_are_mounted(self):
        for name in VALUES:
            for pod, _, spec in pod_specs(rendered(name)):
                paths = {volume["hostPath"]["path"] for volume in spec.get("volumes", []) if "hostPath" in volume}
                allowed = {"/var/lib/darter/dfdaemon", "/data/dfdaemon", "/data/supernode"}
                if VALUES[name].get("mode") in ("mirror", "both"):
                    allowed |= set(VALUES[name].get("containerd", {}).get("directories", ["/etc/containerd"]))
                self.assertLessEqual(paths, allowed, f"{name} {pod}")


if __name__ == "__main__":
    unittest.main()
