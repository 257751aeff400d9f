# SPDX-License-Identifier: Apache-2.0
"""What the agent sends, field by field, to the official stubs and through an independent collector.
"""
import re
import socket
import time

import pytest

from agent import Agent, run
from decoded import events_of, latest, points_of
from waiting import eventually

PROTOCOLS = ["http/protobuf", "grpc"]
CUMULATIVE = 2


def settings(endpoint, protocol, **more):
    return {"exec.args": "full", "export.endpoint": endpoint, "export.protocol": protocol,
            "export.schedule_delay": "50ms", "metrics.interval": "500ms", **more}


def marked_events(receiver, program, name="apus.process.exec"):
    return [event for event in events_of(receiver.messages("logs"), name)
            if event.get("process.executable.path") == str(program)]


def count_of(receiver, name=None):
    return len(list(events_of(receiver.messages("logs"), name)))


def check_log(event, began_ns, ended_ns):
    record = event.record
    assert began_ns - 50_000_000 <= record.time_unix_nano <= ended_ns
    assert record.time_unix_nano <= record.observed_time_unix_nano
    assert (record.severity_number, record.severity_text) == (9, "INFO")
    assert record.trace_id == b"" and record.span_id == b"" and record.flags == 0
    assert record.dropped_attributes_count == 0
    # The name is field 12 and never an attribute.
    assert "event.name" not in event.attributes
    assert isinstance(event["log.record.uid"], str) and event["log.record.uid"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_logs_arrive_as_specified(receiver, workloads, tmp_path, protocol):
    program = workloads.marked()
    with Agent(tmp_path, settings(receiver.endpoint(protocol), protocol)):
        began = time.time_ns()
        workloads.storm(program, 23)
        eventually(lambda: len(marked_events(receiver, program)) >= 23)
        eventually(lambda: count_of(receiver, "apus.process.exit") >= 23)
    events = marked_events(receiver, program)
    assert len(events) == 23
    for event in events_of(receiver.messages("logs")):
        assert event.name in ("apus.process.exec", "apus.process.exit", "apus.tcp.connect",
                              "apus.tcp.retransmit")
        assert event.scope.name and event.scope.version
        assert event.resource["host.name"] == socket.gethostname()
    for event in events:
        check_log(event, began, time.time_ns())
    uids = {event["log.record.uid"] for event in events_of(receiver.messages("logs"))}
    assert len(uids) == count_of(receiver)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_requests_are_framed_as_specified(receiver, workloads, tmp_path, protocol):
    environment = {"OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=blue%20one,authorization=Bearer%20abc"}
    with Agent(tmp_path, settings(receiver.endpoint(protocol), protocol), environment):
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: receiver.messages("logs") and receiver.messages("metrics"))
    for request in receiver.requests:
        assert request.protocol == protocol
        assert request.headers["x-tenant"] == "blue one"
        assert request.headers["authorization"] == "Bearer abc"
        assert re.match(r"apus/(\d+\.\d+\.\d+\S*) OTel-OTLP-Exporter-Swift/\1( |$)",
                        request.headers["user-agent"])
        if protocol != "grpc":
            assert request.path == f"/v1/{request.signal}"
            assert request.headers["content-type"] == "application/x-protobuf"
        # No empty envelopes.
        assert request.size > 0


def check_histogram(point):
    data = point.point
    assert data.scale == 3
    assert data.count == data.zero_count + sum(data.positive.bucket_counts)
    assert not data.negative.bucket_counts
    assert data.HasField("sum")
    if data.count:
        # The longest wait lies in the last bucket that is not empty, the shortest in the first.
        filled = [index for index, count in enumerate(data.positive.bucket_counts) if count]
        if data.HasField("max") and filled:
            upper = 2 ** ((data.positive.offset + filled[-1] + 1) / 8)
            assert data.max <= upper * (1 + 1e-9) or filled[-1] + data.positive.offset >= 55
            assert data.sum <= data.count * data.max * (1 + 1e-9)
        if data.HasField("min"):
            assert 0 <= data.min <= data.sum / data.count * (1 + 1e-9)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metrics_arrive_as_specified(receiver, workloads, tmp_path, protocol):
    began = time.time_ns()
    with Agent(tmp_path, settings(receiver.endpoint(protocol), protocol)):
        workloads.storm(workloads.marked(), 2300)
        wanted = len(receiver.messages("metrics")) + 4
        eventually(lambda: len(receiver.messages("metrics")) >= wanted)
    messages = receiver.messages("metrics")
    executions = latest(messages, "apus.process.executions")
    assert sum(point.value for point in executions) >= 2300
    for name in ("apus.process.executions", "apus.agent.events.produced"):
        for point in points_of(messages, name):
            assert point.metric.sum.is_monotonic
            assert point.metric.sum.aggregation_temporality == CUMULATIVE
            assert point.metric.unit and point.metric.description
    waits = list(points_of(messages, "apus.cpu.runqueue.latency"))
    assert waits
    for point in waits:
        assert point.metric.WhichOneof("data") == "exponential_histogram"
        assert point.metric.exponential_histogram.aggregation_temporality == CUMULATIVE
        assert point.metric.unit == "s"
        check_histogram(point)
    check_times(messages, began)


def check_times(messages, began):
    """Each series has one start, and its points neither go back in time nor in count."""
    series = {}
    for name in ("apus.process.executions", "apus.cpu.runqueue.latency"):
        for point in points_of(messages, name):
            key = (name, repr(sorted(point.resource.items())),
                   repr(sorted(point.attributes.items())))
            count = point.point.count if name.endswith("latency") else point.value
            series.setdefault(key, []).append((point.point.start_time_unix_nano,
                                               point.point.time_unix_nano, count))
    for points in series.values():
        assert len({start for start, _, _ in points}) == 1
        assert points == sorted(points)
        assert began - 50_000_000 <= points[0][0] <= points[0][1] <= time.time_ns()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_independent_collector_understands_all_of_it(
        receiver, collector, workloads, tmp_path, protocol):
    program = workloads.marked()
    with Agent(tmp_path, settings(collector.endpoint(protocol), protocol)) as agent:
        workloads.storm(program, 23)
        eventually(lambda: len(marked_events(receiver, program)) >= 23, 15, lambda: agent.log)
        eventually(lambda: list(points_of(receiver.messages("metrics"),
                                          "apus.cpu.runqueue.latency")), 15, lambda: agent.log)
    events = marked_events(receiver, program)
    assert sorted(event["process.command_args"][1] for event in events) == sorted(
        f"index={number}" for number in range(23))
    for point in points_of(receiver.messages("metrics"), "apus.cpu.runqueue.latency"):
        check_histogram(point)


def test_the_file_of_json_lines_holds_the_same_messages(workloads, tmp_path):
    from decoded import logs_from_file, metrics_from_file
    program, path = workloads.marked(), tmp_path / "out.json"
    with Agent(tmp_path, {"exec.args": "full", "export.schedule_delay": "50ms",
                          "metrics.interval": "500ms"}, arguments=["--otlp-file", path]) as agent:
        workloads.storm(program, 23)
        eventually(lambda: path.exists() and path.read_text().count(str(program)) >= 23, 10,
                   lambda: agent.log)
        eventually(lambda: '"resourceMetrics"' in path.read_text())
    text = path.read_text()
    events = [event for event in events_of(logs_from_file(text), "apus.process.exec")
              if event.get("process.executable.path") == str(program)]
    assert len(events) == 23
    assert {event["process.command_args"][1] for event in events} == {
        f"index={number}" for number in range(23)}
    for event in events:
        check_log(event, 0, time.time_ns())
    assert list(points_of(metrics_from_file(text), "apus.process.executions"))
    # 64-bit integers are strings in OTLP's JSON, enumerations numbers, keys in camel case.
    assert re.search(r'"timeUnixNano":"\d+"', text) and '"severityNumber":9' in text
    assert re.search(r'"intValue":"\d+"', text) and "time_unix_nano" not in text


def test_standard_output_as_the_file_keeps_the_log_out_of_it(workloads, tmp_path):
    settings = {"export.schedule_delay": "50ms"}
    with Agent(tmp_path, settings, arguments=["--otlp-file", "-"]) as agent:
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: "apus.process.exec" in agent.output_path.read_text(), 10,
                   lambda: agent.log)
    for line in agent.output_path.read_text().splitlines():
        assert line.startswith('{"resource')


def test_the_flush_at_the_end_sends_what_was_waiting(receiver, workloads, tmp_path):
    program = workloads.marked()
    agent = Agent(tmp_path, {"export.endpoint": receiver.http_endpoint,
                             "export.schedule_delay": "1h", "metrics.interval": "1h"})
    workloads.storm(program, 23)
    assert marked_events(receiver, program) == []
    assert agent.stop() == 0, agent.log
    assert len(marked_events(receiver, program)) == 23
    assert latest(receiver.messages("metrics"), "apus.process.executions")


def test_resource_attributes_and_service_name_come_from_the_environment(
        receiver, workloads, tmp_path):
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%2Cb,team=one",
                   "OTEL_SERVICE_NAME": "another",
                   "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
                   "OTEL_METRIC_EXPORT_INTERVAL": "300", "OTEL_BLRP_SCHEDULE_DELAY": "50"}
    with Agent(tmp_path, {}, environment):
        eventually(lambda: receiver.messages("metrics"))
    resources = [point.resource for point in
                 points_of(receiver.messages("metrics"), "apus.agent.events.produced")]
    assert resources
    for resource in resources:
        assert resource["service.name"] == "another" and resource["team"] == "one"
        assert resource["deployment.environment.name"] == "a,b"


def test_a_path_in_the_endpoint_is_kept(receiver, workloads, tmp_path):
    with Agent(tmp_path, {"export.schedule_delay": "50ms",
                          "export.endpoint": receiver.http_endpoint + "/my/"}):
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: receiver.messages("logs"))
    assert receiver.requests[0].path == "/my/v1/logs"


def test_the_version_that_is_sent_is_the_version_that_is_said(receiver, workloads, tmp_path):
    with Agent(tmp_path, settings(receiver.http_endpoint, "http/protobuf")):
        workloads.storm(workloads.marked(), 3)
        event = eventually(lambda: next(events_of(receiver.messages("logs")), None))
    said = run("version")
    assert said.returncode == 0 and event.scope.version in said.stdout
