# SPDX-License-Identifier: Apache-2.0
"""The sum of what was sent again is the kernel's own: in bulk, when sending fails, as metrics."""
import pathlib

import pytest

from decoded import latest
from namespaces import ADDRESSES, FAR, NEAR
from retransmits import DATA, KINDS, Link, check_ends, failures, segments, size_of
from waiting import eventually

FORMAT = pathlib.Path("/sys/kernel/tracing/events/tcp/tcp_retransmit_skb/format")


@pytest.mark.parametrize("kind", KINDS)
def test_the_sum_is_what_the_kernel_counts_of_a_lossy_bulk_transfer(
        network, watched, kind, figures):
    at, connect_to, network_type, address, mapped = KINDS[kind]
    assert {"generic-segmentation-offload", "tcp-segmentation-offload"} <= network.offloads(NEAR)
    watched.start()
    link = Link(network, 1, connect_to, at)
    [near] = link.near_ends
    network.slow()
    link.send(64 << 20)

    def in_flight():
        info = link.near.info(near["name"])
        return info["unacked"] * info["mss"]

    eventually(lambda: in_flight() >= 1 << 20)
    network.drop(f"tcp dport {link.port} {DATA} numgen inc mod 20 == 0")
    eventually(lambda: network.dropped() >= 10)
    network.heal()
    link.arrive()
    watched.check_sums()
    events = watched.of(NEAR)
    truth = link.near.info(near["name"])
    figures(f"{watched.hooks}: {len(events)} events of {segments(events)} segments")
    assert segments(events) == truth["total_retrans"] > 10
    assert size_of(events) == truth["bytes_retrans"]
    assert max(event["apus.tcp.retransmit.segments"] for event in events) > 1
    for event in events:
        check_ends(event, near, network_type, address, link.port, mapped)
        assert event["apus.socket.owner.origin"] == "connected"
        assert event["network.connection.state"] == "established"
        assert 0 < event["apus.tcp.srtt"] < 10
        assert "error.type" not in event.attributes
        if watched.hooks == "modern":
            assert event["apus.socket.cookie"] == truth["cookie"]


def needs_errors():
    if " err;" not in FORMAT.read_text():
        pytest.skip("before Linux 6.17 the tracepoint does not tell of what could not be sent")


def stuck(network, watched):
    """A connection whose data is lost and has been sent again at least once."""
    link = Link(network)
    network.drop(f"tcp dport {link.port}")
    link.send(100)
    eventually(lambda: watched.of(NEAR))
    return link


def test_what_a_rule_of_the_host_refuses_is_counted_and_says_its_error(network, watched):
    needs_errors()
    watched.start()
    link = stuck(network, watched)
    network.drop(f"tcp dport {link.port}", NEAR)
    eventually(lambda: len(failures(watched)) >= 2)
    network.heal(NEAR)
    network.heal()
    link.arrive()
    watched.check_sums()
    assert len(failures(watched)) == network.extended(NEAR, "TCPRetransFail")
    for event in failures(watched):
        assert event["error.type"] == "EPERM"
        assert event["apus.tcp.retransmit.segments"] == 1
        check_ends(event, link.near_ends[0], "ipv4", ADDRESSES[FAR][4], link.port)


def test_what_a_queue_of_the_host_drops_is_counted_and_says_so(network, watched):
    needs_errors()
    watched.start()
    link = stuck(network, watched)
    network.run(NEAR, "tc", "qdisc", "replace", "dev", "wire", "root", "tbf", "rate", "8bit",
                "burst", "2000", "limit", "1")
    eventually(lambda: len(failures(watched)) >= 2)
    network.run(NEAR, "tc", "qdisc", "delete", "dev", "wire", "root")
    network.heal()
    link.arrive()
    watched.check_sums()
    assert len(failures(watched)) == network.extended(NEAR, "TCPRetransFail")
    assert {event["error.type"] for event in failures(watched)} == {"ENOBUFS"}
    assert {event["apus.tcp.retransmit.cause"] for event in failures(watched)} <= {
        "tail_loss_probe", "timeout"}


def test_what_has_no_way_is_told_of_but_was_not_sent(network, watched):
    needs_errors()
    watched.start()
    link = stuck(network, watched)
    network.ip(NEAR, "route", "add", "unreachable", "10.77.2.0/24")
    eventually(lambda: len(failures(watched)) >= 2)
    network.ip(NEAR, "route", "del", "unreachable", "10.77.2.0/24")
    network.heal()
    link.arrive()
    watched.check_sums()
    for event in failures(watched):
        assert event["error.type"] == "EHOSTUNREACH"
        assert event["apus.tcp.retransmit.segments"] == 0
        assert event["apus.tcp.retransmit.bytes"] == 0


# The cgroup first, because it can only be removed when the peers of the network have ended.
def test_the_metrics_say_the_same_by_cgroup_and_cause(cgroup, network, watched, receiver):
    watched.settings["metrics.interval"] = "200ms"
    watched.start()
    link = Link(network, near_options={"preexec_fn": cgroup.join})
    link.send(4 << 20)
    link.arrive()
    network.drop(f"tcp dport {link.port} {DATA} numgen inc mod 20 == 0")
    link.send(16 << 20)
    link.arrive()
    network.heal()
    watched.check_sums()
    events = watched.of(NEAR)
    watched.agent.stop()
    found = latest(receiver.messages("metrics"), "apus.tcp.retransmits")
    rtt = latest(receiver.messages("metrics"), "apus.tcp.retransmit.rtt")
    assert events and watched.causes(NEAR) == {cause(point) for point in of_cgroup(found, cgroup)}
    for name in watched.causes(NEAR):
        mine = [event for event in events if event["apus.tcp.retransmit.cause"] == name]
        [count] = [point for point in of_cgroup(found, cgroup) if cause(point) == name]
        assert count.value == segments(mine)
        [times] = [point for point in of_cgroup(rtt, cgroup) if cause(point) == name]
        assert times.point.count == len(mine)
        assert times.point.sum == pytest.approx(sum(event["apus.tcp.srtt"] for event in mine))


def cause(point):
    return point.attributes["apus.tcp.retransmit.cause"]


def of_cgroup(points, cgroup):
    return [point for point in points
            if any(str(value).endswith("/" + cgroup.name)
                   for value in {**point.resource, **point.attributes}.values())]
