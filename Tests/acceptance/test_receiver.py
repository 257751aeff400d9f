# SPDX-License-Identifier: Apache-2.0
"""The receiver is right before anything is held against it: the official SDK sends, it decodes."""
import socket
import time
import urllib.error
import urllib.request

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GRPCMetrics
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HTTPMetrics
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from decoded import events_of, latest
from receiver import Fault

RESOURCE = Resource({"service.name": "sender", "numbers": [1, 2]})


def send_log(exporter):
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("scope", "1.2").emit(LogRecord(
        timestamp=23, observed_timestamp=24, severity_number=SeverityNumber.INFO,
        severity_text="INFO", event_name="an.event", attributes={"text": "value", "number": 7}))
    provider.shutdown()


def send_metric(exporter):
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3600_000)
    provider = MeterProvider([reader], resource=RESOURCE)
    provider.get_meter("scope").create_counter("a.counter").add(23, {"of": "tests"})
    provider.shutdown()


def one_log(receiver):
    events = list(events_of(receiver.messages("logs")))
    assert len(events) == 1 and not receiver.errors
    return events[0]


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/protobuf gzip", "grpc"])
def test_a_log_of_the_official_sender_arrives_whole(receiver, protocol):
    if protocol == "grpc":
        send_log(GRPCLogs(endpoint=receiver.grpc_endpoint, insecure=True))
    else:
        how = Compression.Gzip if "gzip" in protocol else Compression.NoCompression
        send_log(HTTPLogs(endpoint=f"{receiver.http_endpoint}/v1/logs", compression=how))
    event = one_log(receiver)
    assert (event.name, event.record.time_unix_nano) == ("an.event", 23)
    assert event.record.observed_time_unix_nano == 24
    assert event.record.severity_number == 9
    assert event.attributes == {"text": "value", "number": 7}
    assert event.resource["service.name"] == "sender" and event.resource["numbers"] == [1, 2]
    assert (event.scope.name, event.scope.version) == ("scope", "1.2")


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_metric_of_the_official_sender_arrives_whole(receiver, protocol):
    if protocol == "grpc":
        send_metric(GRPCMetrics(endpoint=receiver.grpc_endpoint, insecure=True))
    else:
        send_metric(HTTPMetrics(endpoint=f"{receiver.http_endpoint}/v1/metrics"))
    [point] = latest(receiver.messages("metrics"), "a.counter")
    assert point.value == 23 and point.attributes == {"of": "tests"}
    assert point.metric.sum.is_monotonic


def post(receiver, body=b"", timeout=5):
    request = urllib.request.Request(f"{receiver.http_endpoint}/v1/logs", data=body, headers={
        "Content-Type": "application/x-protobuf"})
    return urllib.request.urlopen(request, timeout=timeout)


def log_request(count=1):
    request = logs_service_pb2.ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(count):
        records.add(event_name=f"event-{number}")
    return request


def test_an_http_status_and_its_retry_after_are_sent_and_the_request_is_not_accepted(receiver):
    receiver.script(Fault(status=503, retry_after="2"))
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(receiver, log_request().SerializeToString())
    assert caught.value.code == 503 and caught.value.headers["Retry-After"] == "2"
    assert receiver.messages("logs") == [] and len(receiver.messages("logs", accepted=False)) == 1
    # The script is used up: the next request is taken.
    assert post(receiver, log_request().SerializeToString()).status == 200
    assert len(receiver.messages("logs")) == 1


def test_a_partial_success_names_how_many_were_rejected(receiver):
    receiver.script(Fault(rejected=3, message="too many"))
    body = post(receiver, log_request(5).SerializeToString()).read()
    answer = logs_service_pb2.ExportLogsServiceResponse.FromString(body)
    assert answer.partial_success.rejected_log_records == 3
    assert answer.partial_success.error_message == "too many"


def test_a_delay_outlasts_an_impatient_sender(receiver):
    receiver.script(Fault(delay=0.5))
    with pytest.raises(TimeoutError):
        post(receiver, b"", timeout=0.1)


def test_a_slow_reader_takes_the_time_that_its_rate_says(receiver):
    receiver.script(Fault(read_rate=100_000))
    body = log_request(2000).SerializeToString()
    began = time.monotonic()
    post(receiver, body)
    assert time.monotonic() - began >= 0.9 * len(body) / 100_000
    assert len(list(events_of(receiver.messages("logs")))) == 2000


def test_a_hang_up_is_a_broken_connection(receiver):
    receiver.script(Fault(hang_up=True))
    with pytest.raises((ConnectionError, urllib.error.URLError, OSError)):
        post(receiver, log_request().SerializeToString())
    assert receiver.messages("logs") == []


def test_what_cannot_be_decoded_is_an_error_that_tests_see(receiver):
    with pytest.raises(urllib.error.HTTPError):
        post(receiver, b"\xff\xff\xff")
    assert len(receiver.errors) == 1
    receiver.errors.clear()


def test_a_grpc_status_carries_its_retry_info(receiver):
    receiver.script(Fault(status=8, retry_after="1.5", message="later"))
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        stub = logs_service_pb2_grpc.LogsServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Export(log_request())
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    trailers = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert info.retry_delay.ToMilliseconds() == 1500
    assert receiver.messages("logs") == []


def test_a_closed_receiver_refuses(receiver):
    receiver.close()
    for port in (receiver.http_port, receiver.grpc_port):
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(("127.0.0.1", port))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_independent_collector_passes_on_what_the_official_sender_sent(
        receiver, collector, protocol):
    if protocol == "grpc":
        send_log(GRPCLogs(endpoint=f"http://127.0.0.1:{collector.grpc_port}", insecure=True))
    else:
        send_log(HTTPLogs(endpoint=f"http://127.0.0.1:{collector.http_port}/v1/logs"))
    collector.eventually(lambda: receiver.messages("logs"))
    event = one_log(receiver)
    assert (event.name, event.record.time_unix_nano) == ("an.event", 23)
    assert event.attributes == {"text": "value", "number": 7}
