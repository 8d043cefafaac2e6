"""Ask a service as Prometheus does by its manifests: the ServiceMonitor and the query of the ScaledObject."""

import dataclasses
import hashlib
import re
from typing import Any

import yaml

from scaffold.render._deploy import deploy_files
from scaffold.spec import Profile
from tests.deploy._specs import project_spec
from tests.serving._toy import Service

KEY = "a-key"
HASHES = hashlib.sha256(KEY.encode()).hexdigest()


def assert_scraped(service: Service, profile: Profile) -> None:
    """Check that a service with API keys gives Prometheus the metrics that its manifests ask for."""
    answers: dict[str, Any] = {"auth": True, "service_monitor": True, "autoscaler": "keda"}
    spec = project_spec(answers | {"prometheus_url": "http://prometheus:9090"})
    files = deploy_files(dataclasses.replace(spec, profile=profile))
    (endpoint,) = yaml.safe_load(files["deploy/base/monitor.yaml"])["spec"]["endpoints"]
    assert set(endpoint) == {"port", "path", "interval"}, "it sends no credentials"
    assert service.post("/score", {"value": 1.0}).status == 401
    assert service.post("/score", {"value": 1.0}, **{"X-API-Key": KEY}).status == 200
    answer = service.get(endpoint["path"])
    assert answer.status == 200
    (trigger,) = yaml.safe_load(files["deploy/staging/scaledobject.yaml"])["spec"]["triggers"]
    query = re.fullmatch(r'sum\(rate\((\w+)\{.*, (\w+)!~"(.*)"\}\[2m\]\)\)', trigger["metadata"]["query"])
    assert query
    name, label, left_out = query.groups()
    values = re.findall(rf'^{name}\{{.*\b{label}="([^"]*)".*\}} \d', answer.body.decode(), re.MULTILINE)
    assert "/score" in values, answer.body
    assert {value for value in values if not re.fullmatch(left_out, value)} <= {"/score", "none", "other"}
