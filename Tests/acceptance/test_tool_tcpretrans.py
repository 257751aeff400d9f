# SPDX-License-Identifier: Apache-2.0
"""apus tcpretrans: SYNs that a full queue drops, counted by the kernel for each socket; and loss.

The truth of each socket is its TCP_INFO, read and closed by the process that it belongs to.
"""
import re
import time
from collections import Counter

import pytest

from missed import Missed
from namespaces import FAR, NEAR
from retransmits import Link
from tools import Dialer, OnHost, Ports, end_all, objects, rows
from waiting import eventually

COUNT = 23
PLAIN = "TIME     PID     IP LADDR:LPORT          T> RADDR:RPORT          STATE"
TRACING = "Tracing retransmits ... Hit Ctrl-C to end"


@pytest.fixture(autouse=True)
def nothing_goes_on_running():
    yield
    end_all()


@pytest.fixture
def dialer():
    with Dialer() as made:
        yield made


def endpoint(family, port):
    address = Ports.ADDRESS[family]
    return f"[{address}]:{port}" if family == 6 else f"{address}:{port}"


def send_again(dialer, family=4, count=COUNT, least=1):
    """(destination port, {source port: how often the kernel sent its SYN again, at least once})"""
    port, sources = dialer.order("begin", address=Ports.ADDRESS[family], count=count)
    eventually(lambda: min(times for _, times in dialer.order("sent_again", close=False)) >= least,
               20)
    truth = dict(dialer.order("sent_again", close=True))
    assert set(truth) == set(sources) and len(truth) == count
    return port, truth


def check(found, truth):
    """That what was shown is what was sent; fewer is what the host may do, as missed.py says."""
    if sum(found.values()) < sum(truth.values()):
        raise Missed(f"{found}, not {truth}")
    assert found == truth


def of(dialer, found):
    return [row for row in found if row["PID"] == str(dialer.pid)]


def port_of(end):
    return int(end.rsplit(":", 1)[1])


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("buffer", ["ring", "perf"])
def test_each_syn_that_is_sent_again_is_one_line(dialer, family, buffer):
    tool = OnHost("tcpretrans", "--buffer", buffer, environment={"TZ": "UTC"})
    first = time.time()
    port, truth = send_again(dialer, family)
    last = time.time()
    text = tool.end()
    assert text.splitlines()[:2] == [TRACING, PLAIN]
    ours = of(dialer, rows(text, PLAIN))
    check(Counter(port_of(row["LADDR:LPORT"]) for row in ours), truth)
    times = {time.strftime("%H:%M:%S", time.gmtime(second))
             for second in range(int(first), int(last) + 1)}
    for row in ours:
        assert row["TIME"] in times
        assert row["IP"] == str(family) and row["T>"] == "R>" and row["STATE"] == "SYN_SENT"
        assert row["LADDR:LPORT"] == endpoint(family, port_of(row["LADDR:LPORT"]))
        assert row["RADDR:RPORT"] == endpoint(family, port)


def test_whose_it_is_why_and_which_byte(dialer):
    tool = OnHost("tcpretrans", "-s", "--comm", "--cause")
    _, truth = send_again(dialer, least=2)
    header = (PLAIN.replace("PID     ", "PID     COMM            ")
              + "        SEQ        CAUSE")
    ours = of(dialer, rows(tool.end(), header))
    check(Counter(port_of(row["LADDR:LPORT"]) for row in ours), truth)
    assert {row["COMM"] for row in ours} == {dialer.name}
    assert {row["CAUSE"] for row in ours} == {"syn"}
    # A SYN has one number however often it is sent, and each connection has one of its own.
    numbers = {(row["LADDR:LPORT"], row["SEQ"]) for row in ours}
    assert len(numbers) == COUNT == len({number for _, number in numbers})
    assert all(0 <= int(number) < 1 << 32 for _, number in numbers)


@pytest.mark.parametrize("what", ["-p", "-c", "-4", "-6"])
def test_only_what_is_asked_for(dialer, cgroup, what):
    with Dialer(cgroup) as other:
        flags = {"-p": ["-p", other.pid], "-c": ["-c", cgroup.path]}.get(what, [what])
        tool = OnHost("tcpretrans", *flags)
        truth = {}
        for who in (dialer, other):
            for family in (4, 6):
                _, times = send_again(who, family, 3)
                if who is other if what in ("-p", "-c") else what == f"-{family}":
                    truth.update({(str(who.pid), str(family), port): count
                                  for port, count in times.items()})
        text = tool.end()
        found = rows(text, PLAIN)
        ours = of(dialer, found) + of(other, found)
    check(Counter((row["PID"], row["IP"], port_of(row["LADDR:LPORT"])) for row in ours), truth)
    if what in ("-p", "-c"):
        assert len(ours) == len(found)
    else:
        assert {row["IP"] for row in found} == {what[1:]}


def test_as_json_each_is_one_object(dialer):
    tool = OnHost("tcpretrans", "--json", ready=False)
    # It is attached when it shows some: each socket sends once a second.
    dialer.order("begin", address="127.0.0.1", count=1)
    eventually(lambda: f'"pid":{dialer.pid},' in tool.text, 15)
    dialer.order("sent_again", close=True)
    port, truth = send_again(dialer, 6)
    ours = [item for item in objects(tool.end())
            if item.get("pid") == dialer.pid and item["ip"] == 6]
    check(Counter(item["lport"] for item in ours), truth)
    for item in ours:
        assert isinstance(item.pop("seq"), int)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", item.pop("time"))
        assert item == {
            "pid": dialer.pid, "comm": dialer.name, "owner": "connected", "ip": 6, "laddr": "::1",
            "lport": item["lport"], "raddr": "::1", "rport": port, "type": "R", "cause": "syn",
            "state": "SYN_SENT", "segments": 1, "bytes": 0}


COUNTED = "LADDR:LPORT               RADDR:RPORT               RETRANSMITS"


def test_counts_per_flow(dialer):
    tool = OnHost("tcpretrans", "--count", 4, 2)
    port, truth = send_again(dialer)
    text = tool.wait(15)
    assert text.splitlines()[:2] == [TRACING, COUNTED] and text.count(COUNTED) == 2
    found = Counter()
    for line in text.splitlines():
        if f"[127.0.0.1]#{port} " in line:
            local, arrow, remote, count = line.split()
            assert arrow == "<->" and remote == f"[127.0.0.1]#{port}"
            found[int(local.removeprefix("[127.0.0.1]#"))] += int(count)
    check(found, truth)


def test_tail_loss_probes_are_shown_when_asked_for(network):
    link = Link(network, COUNT)
    tools = {flag: OnHost("tcpretrans", "--cause", "-p", link.near.pid, *flag)
             for flag in ((), ("-l",))}
    network.drop(f"tcp dport {link.port}")
    before = network.retransmitted(NEAR)
    link.send(100)
    eventually(lambda: network.retransmitted(NEAR) - before >= 3 * COUNT, 20)
    network.heal()
    link.arrive()
    texts = {flag: tool.end() for flag, tool in tools.items()}
    shown = {flag: Counter((row["T>"], row["CAUSE"])
                           for row in rows(text, PLAIN + "        CAUSE"))
             for flag, text in texts.items()}
    assert network.retransmitted(FAR) == 0
    probes = network.extended(NEAR, "TCPLossProbes")
    assert probes == COUNT
    timeouts = network.retransmitted(NEAR) - before - probes
    check(shown["-l",], {("L>", "tail_loss_probe"): probes, ("R>", "timeout"): timeouts})
    check(shown[()], {("R>", "timeout"): timeouts})
