#!/usr/bin/env python3
"""manifests.py [--check]: writes deploy/manifests, the chart's objects with its default values as plain files, or says
with exit code 1 that they are not what the chart makes."""
import argparse
import difflib
import sys

import chart

DIRECTORY = chart.ROOT / "deploy" / "manifests"
# Rendered without a cluster, the chart would make another secret each time: here the operator makes it.
VALUES = {"cluster": {"existingSecret": "darter-cluster"}}
HEADER = """\
# Rendered from deploy/helm/darter with its default values by scripts/chart/manifests.py: change the chart, not this file.
"""
NAMESPACE = """\
# hostNetwork and hostPath of dfdaemon need the privileged level where Pod Security is enforced.
apiVersion: v1
kind: Namespace
metadata:
  name: darter
  labels:
    app.kubernetes.io/part-of: darter
    pod-security.kubernetes.io/enforce: privileged
"""
# What has to be there first comes first.
PARTS = ["supernode", "dfdaemon", "webhook"]


def files():
    """The texts by file name."""
    texts = chart.render(VALUES)
    made = {"00-namespace.yaml": HEADER + NAMESPACE}
    for number, part in enumerate(PARTS, 1):
        documents = []
        for path, text in texts.items():
            lines = [line.rstrip() for line in text.splitlines()]
            body = "\n".join(line for line in lines if line).strip("-\n ")
            mine = path.startswith(f"templates/{part}/") and path.endswith(".yaml")
            if not body or not mine:
                continue
            documents.append(body)
        made[f"{number}0-{part}.yaml"] = HEADER + "---\n" + "\n---\n".join(documents) + "\n"
    policies = texts["templates/networkpolicy.yaml"].splitlines()
    body = "\n".join(line.rstrip() for line in policies if line.strip()).strip("-\n ")
    made["40-networkpolicy.yaml"] = HEADER + "---\n" + body + "\n"
    return {name: in_namespace(text) for name, text in made.items()}


CLUSTERWIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration"}


def in_namespace(text):
    """Says in each object which namespace it is in, as Helm does when it applies them."""
    documents = []
    for document in text.split("\n---\n"):
        kind = next((line.split()[1] for line in document.splitlines() if line.startswith("kind: ")), "")
        if kind and kind not in CLUSTERWIDE:
            document = document.replace("\nmetadata:\n", "\nmetadata:\n  namespace: darter\n", 1)
        documents.append(document.replace("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl"))
    return "\n---\n".join(documents)


def differences(made):
    """What the files have that they should not have, and the other way round, as a diff."""
    there = {path.name: path.read_text() for path in sorted(DIRECTORY.glob("*.yaml"))}
    lines = []
    for name in sorted(there.keys() | made.keys()):
        lines += difflib.unified_diff(
            there.get(name, "").splitlines(True), made.get(name, "").splitlines(True), f"deploy/manifests/{name}", "the chart"
        )
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    made = files()
    difference = differences(made)
    if arguments.check:
        if difference:
            sys.exit(f"{difference}manifests: deploy/manifests is not what the chart makes: run `make manifests`")
        return
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for path in DIRECTORY.glob("*.yaml"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (DIRECTORY / name).write_text(text)


if __name__ == "__main__":
    main()
