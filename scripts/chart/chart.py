"""The chart, linted and rendered with Helm's own library (helm-python-sdk), without a cluster."""
import pathlib

import helm_python as helm
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "darter"


def render(values=None, name="darter", namespace="darter", config=None):
    """The templates' texts by their path below the chart; `config`: a cluster that `lookup` asks."""
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values or {})
        options = {"name": name, "namespace": namespace}
        texts = config.render(chart, values or {}, **options) if config else chart.render(values or {}, **options)
    return {path.removeprefix("darter/"): text for path, text in sorted(texts.items())}


def objects(texts):
    """The objects of rendered templates, in the order of their paths; without the tests' pods, which are hooks."""
    found = []
    for path, text in texts.items():
        if path.endswith((".yaml", ".yml")):
            found += [item for item in yaml.safe_load_all(text) if item]
    return found


def lint(values=None):
    """What Helm has against the chart, as lines; information about the chart's icon is none."""
    report = helm.lint(CHART, values=values or {}, strict=True)
    lines = [message["error"] for message in report["messages"] if message["severity"] >= 2]
    return lines + report["errors"]
