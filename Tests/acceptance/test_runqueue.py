# SPDX-License-Identifier: Apache-2.0
"""The run queue's wait against truths of its own: the kernel's schedstat, and two spinners."""

import pytest

from agent import Agent
from decoded import latest, points_of

NAME = "apus.cpu.runqueue.latency"
# schedstat takes the run queue's own clock, read earlier in a switch than the tracepoint fires. On
# a quiet machine the two differ by 0.1 %; on a busy virtual one, bpftrace's sum over the same
# tracepoints was up to 2.2 % below schedstat's too, with the same number of waits.
CLOCKS_APART = 0.04


def of_cgroup(messages, cgroup):
    """The last point of the cgroup's series, wherever the workload's identity is said."""
    for point in latest(messages, NAME):
        said = {**point.resource, **point.attributes}
        if any(str(value).endswith("/" + cgroup.name) for value in said.values()):
            return point
    return None


def waited_of(truth):
    """Seconds that all processes of a cgroup waited, by the kernel's own account."""
    return sum(row["waited_ns"] for row in truth) / 1e9


def watch(receiver, directory):
    return Agent(directory, {"export.endpoint": receiver.http_endpoint,
                             "metrics.interval": "200ms"})


def final(agent, receiver, cgroup):
    """The series' last point, after the agent has flushed."""
    agent.stop()
    return of_cgroup(receiver.messages("metrics"), cgroup)


@pytest.mark.parametrize("count", [2, 3])
def test_spinners_on_one_core_wait_as_long_as_the_kernel_says(
        receiver, workloads, cgroup, tmp_path, count, figures):
    agent = watch(receiver, tmp_path)
    truth = workloads.spinners(0, count, 3, cgroup.procs)
    point = final(agent, receiver, cgroup)
    waited = waited_of(truth)
    slices = sum(row["slices"] for row in truth)
    figures(f"waited {point.point.sum:.4f} s in {point.point.count} waits, "
            f"schedstat {waited:.4f} s in {slices}")
    # Each of n spinners waits while the n-1 others run: (n-1)/n of the time, times n.
    assert waited > 0.9 * (count - 1) * 3
    assert point.point.sum == pytest.approx(waited, rel=CLOCKS_APART)
    assert point.point.count == pytest.approx(slices, rel=0.05, abs=4 * count)
    # A wait is the time slices of the others, so the middle of the distribution lies there.
    mean = waited / slices
    assert quantile(point.point, 0.5) == pytest.approx(mean, rel=0.5)


def quantile(point, share):
    """The upper edge of the bucket in which the quantile lies."""
    rest = share * point.count - point.zero_count
    for index, count in enumerate(point.positive.bucket_counts):
        rest -= count
        if rest <= 0:
            return 2 ** ((point.positive.offset + index + 1) / 2 ** point.scale)
    raise AssertionError("the counts do not add up")


def test_one_spinner_alone_waits_for_next_to_nothing(receiver, workloads, cgroup, tmp_path):
    agent = watch(receiver, tmp_path)
    truth = workloads.spinners(1, 1, 2, cgroup.procs)
    point = final(agent, receiver, cgroup)
    assert point is not None
    assert point.point.sum == pytest.approx(waited_of(truth), rel=CLOCKS_APART, abs=0.03)


def test_count_is_the_sum_of_its_buckets_in_every_point_under_load(receiver, workloads, tmp_path):
    with Agent(tmp_path, {"export.endpoint": receiver.http_endpoint, "metrics.interval": "100ms"}):
        storm = workloads.start_storm(workloads.marked(), 15_000)
        workloads.spinners(0, 4, 2)
        storm.communicate(timeout=120)
    points = list(points_of(receiver.messages("metrics"), NAME))
    assert len(points) >= 20
    for point in points:
        data = point.point
        assert data.count == data.zero_count + sum(data.positive.bucket_counts)


def test_cgroups_do_not_mix(receiver, workloads, tmp_path):
    from workloads import Cgroup
    busy, idle = Cgroup(), Cgroup()
    agent = watch(receiver, tmp_path)
    truth = workloads.spinners(0, 2, 2, busy.procs)
    alone = workloads.spinners(0, 1, 0.2, idle.procs)
    point = final(agent, receiver, busy)
    other = of_cgroup(receiver.messages("metrics"), idle)
    busy.remove()
    idle.remove()
    assert point.point.sum == pytest.approx(waited_of(truth), rel=CLOCKS_APART)
    if other is not None:
        assert other.point.sum == pytest.approx(waited_of(alone), rel=CLOCKS_APART, abs=0.03)
