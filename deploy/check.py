"""Checks what no tool knows: that what is deployed agrees with the program, with itself and with the docs.

    check.py RENDERED...      the manifests of Kubernetes, as kustomize renders them
"""

import json
import pathlib
import re
import sys

import yaml

DEPLOY = pathlib.Path(__file__).parent
ROOT = DEPLOY.parent
# What Prometheus itself adds, and the labels that manifests give to pods.
LABELS_OF_TARGETS = {"instance", "job", "namespace", "pod", "sheaf_dev_lane"}
NAME = re.compile(r"\b(?:sheaf|process)_[a-z0-9_]+\b")
SELECTOR = re.compile(r"\b((?:sheaf|process)_[a-z0-9_]+)\{([^}]*)\}")

complaints = []


def need(condition, complaint):
    if not condition:
        complaints.append(complaint)


def metrics():
    """The labels of each metric."""
    known = {}
    for line in (DEPLOY / "metrics.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            _, name, *labels = line.split()
            known.setdefault(name, set()).update(labels[0].split(",") if labels else ())
    return known


def check_expression(where, expression, known):
    labels = set().union(*known.values()) | LABELS_OF_TARGETS
    names = [name for name in NAME.findall(expression) if name not in labels]
    need(names, f"{where}: asks for no metric of Sheaf's: {expression}")
    for name in names:
        need(name in known, f"{where}: there is no metric {name}")
    for name, selector in SELECTOR.findall(expression):
        for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"", selector):
            need(label in known.get(name, set()) | LABELS_OF_TARGETS, f"{where}: {name} has no label {label}")


def dashboard(known):
    """Expressions of the dashboard by panel."""
    board = json.loads((DEPLOY / "grafana/sheaf.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    need(len(ids) == len(set(ids)), "grafana: two panels have one id")
    asked = set()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            check_expression(f"grafana, {panel['title']}", target["expr"], known)
            asked.update(NAME.findall(target["expr"]))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            check_expression(f"grafana, variable {variable['name']}", variable["definition"], known)
    for name in sorted(set(known) - asked):
        complaints.append(f"grafana: nothing shows {name}")


def slug(heading):
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def alerts(known):
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
    sections = {slug(heading) for heading in headings}
    tests = (DEPLOY / "prometheus/alerts.test.yaml").read_text()
    names = []
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            names.append(name)
            check_expression(f"alert {name}", rule["expr"], known)
            need(rule["labels"].get("severity") in {"critical", "warning", "info"}, f"alert {name}: severity?")
            page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            need((ROOT / page).name == "alerts.md" and anchor == slug(name), f"alert {name}: its runbook is elsewhere")
            need(anchor in sections, f"alert {name}: docs/alerts.md has no section {name}")
            need(tests.count(f"alertname: {name},") == 1, f"alert {name}: is not tested on a fleet that is well")
            need(f'alertname="{name}"' in tests, f"alert {name}: nothing tests that it fires")
    for heading in headings:
        if heading.startswith("Sheaf"):
            need(heading in names, f"docs/alerts.md: there is no alert {heading}")


def grace(arguments):
    found = re.search(r"--grace[= ](\d+)", " ".join(arguments))
    return int(found[1]) if found else 0


def gibibytes(text):
    return float(re.fullmatch(r"(\d+)(?:Gi|GiB)", text)[1])


def pods(objects):
    for thing in objects:
        if "template" in thing.get("spec", {}):
            yield f"{thing['kind']} {thing['metadata']['name']}", thing["spec"]["template"]["spec"]


def kubernetes(rendered, known):
    objects = [thing for thing in yaml.safe_load_all(rendered.read_text()) if thing]
    named = {(thing["kind"], thing["metadata"]["name"]) for thing in objects}
    for where, pod in pods(objects):
        where = f"{rendered.name}, {where}"
        need(pod["securityContext"]["runAsNonRoot"], f"{where}: may be root")
        for container in pod["containers"]:
            arguments, ports = container.get("args", []), {p["name"]: p["containerPort"] for p in container.get("ports", [])}
            need(grace(arguments) < pod["terminationGracePeriodSeconds"], f"{where}: is killed before --grace is over")
            limit = container["resources"]["limits"]["memory"]
            for argument in arguments:
                if argument.startswith("--memory="):
                    fits = gibibytes(argument.split("=")[1]) + 2 <= gibibytes(limit)
                    need(fits, f"{where}: {argument} leaves less than 2 GiB of {limit}")
                if argument.startswith("--metrics="):
                    need(int(argument.rsplit(":")[-1]) == ports["metrics"], f"{where}: metrics are on another port")
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            there = {volume["name"] for volume in pod.get("volumes", [])}
            need(mounted - there <= {"store"}, f"{where}: mounts what is not there: {mounted - there}")
    for thing in objects:
        spec = thing.get("spec", {})
        if thing["kind"] in ("ScaledObject", "HorizontalPodAutoscaler"):
            need(("Deployment", spec["scaleTargetRef"]["name"]) in named, f"{rendered.name}: scales what is not there")
        if thing["kind"] == "ScaledObject":
            need(spec["minReplicaCount"] < spec["maxReplicaCount"], f"{rendered.name}: scales to nothing")
            for trigger in spec["triggers"]:
                check_expression(f"{rendered.name}, ScaledObject", trigger["metadata"]["query"], known)


def units():
    for path in (DEPLOY / "systemd").glob("*.service"):
        text = path.read_text()
        stop = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1])
        command = re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)[1]
        need(grace([command]) < stop, f"{path.name}: is killed before --grace is over")
        need(re.search(r"^MemoryMax=", text, re.MULTILINE), f"{path.name}: has no limit of memory")


def container():
    rust = re.search(r'^rust-version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    image = re.search(r"^FROM rust:(\S+?)-", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)[1]
    need(image == rust, f"Containerfile: builds with Rust {image}, the workspace is for {rust}")
    given = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    members = re.search(r"^members = \[(.+)\]$", (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    for member in re.findall(r'"(.+?)"', members):
        need(f"!{member}" in given, f"Containerfile.dockerignore: leaves out {member}")


def main():
    known = metrics()
    dashboard(known)
    alerts(known)
    for path in sys.argv[1:]:
        kubernetes(pathlib.Path(path), known)
    units()
    container()
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        sys.exit(1)
    print(f"{len(known)} metrics, the dashboard, alerts, manifests and units agree")


if __name__ == "__main__":
    main()
