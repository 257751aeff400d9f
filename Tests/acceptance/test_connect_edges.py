# SPDX-License-Identifier: Apache-2.0
"""Connects that are under way when the agent comes or goes; each test has an agent of its own."""
import pytest

from connects import FAMILIES, PLAIN, Connects, Outcome, Watched, check, check_ends


@pytest.mark.parametrize("hooks", ["auto", "compatible"])
@pytest.mark.parametrize("way", PLAIN + ("fastopen",))
def test_what_is_under_way_when_the_agent_stops_is_told_as_pending(tmp_path, way, hooks):
    watched = Watched(tmp_path, hooks)
    runs = [Connects(way, "pending", family) for family in FAMILIES]
    truths = [run.truth() for run in runs]
    watched.close()
    for run, truth in zip(runs, truths):
        run.end()
        events = watched.events(truth)
        for row in truth:
            event = events[row["cookie"]]
            check(event, row, run, Outcome("pending", None))
            assert event["apus.tcp.connect.duration"] * 1e9 >= row["least_ns"]


@pytest.mark.parametrize("hooks", ["auto", "compatible"])
def test_what_was_under_way_before_the_agent_has_the_socket_s_owner_and_no_duration(
        tmp_path, hooks):
    runs = [Connects("nonblocking", "pending", family) for family in FAMILIES]
    truths = [run.truth() for run in runs]
    watched = Watched(tmp_path, hooks)
    for run, truth in zip(runs, truths):
        run.end()
        events = watched.events(truth)
        for row in truth:
            event = events[row["cookie"]]
            check_ends(event, row, run.family)
            assert event["apus.tcp.connect.outcome"] == "abandoned"
            assert event["apus.tcp.connect.before_agent"] is True
            assert event["process.pid"] == row["pid"]
            assert "apus.tcp.connect.duration" not in event.attributes
    watched.close()
