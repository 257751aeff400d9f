# SPDX-License-Identifier: Apache-2.0
"""An OTLP receiver made of the official generated stubs, which records what it decodes.

It speaks http/protobuf, http/json and gRPC on loopback and on Unix sockets, and can be told to
answer badly: see Fault.
"""
import collections
import concurrent.futures
import dataclasses
import gzip
import http.server
import pathlib
import socketserver
import threading
import time

import grpc
from google.protobuf import duration_pb2, json_format
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

# Signal: (request, response, field of the partial success that counts what was rejected).
SIGNALS = {
    "logs": (logs_service_pb2.ExportLogsServiceRequest,
             logs_service_pb2.ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (metrics_service_pb2.ExportMetricsServiceRequest,
                metrics_service_pb2.ExportMetricsServiceResponse, "rejected_data_points"),
    "traces": (trace_service_pb2.ExportTraceServiceRequest,
               trace_service_pb2.ExportTraceServiceResponse, "rejected_spans"),
}


@dataclasses.dataclass
class Fault:
    """How a request is answered badly. Without status and hang_up it is still accepted."""

    status: int = 0  # HTTP status, or gRPC status code
    delay: float = 0  # seconds before the answer
    read_rate: int = 0  # bytes a second at which an HTTP body is read
    retry_after: str = ""  # header Retry-After; for gRPC seconds in RetryInfo
    rejected: int = 0  # partial success: how many items are refused
    message: str = ""
    hang_up: bool = False  # HTTP: close the connection without an answer
    body: bytes = b""  # HTTP: the answer's body as it is


@dataclasses.dataclass
class Request:
    """One request as it arrived. Only an accepted one was acknowledged to the sender."""

    signal: str
    protocol: str
    message: object
    headers: dict
    path: str
    size: int
    arrived: float
    fault: Fault
    accepted: bool


class Receiver:
    """Both servers and what they received. `requests` only grows; reading it needs no lock."""

    def __init__(self, http_port=0, grpc_port=0, sockets=None):
        self.requests = []
        self.errors = []
        self.always = Fault()
        self._script = collections.deque()
        self._lock = threading.Lock()
        self._http = _HTTPServer(("127.0.0.1", http_port), self)
        self._grpc, self.grpc_port = _grpc_server(self, grpc_port)
        self.http_port = self._http.server_address[1]
        self._servers = [self._http]
        if sockets:
            # A directory in which to listen as well.
            self.http_socket = pathlib.Path(sockets) / "http.sock"
            self.grpc_socket = pathlib.Path(sockets) / "grpc.sock"
            self._servers.append(_UnixServer(str(self.http_socket), self))
            self._grpc.add_insecure_port(f"unix:{self.grpc_socket}")
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._grpc.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._grpc.stop(grace=None).wait()

    @property
    def http_endpoint(self):
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def grpc_endpoint(self):
        return f"http://127.0.0.1:{self.grpc_port}"

    def endpoint(self, protocol):
        return self.grpc_endpoint if protocol == "grpc" else self.http_endpoint

    def script(self, *faults):
        """The next requests are answered with these, one each; those after with `always`."""
        with self._lock:
            self._script.extend(faults)

    def next_fault(self):
        with self._lock:
            return self._script.popleft() if self._script else self.always

    def record(self, signal, protocol, message, fault, **details):
        accepted = not fault.status and not fault.hang_up
        self.requests.append(Request(signal=signal, protocol=protocol, message=message, fault=fault,
                                     arrived=time.time(), accepted=accepted, **details))

    def messages(self, signal, accepted=True):
        return [request.message for request in list(self.requests)
                if request.signal == signal and request.accepted >= accepted]


def response(signal, fault):
    _, kind, field = SIGNALS[signal]
    answer = kind()
    if fault.rejected or (fault.message and not fault.status):
        setattr(answer.partial_success, field, fault.rejected)
        answer.partial_success.error_message = fault.message
    return answer


class _HTTPServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, receiver):
        self.receiver = receiver
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address):
        """A sender that gives up closes its connection; that is not news."""


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path, receiver):
        self.receiver = receiver
        super().__init__(path, _UnixHandler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this an answer's head and body wait for each other's acknowledgement (Nagle).
    disable_nagle_algorithm = True

    def log_message(self, *unused):
        pass

    def read_body(self, fault):
        size = int(self.headers["Content-Length"])
        if not fault.read_rate:
            return self.rfile.read(size)
        parts = []
        while size > 0:
            parts.append(self.rfile.read(min(size, max(1, fault.read_rate // 20))))
            size -= len(parts[-1])
            time.sleep(0.05)
        return b"".join(parts)

    def do_POST(self):
        receiver = self.server.receiver
        fault = receiver.next_fault()
        signal = self.path.rsplit("/", 1)[-1]
        body = self.read_body(fault)
        size = len(body)
        try:
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            is_json = self.headers["Content-Type"] == "application/json"
            message = SIGNALS[signal][0]()
            json_format.Parse(body, message) if is_json else message.ParseFromString(body)
        except Exception as error:  # Whatever is wrong with it, the test must hear of it.
            receiver.errors.append(f"{self.path}: {error!r}")
            self.answer(400, b"")
            return
        receiver.record(signal, "http/json" if is_json else "http/protobuf", message, fault,
                        size=size, path=self.path,
                        headers={name.lower(): value for name, value in self.headers.items()})
        time.sleep(fault.delay)
        if fault.hang_up:
            self.close_connection = True
            return
        answer = response(signal, fault)
        if fault.status:
            answer = status_pb2.Status(code=fault.status, message=fault.message)
        text = json_format.MessageToJson(answer).encode() if is_json else answer.SerializeToString()
        self.answer(fault.status or 200, fault.body or text, fault.retry_after,
                    "application/json" if is_json else "application/x-protobuf")

    def answer(self, status, body, retry_after="", kind="application/x-protobuf"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)


class _UnixHandler(_Handler):
    disable_nagle_algorithm = False


def _abort(context, fault):
    code = next(code for code in grpc.StatusCode if code.value[0] == fault.status)
    if fault.retry_after:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(float(fault.retry_after) * 1e9))
        status = status_pb2.Status(code=fault.status, message=fault.message)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, fault.message)


def _servicer(receiver, signal, base):
    class Servicer(base):
        def Export(self, request, context):
            fault = receiver.next_fault()
            receiver.record(signal, "grpc", request, fault, size=request.ByteSize(), path=signal,
                            headers=dict(context.invocation_metadata()))
            time.sleep(fault.delay)
            if fault.status:
                _abort(context, fault)
            return response(signal, fault)

    return Servicer()


def _grpc_server(receiver, port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(
        _servicer(receiver, "logs", logs_service_pb2_grpc.LogsServiceServicer), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
        _servicer(receiver, "metrics", metrics_service_pb2_grpc.MetricsServiceServicer), server)
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(
        _servicer(receiver, "traces", trace_service_pb2_grpc.TraceServiceServicer), server)
    return server, server.add_insecure_port(f"127.0.0.1:{port}")
