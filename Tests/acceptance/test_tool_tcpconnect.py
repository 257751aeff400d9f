# SPDX-License-Identifier: Apache-2.0
"""apus tcpconnect: 23 connects that succeed and 23 that are refused, by a process that is known."""
import errno
import time
from collections import Counter

import pytest

from agent import run
from tools import Dialer, OnHost, Ports, end_all, objects, rows
from waiting import eventually

COUNT = 23
UID = 65533
PLAIN = "PID    COMM         IP SADDR            DADDR            DPORT"


@pytest.fixture(autouse=True)
def nothing_goes_on_running():
    yield
    end_all()


@pytest.fixture
def ports():
    with Ports() as made:
        yield made


@pytest.fixture
def dialer():
    with Dialer() as made:
        yield made


def header_of(tool):
    return tool.text.splitlines()[0]


def dial_both(dialer, ports, family=4, count=COUNT):
    """{(source port, destination port, errno): how often}; a free port may be used anew."""
    address = Ports.ADDRESS[family]
    told = Counter()
    for port, wanted in ((ports.listening[family], 0),
                         (ports.refusing[family], errno.ECONNREFUSED)):
        for source, error in dialer.dial(address, port, count):
            assert error == wanted
            told[source, port, error] += 1
    assert told.total() == 2 * count
    return told


def of(dialer, found):
    return [row for row in found if row["PID"] == str(dialer.pid)]


@pytest.mark.parametrize("buffer", ["auto", "ring", "perf"])
@pytest.mark.parametrize("family", [4, 6])
def test_each_connect_is_one_line(ports, dialer, buffer, family):
    tool = OnHost("tcpconnect", "--buffer", buffer)
    dial_both(dialer, ports, family)
    text = tool.end()
    assert text.splitlines()[0] == PLAIN
    address = Ports.ADDRESS[family]
    found = Counter(tuple(row.values()) for row in of(dialer, rows(text, PLAIN)))
    assert found == {
        (str(dialer.pid), dialer.name, str(family), address, address, str(port)): COUNT
        for port in (ports.listening[family], ports.refusing[family])}


def test_failed_ones_alone_with_their_reason(ports, dialer):
    tool = OnHost("tcpconnect", "-x")
    before = time.monotonic()
    dial_both(dialer, ports)
    most_ms = (time.monotonic() - before) * 1e3
    text = tool.end()
    header = PLAIN + " OUTCOME     ERROR         LAT(ms)"
    found = rows(text, header)
    assert "established" not in {row["OUTCOME"] for row in found}
    ours = of(dialer, found)
    assert len(ours) == COUNT
    for row in ours:
        assert row["DPORT"] == str(ports.refusing[4])
        assert row["OUTCOME"] == "refused" and row["ERROR"] == "ECONNREFUSED"
        assert 0 < float(row["LAT(ms)"]) < most_ms


@pytest.mark.parametrize("flags, expected", [
    ("-T", "TIME     " + PLAIN),
    ("-t", "TIME(s)  " + PLAIN),
    ("-U", "UID   " + PLAIN),
    ("-s", PLAIN.replace("DPORT", "SPORT DPORT")),
    ("-L", PLAIN.replace("DPORT", "SPORT DPORT")),
    ("--outcome", PLAIN + " OUTCOME     ERROR         LAT(ms)"),
    ("-tUs", "TIME(s)  UID   " + PLAIN.replace("DPORT", "SPORT DPORT")),
], ids=lambda value: value if value.startswith("-") else "")
def test_columns_that_are_asked_for(ports, flags, expected):
    with Dialer(uid=UID) as dialer:
        started = time.monotonic()
        tool = OnHost("tcpconnect", flags, environment={"TZ": "UTC"})
        first = time.time()
        truth = dial_both(dialer, ports)
        last = time.time()
        text = tool.end()
        elapsed = time.monotonic() - started
    ours = of(dialer, rows(text, expected))
    assert Counter(row["DPORT"] for row in ours) == {
        str(port): COUNT for port in (ports.listening[4], ports.refusing[4])}
    if "TIME" in expected.split():
        times = {time.strftime("%H:%M:%S", time.gmtime(second))
                 for second in range(int(first), int(last) + 1)}
        assert {row["TIME"] for row in ours} <= times
    if "TIME(s)" in expected:
        seconds = [float(row["TIME(s)"]) for row in ours]
        assert seconds == sorted(seconds) and 0 < seconds[0] and seconds[-1] < elapsed
    if "UID" in expected:
        assert {row["UID"] for row in ours} == {str(UID)}
    if "SPORT" in expected:
        assert Counter((int(row["SPORT"]), int(row["DPORT"])) for row in ours) == {
            (source, port): count for (source, port, _), count in truth.items()}
    if "OUTCOME" in expected:
        assert Counter((row["OUTCOME"], row["ERROR"]) for row in ours) == {
            ("established", "-"): COUNT, ("refused", "ECONNREFUSED"): COUNT}


@pytest.mark.parametrize("what", ["-P one", "-P two", "-p", "-u", "-4", "-6", "-c", "-p -x"])
def test_only_what_is_asked_for(ports, dialer, cgroup, what):
    with Dialer(cgroup, UID) as other:
        flags, keeps = {
            "-P one": (["-P", ports.listening[4]], lambda who, family, port:
                       port == ports.listening[4]),
            "-P two": (["-P", f"{ports.refusing[6]},{ports.listening[4]}"],
                       lambda who, family, port: port in (ports.refusing[6], ports.listening[4])),
            "-p": (["-p", other.pid], lambda who, family, port: who is other),
            "-u": (["-u", UID], lambda who, family, port: who is other),
            "-4": (["-4"], lambda who, family, port: family == 4),
            "-6": (["-6"], lambda who, family, port: family == 6),
            "-c": (["-c", cgroup.path], lambda who, family, port: who is other),
            "-p -x": (["-x", "-p", dialer.pid], lambda who, family, port:
                      who is dialer and port in ports.refusing.values()),
        }[what]
        tool = OnHost("tcpconnect", *flags)
        expected = {}
        for who in (dialer, other):
            for family in (4, 6):
                dial_both(who, ports, family)
                for port in (ports.listening[family], ports.refusing[family]):
                    if keeps(who, family, port):
                        expected[str(who.pid), str(family), str(port)] = COUNT
        text = tool.end()
        found = rows(text, header_of(tool))
        ours = of(dialer, found) + of(other, found)
    assert Counter((row["PID"], row["IP"], row["DPORT"]) for row in ours) == expected
    if what not in ("-4", "-6"):
        # Nobody else has these ports, this number, this user, or is in this cgroup.
        assert ours and len(ours) == len(found)


def test_as_json_each_connect_is_one_object(ports, dialer):
    tool = OnHost("tcpconnect", "--json", ready=False)
    eventually(lambda: dialer.dial("127.0.0.1", ports.listening[4])
               and f'"pid":{dialer.pid},' in tool.text, 15)
    before = time.monotonic()
    truth = dial_both(dialer, ports, 6)
    most_ms = (time.monotonic() - before) * 1e3
    ours = [item for item in objects(tool.end())
            if item.get("pid") == dialer.pid and item["ip"] == 6]
    assert len(ours) == 2 * COUNT
    assert Counter((item["sport"], item["dport"], item["errno"]) for item in ours) == truth
    for item in ours:
        error = item["errno"]
        latency = item.pop("latency_ms")
        assert 0 < latency < most_ms
        assert item == {
            "pid": dialer.pid, "uid": 0, "comm": dialer.name, "ip": 6, "saddr": "::1",
            "sport": item["sport"], "daddr": "::1", "dport": item["dport"], "errno": error,
            "outcome": "refused" if error else "established",
            **({"error": "ECONNREFUSED"} if error else {})}


def tables(text):
    """The tables of --count, each {(words of a row but the last): count}."""
    found = []
    for line in text.splitlines():
        if line.startswith("LADDR"):
            found.append({})
        elif found and line:
            *flow, count = line.split()
            found[-1][tuple(flow)] = int(count)
    return found


def added(found):
    total = Counter()
    for table in found:
        total.update(table)
    return total


@pytest.mark.parametrize("flags", [[], ["-s"], ["-x"]], ids=lambda flags: " ".join(flags) or "none")
def test_counts_per_flow(ports, dialer, flags):
    tool = OnHost("tcpconnect", "--count", *flags, 1, 2)
    truth = dial_both(dialer, ports)
    text = tool.wait(10)
    assert "Tracing connects... Hit Ctrl-C to end." == text.splitlines()[0]
    found = tables(text)
    assert len(found) == 2
    mine = {flow: count for flow, count in added(found).items()
            if flow[-1] in (str(ports.listening[4]), str(ports.refusing[4]))}
    ends = ("127.0.0.1", "127.0.0.1")
    if flags == ["-s"]:
        assert mine == {(*ends, str(source), str(port)): count
                        for (source, port, _), count in truth.items()}
    else:
        wanted = [ports.refusing[4]] if flags else [ports.refusing[4], ports.listening[4]]
        assert mine == {(*ends, str(port)): COUNT for port in wanted}


def test_counts_as_json_have_an_object_for_each_flow(ports, dialer):
    tool = OnHost("tcpconnect", "--count", "--json", 1, ready=False)
    wanted = (ports.listening[6], ports.refusing[6])
    eventually(lambda: dialer.dial("127.0.0.1", ports.refusing[4])
               and f'"dport":{ports.refusing[4]},' in tool.text, 15)
    dial_both(dialer, ports, 6)
    mine = [item for item in objects(tool.end()) if item.get("dport") in wanted]
    total = Counter()
    for item in mine:
        assert set(item) == {"time", "saddr", "daddr", "dport", "connects"}
        assert item["saddr"] == item["daddr"] == "::1"
        total[item["dport"]] += item["connects"]
    assert total == {port: COUNT for port in wanted}


def test_an_interval_is_one_of_counts():
    done = run("tcpconnect", 1)
    assert done.returncode == 2 and "--count" in done.stderr and done.stdout == ""
