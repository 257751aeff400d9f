# SPDX-License-Identifier: Apache-2.0
"""A loop device's number and name are given to file after file, and each is a disk of its own."""
import pytest

from agent import Agent
from blockdevice import MIB, LoopDevice, fio
from decoded import points_of
from receiver import Receiver
from test_temporality import check_intervals
from waiting import eventually, settled

NAME = "apus.disk.io.latency"


def reads(agent, name):
    """How many /metrics tells of a device; None when it tells of none."""
    found = [value for labels, value in agent.samples("apus_disk_io_latency_seconds_count")
             if labels["system_device"].endswith(name)
             and labels["apus_disk_io_operation"] == "read"]
    return sum(found) if found else None


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_a_disk_that_has_another_s_number_has_series_of_its_own(tmp_path, temporality):
    with Receiver() as receiver, Agent(tmp_path, {
            "biolatency.enabled": True, "metrics.interval": "200ms",
            "metrics.temporality": temporality,
            "export.endpoint": receiver.http_endpoint}) as agent:
        with LoopDevice(tmp_path, size=16 * MIB) as first:
            name, before = first.name, first.account().reads
            begun = settled(lambda: reads(agent, name), 0.7) or 0
            fio(first, rw="randread", number_ios=230, bs="4k", ba="8k", size="16m")
            eventually(lambda: reads(agent, name) == begun + 230, 10,
                       lambda: f"{reads(agent, name)}, {begun} before")
        # The device stays, and its name, but no file is behind it.
        eventually(lambda: reads(agent, name) is None, 10)
        with LoopDevice(tmp_path, size=16 * MIB) as second:
            assert second.name == name
            assert settled(lambda: reads(agent, name), 0.7) in (None, 0)
            fio(second, rw="randread", number_ios=23, bs="4k", ba="8k", size="16m")
            eventually(lambda: reads(agent, name) == 23, 10, lambda: str(reads(agent, name)))
            made = second.account().reads - before

        def points():
            return [point for point in points_of(receiver.messages("metrics"), NAME)
                    if point.attributes["system.device"].endswith(name)
                    and point.attributes["apus.disk.io.operation"] == "read"]

        def told():
            return [point.point.count for point in points()]

        if temporality == "delta":
            eventually(lambda: sum(told()) == begun + made, 10, lambda: f"{told()}, not {made}")
        else:
            eventually(lambda: told() and told()[-1] == 23, 10, lambda: str(told()))
            assert max(told()) == begun + 230
        found = points()
    ended = [place for place, (one, other) in enumerate(zip(told(), told()[1:])) if other < one]
    assert temporality == "delta" or len(ended) == 1
    if temporality == "delta":
        check_intervals(found, restarts=True)
    else:
        [last] = ended
        one, other = found[last].point, found[last + 1].point
        assert one.time_unix_nano <= other.start_time_unix_nano
