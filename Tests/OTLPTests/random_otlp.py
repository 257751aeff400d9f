# SPDX-License-Identifier: Apache-2.0
"""Random messages for the transcoder, and the official reading of random batches.

make DIR SEED COUNT: writes logs.bin, metrics.bin and traces.bin, COUNT random requests each.
compare DIR: what the transcoder made of them, line by line in *.jsonl, is the same message.
logs DIR | metrics DIR: what batches.bin holds is what expected.txt says, batch by batch.
A message in a .bin file has its length before it, in four bytes, the lowest first.
"""
import base64
import json
import pathlib
import random
import struct
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
TEXTS = ["", "a", 'né "\\/\n\r\t\b\f', "\x00\x01\x1f\x7f", "\U0001f426\u2028\ufeff", "ÿ" * 40]
DOUBLES = [0.0, -0.0, 1.0, 0.1, -1e300, 5e-324, 1.7976931348623157e308, 2.0 ** 53 + 1,
           float("nan"), float("inf"), float("-inf"), 1e21, 123456789012345680.0, 1e-7]
# Field 1000 as a varint, 64 bits, bytes and 32 bits: what a newer sender may add.
UNKNOWN = [b"\xc0\x3e\x05", b"\xc1\x3e" + b"\x07" * 8, b"\xc2\x3e\x02\x08\x01",
           b"\xc5\x3e\x01\x02\x03\x04"]


def integer(dice, bits, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    return dice.choice([low, high, 0, 1, dice.randint(low, high), dice.randint(0, 1000)])


def scalar(dice, field):
    if field.type == FieldDescriptor.TYPE_BYTES:
        return dice.randbytes(dice.choice([0, 1, 2, 3, 8, 16, 40]))
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return dice.choice(TEXTS) + dice.choice(TEXTS)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return dice.random() < 0.5
    if kind == FieldDescriptor.CPPTYPE_DOUBLE:
        return dice.choice(DOUBLES + [dice.uniform(-1e9, 1e9)])
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return dice.choice([0, 1, 2, 77, 2 ** 31 - 1])
    bits = 64 if kind in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64) else 32
    return integer(dice, bits, kind in (FieldDescriptor.CPPTYPE_INT64,
                                        FieldDescriptor.CPPTYPE_INT32))


def is_repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == 3


def fill(dice, message, depth, used):
    """Sets some fields at random; `used` collects which were ever set."""
    chosen = {field.name for oneof in message.DESCRIPTOR.oneofs
              for field in dice.sample(list(oneof.fields), 1)}
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and field.name not in chosen or dice.random() < 0.35:
            continue
        is_message = field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
        if is_message and depth == 0:
            continue
        used.add(f"{message.DESCRIPTOR.name}.{field.name}")
        values = getattr(message, field.name)
        for _ in range(dice.choice([1, 1, 2, 3]) if is_repeated(field) else 1):
            if not is_message:
                value = scalar(dice, field)
                values.append(value) if is_repeated(field) else setattr(message, field.name, value)
                continue
            child = values.add() if is_repeated(field) else values
            child.SetInParent()
            fill(dice, child, depth - 1, used)
    if dice.random() < 0.1:
        message.MergeFromString(dice.choice(UNKNOWN))


def fields_of(descriptor, found):
    """All fields that are reachable from a message."""
    if descriptor.full_name not in found:
        found[descriptor.full_name] = {f"{descriptor.name}.{field.name}"
                                       for field in descriptor.fields}
        for field in descriptor.fields:
            if field.message_type:
                fields_of(field.message_type, found)
    return set().union(*found.values())


def make(directory, seed, count):
    dice = random.Random(seed)
    for kind, request in REQUESTS.items():
        used = set()
        with open(directory / f"{kind}.bin", "wb") as file:
            for _ in range(count):
                body = request()
                fill(dice, body, 7, used)
                data = body.SerializeToString()
                file.write(struct.pack("<I", len(data)) + data)
        missing = fields_of(request.DESCRIPTOR, {}) - used
        assert not missing, f"never set: {missing}"


def frames(path):
    data, place = path.read_bytes(), 0
    while place < len(data):
        (size,) = struct.unpack_from("<I", data, place)
        yield data[place + 4:place + 4 + size]
        place += 4 + size


def base64_ids(node):
    """protobuf's own JSON has ids in base64, OTLP's in hexadecimal."""
    if isinstance(node, list):
        return [base64_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: base64.b64encode(bytes.fromhex(value)).decode() if key in IDS
            else base64_ids(value) for key, value in node.items()}


def compare(directory):
    compared = 0
    for kind, request in REQUESTS.items():
        bodies = list(frames(directory / f"{kind}.bin"))
        lines = (directory / f"{kind}.jsonl").read_text(encoding="utf-8").split("\n")
        assert len(lines) == len(bodies) + 1 and lines[-1] == "", f"{kind}: {len(lines)} lines"
        for number, (data, line) in enumerate(zip(bodies, lines)):
            body = request.FromString(data)
            # JSON has no place for what the schema does not know.
            body.DiscardUnknownFields()
            parsed = json_format.ParseDict(base64_ids(json.loads(line)), request())
            # NaN differs from itself, so the deterministic bytes are compared.
            assert (parsed.SerializeToString(deterministic=True)
                    == body.SerializeToString(deterministic=True)), f"{kind} {number}: {line}"
            compared += 1
    print(f"{compared} compared")


def bits(number):
    return struct.pack(">d", number).hex()


def value_text(any_value):
    kind = any_value.WhichOneof("value")
    value = getattr(any_value, kind)
    return {"int_value": lambda: f"i{value}", "bool_value": lambda: f"b{int(value)}",
            "double_value": lambda: f"d{bits(value)}",
            "string_value": lambda: f"s{value.encode().hex()}",
            "array_value": lambda: "a" + ",".join(item.string_value.encode().hex()
                                                  for item in value.values)}[kind]()


def pairs_text(pairs):
    return " ".join(f"{pair.key}={value_text(pair.value)}" for pair in pairs)


def log_texts(body):
    for resource_logs in body.resource_logs:
        owner = resource_logs.resource.attributes[0].value.string_value
        for scope_logs in resource_logs.scope_logs:
            for log in scope_logs.log_records:
                yield (f"{owner} {scope_logs.scope.name} {log.time_unix_nano} "
                       f"{log.observed_time_unix_nano} {log.severity_number} {log.event_name} "
                       + pairs_text(log.attributes))


def metric_texts(body):
    for resource_metrics in body.resource_metrics:
        owner = resource_metrics.resource.attributes[0].value.string_value
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                shape = kind
                if kind != "gauge":
                    shape += f" {data.aggregation_temporality}"
                if kind == "sum":
                    shape += f" {int(data.is_monotonic)}"
                for point in data.data_points:
                    yield (f"{owner} {metric.name} {metric.unit} {shape} "
                           f"{point.start_time_unix_nano} {point.time_unix_nano} "
                           f"{point_text(kind, point)} " + pairs_text(point.attributes))


def point_text(kind, point):
    if kind in ("sum", "gauge"):
        which = point.WhichOneof("value")
        value = getattr(point, which)
        return f"i{value}" if which == "as_int" else f"d{bits(value)}"
    ends = [bits(getattr(point, name)) if point.HasField(name) else "-" for name in ("min", "max")]
    text = f"{point.count} {bits(point.sum)} {' '.join(ends)} "
    if kind == "histogram":
        return (text + ",".join(map(str, point.bucket_counts)) + " "
                + ",".join(map(bits, point.explicit_bounds)))
    return (text + f"{point.scale} {point.positive.offset} {point.zero_count} "
            + bits(point.zero_threshold) + " " + ",".join(map(str, point.positive.bucket_counts)))


def judge(kind, directory):
    texts = {"logs": log_texts, "metrics": metric_texts}[kind]
    # A record's text begins with its batch's number.
    expected = {}
    for line in (directory / "expected.txt").read_text().splitlines():
        number, text = line.split(" ", 1)
        expected.setdefault(int(number), []).append(text)
    checked = records = 0
    for number, data in enumerate(frames(directory / "batches.bin")):
        found, wanted = sorted(texts(REQUESTS[kind].FromString(data))), sorted(
            expected.get(number, []))
        assert found == wanted, f"batch {number}:\n{found}\nexpected\n{wanted}"
        checked, records = checked + 1, records + len(found)
    assert records == sum(map(len, expected.values()))
    print(f"{checked} batches, {records} records")


def main():
    command, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    if command == "make":
        make(directory, int(sys.argv[3]), int(sys.argv[4]))
    elif command == "compare":
        compare(directory)
    else:
        judge(command, directory)


main()
