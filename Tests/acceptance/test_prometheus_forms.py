# SPDX-License-Identifier: Apache-2.0
"""One page in three forms, each read by somebody else's parser, with the same values in all."""
import gzip
import http.client

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families)
from prometheus_client.parser import text_string_to_metric_families

import prometheus_protobuf
from agent import Agent
from waiting import eventually, settled

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
VERSION, SCHEMA = "0.1.0", "https://opentelemetry.io/schemas/1.44.0"
LATENCY = "apus_cpu_runqueue_latency_seconds"


# Keys of attributes that are the same to Prometheus, or would be what it keeps for itself.
ODD = {"a_b": "1", "a.b": "2", "é": "u", ".-x": "3", "..name..": "n", "2nd": "second"}
ODD_LABELS = {"a_b": "2;1", "_": "u", "_x": "3", "_name_": "n", "key_2nd": "second"}


@pytest.fixture(scope="module")
def watched(workloads, tmp_path_factory):
    """An agent, and a cgroup in which something has run and nothing runs any more."""
    from workloads import Cgroup
    cgroup = Cgroup()
    settings = {"prometheus.created": True, "prometheus.scope_labels": True,
                "resource.attributes": {"deployment.note": 'a "quoted" \\ one', **ODD}}
    with Agent(tmp_path_factory.mktemp("forms"), settings) as agent:
        workloads.storm(workloads.marked(), 23, cgroup=cgroup)
        eventually(lambda: len(read(agent, cgroup, TEXT)) > 3)
        settled(lambda: read(agent, cgroup, TEXT), 2)
        yield agent, cgroup
    cgroup.remove()


def fetch(agent, accept, encoding="identity"):
    with agent.get("/metrics", **{"Accept": accept, "Accept-Encoding": encoding}) as answer:
        assert answer.headers["Content-Type"] == accept
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
        body = answer.read()
        assert (answer.headers["Content-Encoding"] == "gzip") == (encoding == "gzip")
    return gzip.decompress(body) if encoding == "gzip" else body


def of_text(families):
    """{(name, labels): value} of the samples; the parsers leave out what only one form has."""
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in families for sample in family.samples
            if not sample.name.endswith("_created")}


def of_protobuf(page):
    found = {}
    for family in prometheus_protobuf.families(page):
        for metric in family.metric:
            labels = {pair.name: pair.value for pair in metric.label}
            key = frozenset(labels.items())
            if family.type == prometheus_protobuf.HISTOGRAM:
                histogram = metric.histogram
                found[f"{family.name}_sum", key] = histogram.sample_sum
                found[f"{family.name}_count", key] = float(histogram.sample_count)
                for bucket in histogram.bucket:
                    le = "+Inf" if bucket.upper_bound == float("inf") else str(bucket.upper_bound)
                    found[f"{family.name}_bucket", key | {("le", le)}] = float(
                        bucket.cumulative_count)
            elif family.type == prometheus_protobuf.COUNTER:
                found[family.name, key] = metric.counter.value
            else:
                found[family.name, key] = metric.gauge.value
    return found


def read(agent, cgroup, accept, encoding="identity"):
    """The samples of the cgroup in which nothing runs any more."""
    page = fetch(agent, accept, encoding)
    if accept == PROTOBUF:
        found = of_protobuf(page)
    else:
        parse = openmetrics_families if accept == OPENMETRICS else text_string_to_metric_families
        found = of_text(parse(page.decode()))
    return {key: value for key, value in found.items()
            if ("process_linux_cgroup", f"/{cgroup.name}") in key[1]}


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("accept", [OPENMETRICS, PROTOBUF])
def test_every_form_has_the_values_of_the_text(watched, accept, encoding):
    agent, cgroup = watched
    text = read(agent, cgroup, TEXT, encoding)
    # Executions, and buckets, sum and count of one histogram.
    assert len(text) >= 30
    assert read(agent, cgroup, accept, encoding) == text


def test_openmetrics_has_families_units_and_the_times_of_starts(watched):
    agent, _ = watched
    page = fetch(agent, OPENMETRICS).decode()
    assert page.endswith("\n# EOF\n")
    families = {family.name: family for family in openmetrics_families(page)}
    assert families["apus_process_executions"].type == "counter"
    assert families[LATENCY].unit == "seconds"
    [target] = families["target"].samples
    assert families["target"].type == "info"
    assert target.labels["service_name"] == "apus"
    assert target.labels["deployment_note"] == 'a "quoted" \\ one'
    assert ODD_LABELS.items() <= target.labels.items()
    assert not any(name.startswith("__") for name in target.labels)
    for family in families.values():
        created = [sample for sample in family.samples if sample.name.endswith("_created")]
        assert bool(created) == (family.type in ("counter", "histogram"))
        for sample in family.samples:
            if family.name != "target":
                assert {name: value for name, value in sample.labels.items()
                        if name.startswith("otel_scope_")} == {
                    "otel_scope_name": "apus", "otel_scope_version": VERSION,
                    "otel_scope_schema_url": SCHEMA}


def test_native_histograms_have_what_classic_ones_add_up(watched):
    agent, _ = watched
    page = prometheus_protobuf.families(fetch(agent, PROTOBUF))
    [family] = [family for family in page if family.name == LATENCY]
    assert family.unit == "seconds" and family.type == prometheus_protobuf.HISTOGRAM
    for metric in family.metric:
        histogram = metric.histogram
        assert histogram.schema == 3 and histogram.zero_threshold == 2 ** -23
        assert histogram.created_timestamp.seconds > 1.7e9
        native = prometheus_protobuf.native(histogram)
        assert sum(native.values()) + histogram.zero_count == histogram.sample_count
        for bucket in histogram.bucket[:-1]:
            # A native bucket of schema 3 is named by its upper edge, 2^(index / 8).
            below = sum(count for index, count in native.items()
                        if 2 ** (index / 8) <= bucket.upper_bound * (1 + 1e-9))
            assert bucket.cumulative_count == below + histogram.zero_count


def test_the_type_is_what_the_parsers_of_others_ask_for(watched):
    agent, _ = watched
    prometheus3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                   "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
                   "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1")
    for accept, wanted in ((prometheus3, f"{OPENMETRICS}; escaping=allow-utf-8"),
                           ("text/html,*/*;q=0.8", TEXT), ("\x01;;q=,", TEXT),
                           ("application/openmetrics-text;q=0,*/*", TEXT)):
        with agent.get("/metrics", Accept=accept) as answer:
            assert answer.headers["Content-Type"] == wanted


def test_a_head_has_the_headers_and_no_page(watched):
    agent, _ = watched
    for path in ("/metrics", "/healthz", "/readyz", "/", "/nothing"):
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=5)
        connection.request("HEAD", path)
        answer = connection.getresponse()
        assert answer.status == (404 if path == "/nothing" else 200)
        assert int(answer.headers["Content-Length"]) > 0
        assert answer.read() == b""
        # The same connection goes on: no byte of a body came.
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
        connection.close()


def test_health_is_json_for_those_who_ask(watched):
    agent, _ = watched
    for path, word in (("/healthz", "ok"), ("/readyz", "ready")):
        with agent.get(path, Accept="application/json") as answer:
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.read() == f'{{"status":"{word}","reasons":[]}}\n'.encode()
