# SPDX-License-Identifier: Apache-2.0
"""Delta points and explicit buckets: what arrives adds up to what was done and to /metrics."""
import collections

import pytest

from agent import Agent
from decoded import points_of
from receiver import Fault
from waiting import eventually, settled

DELTA, CUMULATIVE = 1, 2
EXECS = "apus.process.executions"
WAITS = "apus.cpu.runqueue.latency"
PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
EXPLICIT, EXPONENTIAL = "explicit_bucket_histogram", "base2_exponential_bucket_histogram"


def series_key(point):
    return repr(sorted(point.resource.items())), repr(sorted(point.attributes.items()))


def of_cgroup(messages, name, cgroup):
    return [point for point in points_of(messages, name)
            if point.resource.get("process.linux.cgroup", "").endswith(cgroup.name)]


def scraped(agent, name, cgroup):
    """{labels beside the workload's: value} of the cgroup's samples."""
    return {labels.get("le", ""): value for labels, value in agent.samples(name)
            if labels.get("process_linux_cgroup", "").endswith(cgroup.name)}


def check_intervals(points, restarts=False):
    """Of each series: every point begins where the one before ended, or later after a restart."""
    ends = {}
    for point in points:
        begin, end = point.point.start_time_unix_nano, point.point.time_unix_nano
        assert begin <= end
        key = series_key(point)
        if key in ends:
            assert ends[key] == begin or restarts and ends[key] < begin, "a gap or an overlap"
        ends[key] = end


def buckets_of(point):
    """{upper edge: how many} of a histogram's or exponential histogram's point."""
    data, kind = point.point, point.metric.WhichOneof("data")
    if kind == "histogram":
        bounds = list(data.explicit_bounds)
        assert len(data.bucket_counts) == len(bounds) + 1
        assert all(low < high for low, high in zip(bounds, bounds[1:]))
        assert sum(data.bucket_counts) == data.count
        return dict(zip(bounds + [float("inf")], data.bucket_counts))
    assert kind == "exponential_histogram" and data.scale == 3
    assert sum(data.positive.bucket_counts) + data.zero_count == data.count
    found = {data.positive.offset + index: count
             for index, count in enumerate(data.positive.bucket_counts)}
    return {**found, "zero": data.zero_count}


def le_of(index, edges):
    """The first `le` that an exponential bucket lies at or below."""
    if index == "zero":
        return edges[0]
    return next((edge for edge in edges if 2 ** ((index + 1) / 8) <= edge * (1 + 1e-9)),
                float("inf"))


def check_histograms(points, temporality, agent, cgroup):
    """The points of the cgroup, added up or the last one, are what /metrics shows."""
    assert points
    total, count, seconds = collections.Counter(), 0, 0.0
    for point in points if temporality == DELTA else points[-1:]:
        total.update(buckets_of(point))
        count += point.point.count
        seconds += point.point.sum
        if temporality == DELTA:
            assert not point.point.HasField("min") and not point.point.HasField("max")
            assert point.point.count > 0
    shown = scraped(agent, "apus_cpu_runqueue_latency_seconds_bucket", cgroup)
    edges = sorted(float(le) for le in shown)
    below, classic = 0, collections.Counter()
    for edge, value in total.items():
        classic[edge if edge in edges else le_of(edge, edges)] += value
    for le, value in sorted((float(le), value) for le, value in shown.items()):
        below += classic[le]
        assert below == value, f"le {le}"
    assert count == scraped(agent, "apus_cpu_runqueue_latency_seconds_count", cgroup)[""]
    whole = scraped(agent, "apus_cpu_runqueue_latency_seconds_sum", cgroup)[""]
    assert seconds == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("preference, counters, histograms, aggregation", [
    ("delta", DELTA, DELTA, EXPONENTIAL), ("delta", DELTA, DELTA, EXPLICIT),
    ("LowMemory", CUMULATIVE, DELTA, EXPONENTIAL),
    ("cumulative", CUMULATIVE, CUMULATIVE, EXPLICIT)])
def test_points_add_up_to_what_was_done(
        request, receiver, workloads, cgroup, tmp_path, preference, counters, histograms,
        aggregation):
    count, endpoint = 700, receiver.http_endpoint
    # By way of a collector that shares no code with us or with the official stubs; it may pass on
    # several requests at a time, so order is none of what it keeps.
    is_collected = (counters, aggregation) == (DELTA, EXPLICIT)
    if is_collected:
        endpoint = request.getfixturevalue("collector").endpoint("http/protobuf")
    with Agent(tmp_path, {"export.endpoint": endpoint, "metrics.interval": "150ms",
                          "export.logs.exporter": "none"},
               {PREFERENCE: preference, AGGREGATION: aggregation}) as agent:
        for _ in range(2):
            workloads.storm(workloads.marked(), count, rate=1000, cgroup=cgroup)

        def executions():
            points = of_cgroup(receiver.messages("metrics"), EXECS, cgroup)
            return sum(point.value for point in (points if counters == DELTA else points[-1:]))

        # Each storm's own execution counts too.
        eventually(lambda: executions() == 2 * (count + 1), 10, lambda: str(executions()))
        assert scraped(agent, "apus_process_executions_total", cgroup) == {"": 2 * (count + 1)}
        settled(lambda: scraped(agent, "apus_cpu_runqueue_latency_seconds_count", cgroup))
        settled(lambda: len(of_cgroup(receiver.messages("metrics"), WAITS, cgroup))
                if histograms == DELTA else 0, quiet=0.5)
        waits = of_cgroup(receiver.messages("metrics"), WAITS, cgroup)
        check_histograms(waits, histograms, agent, cgroup)
        assert len(waits) > 3, "deltas of several intervals"
    messages = receiver.messages("metrics")
    kind = "histogram" if aggregation == EXPLICIT else "exponential_histogram"
    for point in points_of(messages, WAITS):
        assert point.metric.WhichOneof("data") == kind
        assert getattr(point.metric, kind).aggregation_temporality == histograms
    for name in (EXECS, "apus.agent.events.produced"):
        assert {point.metric.sum.aggregation_temporality
                for point in points_of(messages, name)} == {counters}
    # A sum that goes both ways never is a delta.
    for point in points_of(messages, "apus.agent.memory.limit"):
        assert point.metric.sum.aggregation_temporality == CUMULATIVE
    check_delta_times(messages, counters, histograms, in_order=not is_collected)


def check_delta_times(messages, counters, histograms, in_order):
    def points(name):
        every = list(points_of(messages, name))
        return every if in_order else sorted(every, key=lambda point: point.point.time_unix_nano)

    if counters == DELTA:
        for name in (EXECS, "apus.agent.events.produced"):
            found = points(name)
            assert all(point.value > 0 for point in found)
            check_intervals(found)
    if histograms == DELTA:
        check_intervals(points(WAITS))


def test_the_whole_run_of_the_agent_itself_adds_up_too(receiver, workloads, cgroup, tmp_path):
    """What is counted between the last interval and the end is sent, and once."""
    agent = Agent(tmp_path, {"export.endpoint": receiver.http_endpoint, "metrics.interval": "1h",
                             "metrics.temporality": "delta"})
    workloads.storm(workloads.marked(), 500, cgroup=cgroup)
    assert agent.stop() == 0, agent.log
    points = of_cgroup(receiver.messages("metrics"), EXECS, cgroup)
    assert sum(point.value for point in points) == 500 + 1
    check_intervals(points_of(receiver.messages("metrics"), EXECS))


@pytest.mark.full
def test_what_a_cgroup_counted_last_is_sent_before_it_is_forgotten(
        receiver, workloads, cgroup, tmp_path):
    # Two minutes after its end a cgroup is forgotten; no interval ends before.
    with Agent(tmp_path, {"export.endpoint": receiver.http_endpoint, "metrics.interval": "1h",
                          "metrics.temporality": "delta"}) as agent:
        workloads.storm(workloads.marked(), 50, cgroup=cgroup)
        # The agent learns a cgroup's path while there is one.
        eventually(lambda: scraped(agent, "apus_process_executions_total", cgroup) == {"": 51})
        cgroup.remove()
        try:
            points = eventually(
                lambda: of_cgroup(receiver.messages("metrics"), EXECS, cgroup), 240,
                lambda: agent.log)
        finally:
            cgroup.path.mkdir()
        assert sum(point.value for point in points) == 51
        assert scraped(agent, "apus_process_executions_total", cgroup) == {}


def dropped_batches(agent):
    return sum(value for labels, value in agent.samples("apus_agent_export_batches_total")
               if labels["signal"] == "metrics" and labels["outcome"] == "dropped")


def test_a_batch_sent_again_counts_once_and_a_refused_one_leaves_a_gap(
        receiver, workloads, cgroup, tmp_path):
    def points():
        return of_cgroup(receiver.messages("metrics"), EXECS, cgroup)

    def storm(count, fault):
        """Runs programs while the receiver answers so; its first answers are bad ones."""
        receiver.always = fault
        workloads.storm(workloads.marked(), count, cgroup=cgroup)
        # One may have been made before the last execution was seen.
        seen = len(receiver.requests)
        eventually(lambda: len(receiver.requests) >= seen + 2, 10, lambda: agent.log)
        receiver.always = Fault()

    with Agent(tmp_path, {"export.endpoint": receiver.http_endpoint, "metrics.interval": "200ms",
                          "export.logs.exporter": "none", "metrics.temporality": "delta"}) as agent:
        storm(10, Fault())
        eventually(lambda: sum(point.value for point in points()) == 11)
        storm(20, Fault(status=503))
        eventually(lambda: sum(point.value for point in points()) == 11 + 21, 20)
        check_intervals(points())
        storm(40, Fault(status=400))
        eventually(lambda: dropped_batches(agent) >= 1)
        storm(80, Fault())
        eventually(lambda: sum(point.value for point in points()) >= 11 + 21 + 81)
        # /metrics has all; of OTLP's deltas those of the refused batches are missing for ever.
        assert scraped(agent, "apus_process_executions_total", cgroup) == {"": 11 + 21 + 41 + 81}
        assert "collector refused" in agent.log
    whole = sum(point.value for point in points())
    assert 11 + 21 + 81 <= whole < 11 + 21 + 41 + 81
    with pytest.raises(AssertionError, match="a gap"):
        check_intervals(points())
