# SPDX-License-Identifier: Apache-2.0
"""io.prometheus.client.MetricFamily for the official protobuf library.

No package has these messages for Python, so the descriptor is built here by the published numbers
of their fields. That they are right is what a real Prometheus shows, which reads the same pages.
"""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32

PACKAGE = "io.prometheus.client"
# Name, number, type; a type that is no word of protobuf's own is a message, * repeats it.
MESSAGES = {
    "LabelPair": "name 1 string, value 2 string",
    "Gauge": "value 1 double",
    "Counter": "value 1 double, created_timestamp 3 Timestamp",
    "Timestamp": "seconds 1 int64, nanos 2 int32",
    "Bucket": "cumulative_count 1 uint64, upper_bound 2 double",
    "BucketSpan": "offset 1 sint32, length 2 uint32",
    "Histogram": "sample_count 1 uint64, sample_sum 2 double, bucket 3 *Bucket, schema 5 sint32, "
                 "zero_threshold 6 double, zero_count 7 uint64, negative_span 9 *BucketSpan, "
                 "negative_delta 10 *sint64, positive_span 12 *BucketSpan, "
                 "positive_delta 13 *sint64, created_timestamp 15 Timestamp",
    "Metric": "label 1 *LabelPair, gauge 2 Gauge, counter 3 Counter, timestamp_ms 6 int64, "
              "histogram 7 Histogram",
    "MetricFamily": "name 1 string, help 2 string, type 3 int32, metric 4 *Metric, unit 5 string",
}
COUNTER, GAUGE, HISTOGRAM = 0, 1, 4


def _pool():
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="prometheus_client.proto", package=PACKAGE, syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields.split(", "):
            field, number, kind = text.split()
            label = field_type.LABEL_REPEATED if kind[0] == "*" else field_type.LABEL_OPTIONAL
            made = message.field.add(name=field, number=int(number), label=label)
            kind = kind.lstrip("*")
            if kind[0].isupper():
                made.type, made.type_name = field_type.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            else:
                made.type = getattr(field_type, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


MetricFamily = message_factory.GetMessageClass(
    _pool().FindMessageTypeByName(f"{PACKAGE}.MetricFamily"))


def families(page):
    """The messages of a delimited page."""
    found, place = [], 0
    while place < len(page):
        size, place = _DecodeVarint32(page, place)
        family = MetricFamily()
        assert family.ParseFromString(page[place:place + size]) == size
        assert not _unknown(family)
        found.append(family)
        place += size
    assert place == len(page)
    return found


def _unknown(message):
    """Whether a field came that is not in the table above."""
    from google.protobuf.unknown_fields import UnknownFieldSet
    if len(UnknownFieldSet(message)):
        return True
    return any(_unknown(item) for field, value in message.ListFields()
               if field.message_type
               for item in (value if hasattr(value, "__len__") else [value]))


def native(histogram):
    """{index: count} of a native histogram."""
    counts, index, count, place = {}, 0, 0, 0
    for span in histogram.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += histogram.positive_delta[place]
            counts[index] = count
            place, index = place + 1, index + 1
    assert place == len(histogram.positive_delta)
    return counts
