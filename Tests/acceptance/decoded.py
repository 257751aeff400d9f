# SPDX-License-Identifier: Apache-2.0
"""Decoded OTLP messages as flat Python values, and the questions that the tests ask of them."""
import dataclasses

from google.protobuf import json_format
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2


def value_of(any_value):
    """An AnyValue as a Python value; one without a value is None."""
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(any_value.kvlist_value.values)
    return getattr(any_value, kind) if kind else None


def attributes_of(pairs):
    """Attributes as a dictionary; a key that occurs twice is a breach of the protocol."""
    found = {}
    for pair in pairs:
        assert pair.key not in found, f"attribute {pair.key} twice"
        found[pair.key] = value_of(pair.value)
    return found


@dataclasses.dataclass
class Event:
    """One log record with what stands around it."""

    name: str
    attributes: dict
    resource: dict
    scope: object
    record: object
    schema_url: str

    def __getitem__(self, key):
        return self.attributes[key]

    def get(self, key, default=None):
        return self.attributes.get(key, default)


def events_of(messages, name=None):
    """The log records of requests (or LogsData), one Event each; only those called `name`."""
    for message in messages:
        for resource_logs in message.resource_logs:
            resource = attributes_of(resource_logs.resource.attributes)
            for scope_logs in resource_logs.scope_logs:
                for record in scope_logs.log_records:
                    if name in (None, record.event_name):
                        yield Event(record.event_name, attributes_of(record.attributes), resource,
                                    scope_logs.scope, record,
                                    scope_logs.schema_url or resource_logs.schema_url)


class NewEvents:
    """The events of a receiver's logs since the last look: no message is decoded twice."""

    def __init__(self, receiver):
        self._receiver, self._looked_at = receiver, 0

    def take(self, name=None):
        messages = self._receiver.messages("logs")[self._looked_at:]
        self._looked_at += len(messages)
        return list(events_of(messages, name))


@dataclasses.dataclass
class Point:
    """One data point with the metric and resource that it belongs to."""

    metric: object
    attributes: dict
    resource: dict
    point: object

    @property
    def value(self):
        return getattr(self.point, self.point.WhichOneof("value"))


def points_of(messages, name):
    """All points of the metric called `name`, in the order in which they arrived."""
    for message in messages:
        for resource_metrics in message.resource_metrics:
            resource = attributes_of(resource_metrics.resource.attributes)
            for scope_metrics in resource_metrics.scope_metrics:
                for metric in scope_metrics.metrics:
                    if metric.name == name:
                        data = getattr(metric, metric.WhichOneof("data"))
                        for point in data.data_points:
                            yield Point(metric, attributes_of(point.attributes), resource, point)


def latest(messages, name):
    """The last point of each series of a metric."""
    series = {}
    for point in points_of(messages, name):
        key = (repr(sorted(point.resource.items())), repr(sorted(point.attributes.items())))
        series[key] = point
    return list(series.values())


def logs_from_file(text):
    """LogsData of the OTLP JSON lines that hold logs, read by the official JSON decoder."""
    return [json_format.Parse(line, logs_pb2.LogsData()) for line in text.splitlines()
            if line.startswith('{"resourceLogs"')]


def metrics_from_file(text):
    return [json_format.Parse(line, metrics_pb2.MetricsData()) for line in text.splitlines()
            if line.startswith('{"resourceMetrics"')]
