# SPDX-License-Identifier: Apache-2.0
"""Two cgroups are two series, though one takes the other's name, or neither has one."""
import collections

from agent import Agent
from decoded import points_of
from waiting import eventually
from test_temporality import EXECS, check_intervals, of_cgroup, scraped, series_key

INFO = "apus_process_executions_total"


def check_one_point_each(messages, name):
    """No series has two points of the same time: its receiver would keep one of them."""
    seen = collections.Counter((series_key(point), point.point.time_unix_nano)
                               for point in points_of(messages, name))
    assert [key for key, count in seen.items() if count > 1] == []


def run_twice(agent, workloads, cgroup, receiver, read):
    """Counts in a cgroup that is removed and made again under its name, as a service's is."""
    workloads.storm(workloads.marked(), 10, cgroup=cgroup)
    eventually(lambda: scraped(agent, INFO, cgroup) == {"": 11})
    cgroup.remove()
    cgroup.path.mkdir()
    workloads.storm(workloads.marked(), 20, cgroup=cgroup)
    eventually(lambda: scraped(agent, INFO, cgroup) == {"": 21})
    assert agent.metrics_text().count(f'{INFO}{{process_linux_cgroup="/{cgroup.name}"}}') <= 1
    return eventually(lambda: read(of_cgroup(receiver.messages("metrics"), EXECS, cgroup)))


def settings(receiver, temporality):
    return {"export.endpoint": receiver.http_endpoint, "metrics.interval": "300ms",
            "export.logs.exporter": "none", "metrics.temporality": temporality}


def test_a_cgroup_that_is_made_again_begins_anew(receiver, workloads, cgroup, tmp_path):
    with Agent(tmp_path, settings(receiver, "cumulative")) as agent:
        points = run_twice(agent, workloads, cgroup, receiver,
                           lambda points: points and points[-1].value == 21 and points)
    starts = sorted({point.point.start_time_unix_nano for point in points})
    assert len(starts) == 2
    first = [point for point in points if point.point.start_time_unix_nano == starts[0]]
    assert first[-1].value == 11 and first[-1].point.time_unix_nano <= starts[1]
    check_one_point_each(receiver.messages("metrics"), EXECS)


def test_deltas_of_a_cgroup_that_is_made_again_do_not_overlap(
        receiver, workloads, cgroup, tmp_path):
    with Agent(tmp_path, settings(receiver, "delta")) as agent:
        points = run_twice(agent, workloads, cgroup, receiver, lambda points: sum(
            point.value for point in points) == 11 + 21 and points)
    check_intervals(points, restarts=True)
    check_one_point_each(receiver.messages("metrics"), EXECS)
