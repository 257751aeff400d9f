# SPDX-License-Identifier: Apache-2.0
"""Our encoder of log records beside protobuf's C++ classes and the official Python encoders.

All make the same batch of records from plain values. encoders.py BATCH ROUNDS measures those in
Python; the bench calls that and the others in turns. C++ comes from the descriptors that
opentelemetry-proto carries, by Debian's protoc: nothing of theirs is in this repository.
"""
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / ".build/encoders"
RECORDS = 500


def build():
    """The C++ program, made once for each change of its source."""
    from google.protobuf import descriptor_pb2
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    source, program = pathlib.Path(__file__).with_name("encoder.cc"), BUILT / "encoder"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    BUILT.mkdir(parents=True, exist_ok=True)
    files = {}

    def add(descriptor):
        for other in descriptor.dependencies:
            add(other)
        files[descriptor.name] = descriptor

    add(logs_service_pb2.DESCRIPTOR)
    described = descriptor_pb2.FileDescriptorSet()
    for descriptor in files.values():
        descriptor.CopyToProto(described.file.add())
    (BUILT / "set.bin").write_bytes(described.SerializeToString())
    subprocess.run(["protoc", f"--descriptor_set_in={BUILT / 'set.bin'}", f"--cpp_out={BUILT}",
                    *files], check=True)
    subprocess.run(["clang++-14", "-O2", "-DNDEBUG", f"-I{BUILT}", source,
                    *[BUILT / name.replace(".proto", ".pb.cc") for name in files],
                    "-lprotobuf", "-lpthread", "-o", program], check=True)
    return program


def json_of(*command):
    return json.loads(subprocess.run(list(map(str, command)), capture_output=True, text=True,
                                     check=True).stdout)


def measure(bench):
    """Rows of records a second and bytes per record, as ratios to each of the others."""
    program, batch = build(), pathlib.Path(bench.directory) / "batch.bin"
    rounds = 40 if bench.quick else 200
    ours, cpp, python = [], [], []
    for _ in range(bench.rounds(5)):
        ours.append(json_of(ROOT / ".build/release/apus-bench", "batch", RECORDS, rounds, batch))
        cpp.append(json_of(program, batch, rounds))
        python.append(json_of(sys.executable, __file__, batch, max(rounds // 20, 3)))

    def middle(runs, key="ns_per_record"):
        return statistics.median(run[key] for run in runs)

    us = middle(ours)
    body = batch.read_bytes()
    bench.row("log records encoded", f"{1e9 / us / 1e6:.2f} million a second", "", None,
              f"{us:.0f} ns/record, {RECORDS} records a batch")
    for what, value, aim in (
            ("C++ classes, fields set and serialized", middle(cpp), 1),
            ("C++ classes, serialized alone", middle(cpp, "serialize_ns"), None),
            ("Python, opentelemetry-proto", middle(python, "proto_ns"), 10),
            ("Python, opentelemetry-exporter-otlp", middle(python, "exporter_ns"), 10)):
        bench.row(f"encoder: {what} / ours", f"{value / us:.2f}", f"≥ {aim}" if aim else "",
                  value / us >= aim if aim else None, f"{value:.0f} ns/record")
    size, theirs = len(body) / RECORDS, middle(cpp, "bytes") / RECORDS
    bench.row("encoder: bytes per record, ours / theirs", f"{size / theirs:.3f}", "≤ 1.05",
              size / theirs <= 1.05, f"{size:.0f} and {theirs:.0f} bytes")
    packed = [len(gzip.compress(body, level)) / RECORDS for level in (1, 6, 9)]
    bench.row("encoder: bytes per record with gzip", f"{packed[1]:.0f}", "", None,
              f"level 1 {packed[0]:.0f}, 6 {packed[1]:.0f}, 9 {packed[2]:.0f}; "
              "arguments and names repeat in these records more than in life")


# What runs in the child: the two Python encoders.

def plain_value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [item.string_value for item in any_value.array_value.values]
    return getattr(any_value, kind)


def by_proto(batch, records):
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    def any_value(value):
        if isinstance(value, bool):
            return AnyValue(bool_value=value)
        if isinstance(value, int):
            return AnyValue(int_value=value)
        if isinstance(value, str):
            return AnyValue(string_value=value)
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))

    made = logs_service_pb2.ExportLogsServiceRequest()
    resource = made.resource_logs.add()
    resource.resource.CopyFrom(batch.resource_logs[0].resource)
    resource.schema_url = batch.resource_logs[0].schema_url
    scope = resource.scope_logs.add()
    scope.scope.CopyFrom(batch.resource_logs[0].scope_logs[0].scope)
    scope.schema_url = batch.resource_logs[0].scope_logs[0].schema_url
    scope.log_records.extend([
        LogRecord(time_unix_nano=when, observed_time_unix_nano=seen, severity_number=severity,
                  severity_text=text, event_name=event,
                  attributes=[KeyValue(key=key, value=any_value(value))
                              for key, value in attributes.items()])
        for when, seen, severity, text, event, attributes in records])
    return made.SerializeToString()


def by_exporter(batch, records):
    """A function that encodes what the SDK would hand to its exporter."""
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    resource = Resource({"host.name": "node-1"})
    scope = InstrumentationScope("apus", "1")
    readable = [ReadableLogRecord(
        LogRecord(timestamp=when, observed_timestamp=seen, severity_text=text,
                  severity_number=SeverityNumber(severity), attributes=attributes,
                  event_name=event), resource, scope)
        for when, seen, severity, text, event, attributes in records]
    made = encode_logs(readable).resource_logs[0].scope_logs[0].log_records
    for theirs, wanted in zip(made, batch.resource_logs[0].scope_logs[0].log_records):
        # It writes flags and an empty body besides.
        theirs.ClearField("body")
        theirs.flags = 0
        assert theirs == wanted, f"{theirs} is not {wanted}"
    return lambda: encode_logs(readable).SerializeToString()


def main(path, rounds):
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    batch = logs_service_pb2.ExportLogsServiceRequest.FromString(pathlib.Path(path).read_bytes())
    records = [(log.time_unix_nano, log.observed_time_unix_nano, log.severity_number,
                log.severity_text, log.event_name,
                {pair.key: plain_value(pair.value) for pair in log.attributes})
               for log in batch.resource_logs[0].scope_logs[0].log_records]
    assert by_proto(batch, records) == batch.SerializeToString(), "not the same records"
    result = {}
    for name, encode in (("proto_ns", lambda: by_proto(batch, records)),
                         ("exporter_ns", by_exporter(batch, records))):
        values = []
        for _ in range(int(rounds)):
            begin = time.thread_time_ns()
            encode()
            values.append((time.thread_time_ns() - begin) / len(records))
        result[name] = statistics.median(values)
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
