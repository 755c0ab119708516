"""What the tests of the chart share."""
import functools
import os
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "chart"))

import chart  # noqa: E402

VALUES = {path.stem: yaml.safe_load(path.read_text()) or {} for path in sorted((ROOT / "Tests/Chart/values").glob("*.yaml"))}


@functools.cache
def rendered(name):
    """The objects of a set of values."""
    return chart.objects(chart.render(VALUES[name]))


def of_kind(objects, kind):
    return [item for item in objects if item["kind"] == kind]


def one(objects, kind, component=None):
    """The one object of that kind and part."""
    found = [
        item for item in of_kind(objects, kind)
        if component in (None, item["metadata"]["labels"]["app.kubernetes.io/component"])
    ]
    assert len(found) == 1, f"{len(found)} of {kind} {component}"
    return found[0]


def pod_specs(objects):
    """The pods of workloads and tests, each with the name of its object."""
    for item in objects:
        if item["kind"] == "Pod":
            yield item["metadata"]["name"], item["metadata"], item["spec"]
        elif "template" in item.get("spec", {}):
            yield item["metadata"]["name"], item["spec"]["template"]["metadata"], item["spec"]["template"]["spec"]


def configurations(objects):
    """The configuration files by their names: dfdaemon.yml, supernode.yml, dfwebhook.yml."""
    found = {}
    for item in of_kind(objects, "ConfigMap"):
        found |= {name: text for name, text in item["data"].items() if name.endswith(".yml")}
    return found


def executable(name):
    """The built executable, of DARTER_BIN where that is set; None where there is none."""
    given = os.environ.get("DARTER_BIN")
    places = [given] if given else [".build/debug", ".build/release"]
    return next((ROOT / place / name for place in places if (ROOT / place / name).exists()), None)
