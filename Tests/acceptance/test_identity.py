# SPDX-License-Identifier: Apache-2.0
"""Whose series it is, when the names of workloads come and go."""
import itertools
from collections import Counter

from agent import Agent
from decoded import points_of
from waiting import eventually


def test_a_service_that_starts_anew_is_one_series_after_the_other(
        receiver, workloads, cgroup, tmp_path):
    """Its cgroup has the path of the one before, and no scrape finds two of the same labels."""
    with Agent(tmp_path, {"export.endpoint": receiver.http_endpoint,
                          "metrics.interval": "1h"}) as agent:
        for count in (50, 70, 90):
            workloads.storm(workloads.marked(), count, cgroup=cgroup)
            eventually(lambda: scraped(agent, cgroup) == [count + 1], 20,
                       lambda: f"{scraped(agent, cgroup)}, not {count + 1}")
            cgroup.remove()
            cgroup.path.mkdir()
    points = [point for point in points_of(receiver.messages("metrics"),
                                           "apus.process.executions")
              if point.resource.get("process.linux.cgroup") == f"/{cgroup.name}"]
    # The last word of each, and none overlaps the next by more than the second between samples.
    last = {point.point.start_time_unix_nano: point for point in points}
    assert [point.value for _, point in sorted(last.items())] == [51, 71, 91]
    ends = [(start, point.point.time_unix_nano) for start, point in sorted(last.items())]
    for (_, end), (start, _) in itertools.pairwise(ends):
        assert start >= end - 2_000_000_000


def scraped(agent, cgroup):
    """Executions of the cgroup on a page without two samples of the same labels."""
    page = agent.metrics_text()
    names = [line.rsplit(" ", 1)[0] for line in page.splitlines() if not line.startswith("#")]
    twice = [name for name, count in Counter(names).items() if count > 1]
    assert not twice, twice
    return [value for labels, value in agent.samples("apus_process_executions_total")
            if labels.get("process_linux_cgroup") == f"/{cgroup.name}"
            and "apus_cgroup_key" not in labels]
