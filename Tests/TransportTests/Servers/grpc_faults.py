# SPDX-License-Identifier: Apache-2.0
"""The official OTLP logs service; the metadata key x-fault names what it does instead of "ok".
Prints its port, which an argument may choose; ends when its standard input does."""

import concurrent.futures
import os
import sys
import time

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc


def details(code, message, seconds):
    info = any_pb2.Any()
    delay = duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
    info.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    other = any_pb2.Any()
    other.Pack(error_details_pb2.DebugInfo(detail="not the one"))
    status = status_pb2.Status(code=code.value[0], message=message, details=[other, info])
    return ("grpc-status-details-bin", status.SerializeToString())


def count(request):
    return sum(len(s.log_records) for r in request.resource_logs for s in r.scope_logs)


class Service(logs_grpc.LogsServiceServicer):
    def Export(self, request, context):
        metadata = dict(context.invocation_metadata())
        fault = metadata.get("x-fault", "ok")
        if fault == "ok":
            return logs.ExportLogsServiceResponse()
        response = logs.ExportLogsServiceResponse()
        if fault == "count":
            response.partial_success.error_message = f"{count(request)} records"
        elif fault == "metadata":
            is_near = 20 < context.time_remaining() <= 30
            response.partial_success.error_message = f"{metadata['user-agent']} {is_near}"
        elif fault == "partial":
            response.partial_success.rejected_log_records = 3
            response.partial_success.error_message = "3 are too old"
        elif fault == "huge":
            response.partial_success.error_message = "x" * (5 << 20)
        elif fault == "slow":
            time.sleep(5)
        elif fault.startswith("late"):
            time.sleep(1)
            if fault == "late/UNAVAILABLE":
                context.abort(grpc.StatusCode.UNAVAILABLE, "late")
        else:
            name, _, delay = fault.partition("/")
            code = grpc.StatusCode[name]
            message = f"fault: 100% status {code.value[0]} – ü"
            if delay:
                context.set_trailing_metadata([details(code, message, float(delay))])
            context.abort(code, message)
        return response


server = grpc.server(
    concurrent.futures.ThreadPoolExecutor(8),
    options=[
        ("grpc.max_receive_message_length", 16 << 20),
        ("grpc.max_send_message_length", -1),
        # How long a connection lives before the server says GOAWAY.
        ("grpc.max_connection_age_ms", int(os.environ.get("MAX_AGE_MS", 2**31 - 1))),
    ],
)
logs_grpc.add_LogsServiceServicer_to_server(Service(), server)
port = sys.argv[1] if len(sys.argv) > 1 else "0"
print(server.add_insecure_port(f"127.0.0.1:{port}"), flush=True)
server.start()
sys.stdin.read()
server.stop(0)
