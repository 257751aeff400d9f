# SPDX-License-Identifier: Apache-2.0
"""Holds the Swift encoder and transcoder to the official protobuf classes.

logs BODY JSON | metrics BODY JSON: every field of the tests' known batches.
make DIR: write requests that use every field; json DIR: compare their transcoded JSON.
"""
import base64
import json
import pathlib
import sys

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

REQUESTS = {
    "logs": logs_service_pb2.ExportLogsServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "traces": trace_service_pb2.ExportTraceServiceRequest,
}
IDS = ("traceId", "spanId", "parentSpanId")


def base64_ids(node):
    """protobuf's own JSON has ids in base64, OTLP's in hexadecimal."""
    if isinstance(node, list):
        return [base64_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode() if key in IDS else base64_ids(value)
        for key, value in node.items()
    }


def equal(actual, expected, what):
    assert actual == expected, f"{what}: {actual!r}, expected {expected!r}"


def compare_json(kind, body, text):
    equal(text.count("\n"), 1, "lines")
    assert text.endswith("\n")
    parsed = json_format.ParseDict(base64_ids(json.loads(text)), REQUESTS[kind]())
    # NaN differs from itself, so the deterministic bytes are compared.
    equal(
        parsed.SerializeToString(deterministic=True),
        body.SerializeToString(deterministic=True),
        f"{kind} JSON",
    )


def value(any_value):
    which = any_value.WhichOneof("value")
    if which == "array_value":
        return [value(item) for item in any_value.array_value.values]
    return getattr(any_value, which)


def attributes(message):
    keys = [pair.key for pair in message.attributes]
    equal(len(keys), len(set(keys)), "distinct keys")
    return {pair.key: value(pair.value) for pair in message.attributes}


def check_logs(body):
    """Records 0..<900; record i belongs to workload i % 3 and scope (i / 3) % 2."""
    equal(len(body.resource_logs), 3, "resources")
    for workload, resource_logs in enumerate(body.resource_logs):
        equal(attributes(resource_logs.resource), {"service.name": f"w{workload}"}, "resource")
        equal(resource_logs.schema_url, "https://opentelemetry.io/schemas/1.44.0", "schema")
        equal(len(resource_logs.scope_logs), 2, "scopes")
        for scope, scope_logs in enumerate(resource_logs.scope_logs):
            equal(scope_logs.scope.name, ["apus", "other"][scope], "scope name")
            equal(scope_logs.scope.version, ["0.1", ""][scope], "scope version")
            equal(scope_logs.schema_url, ["", "urn:s"][scope], "scope schema")
            mine = [i for i in range(900) if i % 3 == workload and (i // 3) % 2 == scope]
            equal(len(scope_logs.log_records), len(mine), "records")
            for number, record in zip(mine, scope_logs.log_records):
                check_log(number, record)


def check_log(number, record):
    equal(record.time_unix_nano, 1_700_000_000_000_000_000 + number, "time")
    equal(record.observed_time_unix_nano, record.time_unix_nano + 5, "observed time")
    equal(record.severity_number, 9, "severity")
    equal(record.severity_text, "INFO", "severity text")
    equal(record.event_name, "apus.process.exec", "event name")
    equal(
        attributes(record),
        {
            "process.pid": number * 1_000_003,
            "process.executable.path": f"/bin/{'x' * (number % 40)}\ufffd",
            "process.command_args": ["a", "", "b" * (number % 300), "last"],
            "apus.process.args.truncated": False,
            "apus.example.load": 0.5,
            "apus.process.exec.outcome": "success",
        },
        "attributes",
    )


def check_metrics(body):
    by_service = {
        attributes(item.resource)["service.name"]: item.scope_metrics[0]
        for item in body.resource_metrics
    }
    equal(sorted(by_service), ["w0", "w7"], "resources")
    agent = {metric.name: metric for metric in by_service["w0"].metrics}
    equal(by_service["w0"].scope.name, "apus", "scope")
    counter = agent["apus.process.executions"]
    equal((counter.unit, counter.description), ("{execution}", "Execs."), "unit, description")
    assert counter.sum.is_monotonic and counter.sum.aggregation_temporality == 2
    points = {
        tuple(attributes(point).items()): point for point in counter.sum.data_points
    }
    ok = points[(("outcome", "ok"),)]
    equal((ok.as_int, ok.start_time_unix_nano, ok.time_unix_nano), (23, 1000, 5000), "point")
    zero = points[(("outcome", "failed"),)]
    equal((zero.WhichOneof("value"), zero.as_int), ("as_int", 0), "explicit zero")
    equal(points[(("otel.metric.overflow", True),)].as_int, 4, "overflow")
    queue = agent["apus.queue.size"].sum
    assert not queue.is_monotonic and queue.aggregation_temporality == 2
    equal(queue.data_points[0].as_int, -2, "up-down counter")
    equal(agent["apus.load"].gauge.data_points[0].as_double, 0.25, "gauge")
    histograms = {m.name: m for m in by_service["w7"].metrics}
    data = histograms["apus.cpu.runqueue.latency"].exponential_histogram
    equal(data.aggregation_temporality, 2, "temporality")
    point = data.data_points[0]
    equal(point.scale, 3, "scale")
    equal(point.positive.offset, -174, "offset")
    equal(list(point.positive.bucket_counts), [3, 0, 2 ** 32 + 5], "buckets")
    equal((point.zero_count, point.count), (1, 2 ** 32 + 9), "counts")
    equal(point.count, point.zero_count + sum(point.positive.bucket_counts), "count is the sum")
    equal((point.sum, point.min, point.max), (1.5, 1e-7, 0.25), "sum, min, max")
    equal(point.zero_threshold, 2.0 ** -23, "zero threshold")
    empty = data.data_points[1]
    assert empty.HasField("sum") and not empty.HasField("min") and not empty.HasField("max")
    equal((empty.count, list(empty.positive.bucket_counts)), (0, []), "empty")


def scalar(field, seed):
    samples = {
        FieldDescriptor.CPPTYPE_STRING: 'né "\\\n\t\x01\x7f\U0001f426' + str(seed),
        FieldDescriptor.CPPTYPE_BOOL: True,
        FieldDescriptor.CPPTYPE_INT64: -(2 ** 63) + seed,
        FieldDescriptor.CPPTYPE_UINT64: 2 ** 64 - 1 - seed,
        FieldDescriptor.CPPTYPE_INT32: -(2 ** 31) + seed,
        FieldDescriptor.CPPTYPE_UINT32: 2 ** 32 - 1 - seed,
        FieldDescriptor.CPPTYPE_DOUBLE: [float("nan"), float("-inf"), 5e-324, 0.1, 1e300][seed % 5],
        FieldDescriptor.CPPTYPE_ENUM: 1,
    }
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes(range(seed % 3, 250 + seed % 3))
    return samples[field.cpp_type]


def fill(message, depth, seed):
    """Sets every field; of a oneof the member that the seed picks."""
    oneofs = {
        oneof.name: oneof.fields[seed % len(oneof.fields)].name
        for oneof in message.DESCRIPTOR.oneofs
        if not oneof.name.startswith("_")
    }
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof and oneof.name in oneofs and oneofs[oneof.name] != field.name:
            continue
        is_message = field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
        if is_message and depth == 0:
            continue
        is_many = field.is_repeated if hasattr(field, "is_repeated") else field.label == 3
        for turn in range(2 if is_many else 1):
            if is_message and is_many:
                fill(getattr(message, field.name).add(), depth - 1, seed + turn)
            elif is_message:
                getattr(message, field.name).SetInParent()
                fill(getattr(message, field.name), depth - 1, seed + turn)
            elif is_many:
                getattr(message, field.name).append(scalar(field, seed + turn))
            else:
                setattr(message, field.name, scalar(field, seed))


def make(directory):
    for kind, request in REQUESTS.items():
        for seed in range(8):
            body = request()
            fill(body, 8, seed)
            (directory / f"{kind}-{seed}.bin").write_bytes(body.SerializeToString())


def check_all(directory):
    checked = 0
    for path in sorted(directory.glob("*.bin")):
        kind = path.name.split("-")[0]
        body = REQUESTS[kind].FromString(path.read_bytes())
        compare_json(kind, body, path.with_suffix(".json").read_text(encoding="utf-8"))
        checked += 1
    print(f"{checked} compared")


def main():
    command, arguments = sys.argv[1], [pathlib.Path(item) for item in sys.argv[2:]]
    if command == "make":
        make(arguments[0])
    elif command == "json":
        check_all(arguments[0])
    else:
        body = REQUESTS[command].FromString(arguments[0].read_bytes())
        {"logs": check_logs, "metrics": check_metrics}[command](body)
        compare_json(command, body, arguments[1].read_text(encoding="utf-8"))
        print("equal")


main()
