# SPDX-License-Identifier: Apache-2.0
"""`apus describe` against what an agent exports: all of that is told of, and all that is told of
and was provoked is exported.
"""
import json
import os
import re
import socket

import pytest

from agent import Agent, ROOT, run
from blockdevice import LoopDevice, fio
from decoded import attributes_of, events_of
from namespaces import NEAR
from retransmits import Link
from waiting import eventually, free_port

KINDS = {"string": str, "int": int, "double": float, "boolean": bool, "string[]": list}
DATA = {"counter": ("sum", True), "updowncounter": ("sum", False), "gauge": ("gauge", None),
        "histogram": ("exponential_histogram", None)}


@pytest.fixture(scope="module")
def told():
    return json.loads(run("describe", "--json").stdout)


def check_attributes(found, uses, where):
    """That all are told of, of their types, and none is missing that always is there."""
    rows = {use["name"]: use for use in uses}
    assert set(found) <= set(rows), f"{where}: {set(found) - set(rows)}"
    for key, value in found.items():
        assert isinstance(value, KINDS[rows[key]["type"]]), f"{where}: {key} is {value!r}"
    always = {name for name, use in rows.items() if use["requirement"] == "required"}
    assert always <= set(found), f"{where} lacks {always - set(found)}"


def metrics_of(messages):
    for message in messages:
        for resource_metrics in message.resource_metrics:
            resource = attributes_of(resource_metrics.resource.attributes)
            for scope_metrics in resource_metrics.scope_metrics:
                for metric in scope_metrics.metrics:
                    yield metric, resource


def provoke(network, workloads, receiver, directory):
    """Something of each probe."""
    workloads.storm(workloads.marked(), 3)
    for path in ("/nonexistent/program", "/"):
        if os.fork() == 0:
            try:
                os.execv(path, [path])
            except OSError:
                os._exit(3)
    for _ in range(2):
        os.wait()
    with socket.socket() as refused:
        assert refused.connect_ex(("127.0.0.1", free_port()))
    link = Link(network)
    network.drop(f"tcp dport {link.port}")
    link.send(100)
    with LoopDevice(directory, "mq-deadline", size=8 << 20) as device:
        fio(device, size="1m")
    inode = network.inode(NEAR)
    eventually(lambda: [event for event in events_of(receiver.messages("logs"),
                                                     "apus.tcp.retransmit")
                        if event["apus.network.namespace"] == inode], 20)
    network.heal()
    link.arrive()


def test_what_is_exported_is_what_is_told_of(told, receiver, network, workloads, tmp_path):
    settings = {"export.endpoint": receiver.http_endpoint, "export.schedule_delay": "50ms",
                "metrics.interval": "300ms", "resource.attributes": {"team": "one"}}
    metrics = {metric["name"]: metric for metric in told["metrics"]}
    with Agent(tmp_path, settings) as agent:
        provoke(network, workloads, receiver, tmp_path)
        wanted = set(metrics)
        eventually(lambda: {metric.name for metric, _ in
                            metrics_of(receiver.messages("metrics"))} >= wanted, 10,
                   lambda: str(wanted - {metric.name for metric, _ in
                                         metrics_of(receiver.messages("metrics"))}))
        page = agent.metrics_text()
    events = {event["name"]: event for event in told["events"]}
    configured = [{"name": "team", "type": "string", "requirement": "required"}]
    seen = set()
    for event in events_of(receiver.messages("logs")):
        seen.add(event.name)
        check_attributes(event.attributes, events[event.name]["attributes"], event.name)
        check_attributes(event.resource, told["workload_resource"] + configured, event.name)
        assert event.schema_url == told["schema_url"]
        assert event.record.severity_text in events[event.name]["severities"]
    assert seen == set(events)
    for metric, resource in metrics_of(receiver.messages("metrics")):
        row = metrics[metric.name]
        assert (metric.unit, metric.description) == (row["unit"], row["help"])
        kind, is_monotonic = DATA[row["instrument"]]
        assert metric.WhichOneof("data") == kind
        assert is_monotonic is None or metric.sum.is_monotonic == is_monotonic
        check_attributes(resource, told[row["resource"] + "_resource"] + configured, metric.name)
        for point in getattr(metric, kind).data_points:
            attributes = attributes_of(point.attributes)
            if "otel.metric.overflow" not in attributes:
                check_attributes(attributes, row["attributes"], metric.name)
    families = set(re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE)) - {"target_info"}
    assert families == {metric["prometheus"] for metric in told["metrics"]}


def test_the_copy_in_the_documentation_is_of_today():
    assert run("describe", "--markdown").stdout == (ROOT / "docs/telemetry.md").read_text()
    assert run("config", "schema").stdout == (ROOT / "docs/apus.schema.json").read_text()


def test_the_text_names_everything(told):
    text = run("describe").stdout
    for row in told["events"] + told["metrics"]:
        assert row["name"] in text
        for attribute in row["attributes"]:
            assert attribute["name"] in text
