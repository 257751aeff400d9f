# SPDX-License-Identifier: Apache-2.0
"""apus biolatency and runqlat as they are run by hand: what is drawn is what was done."""
import mmap
import os
import re
import time
from collections import Counter

import pytest

from blockdevice import LoopDevice
from missed import Missed
from test_block import drawn
from test_counterparts import ROW, slots
from tools import HISTOGRAMS, OnHost, end_all, objects
from waiting import eventually

WRITES = 230
APART = 8192  # No two requests can be merged.


@pytest.fixture(autouse=True)
def nothing_goes_on_running():
    yield
    end_all()


@pytest.fixture
def loop(tmp_path):
    with LoopDevice(tmp_path) as made:
        yield made


def write(device, count=WRITES):
    """Direct writes one after the other; the seconds of the slowest."""
    descriptor = os.open(device.path, os.O_WRONLY | os.O_DIRECT)
    slowest = 0
    with mmap.mmap(-1, 4096) as page:
        for number in range(count):
            begin = time.monotonic()
            assert os.pwrite(descriptor, page, number * APART) == 4096
            slowest = max(slowest, time.monotonic() - begin)
    os.close(descriptor)
    return slowest


def told(count):
    """All of them; fewer is what the host may do, as missed.py says."""
    if count < WRITES:
        raise Missed(f"{count} of {WRITES}")
    assert count == WRITES


def written(loop, *flags, **options):
    """(what was printed of the writes, the seconds of the slowest)"""
    before = loop.account()
    tool = OnHost("biolatency", "-d", loop.name, *flags, **options)
    slowest = write(loop)
    assert (loop.account() - before).writes == WRITES
    return tool.end(), slowest


def below(edges, slowest, unit):
    """That no slot begins above what the slowest write took."""
    assert max(edges) <= slowest / unit


@pytest.mark.parametrize("flags, unit, label", [
    ([], 1e-6, "usecs"), (["-Q"], 1e-6, "usecs"), (["-m"], 1e-3, "msecs")],
    ids=["plain", "queued", "milliseconds"])
def test_what_is_drawn_adds_up_to_the_writes_that_were_made(loop, flags, unit, label):
    text, slowest = written(loop, *flags)
    lines = text.splitlines()
    assert lines[:2] == ["Tracing block device I/O... Hit Ctrl-C to end.", ""]
    assert lines[2] == f"     {label}               : count    distribution"
    assert lines[-1] == "" and all(ROW.match(line) for line in lines[3:-1])
    found = slots(text)
    told(sum(found.values()))
    below([edge for edge, count in found.items() if count], slowest, unit)
    # Each slot is the next power of two, and the longest bar is whole.
    assert list(found) == [0] + [1 << bit for bit in range(1, len(found))]
    most = max(found.values())
    bars = [line.count("*") for line in lines[3:-1]]
    assert bars == [count * 40 // most for count in found.values()] and max(bars) == 40


@pytest.mark.parametrize("flags, heading", [("-D", "{}"), ("-F", "Idle-Sync-Write")],
                         ids=["disks", "flags"])
def test_each_kind_has_a_histogram_under_its_heading(loop, flags, heading):
    found = drawn(written(loop, flags)[0])
    assert set(found) == {heading.format(loop.name)}
    told(sum(found[heading.format(loop.name)].values()))


def test_without_d_every_disk_is_there(loop):
    tool = OnHost("biolatency", "-D")
    write(loop)
    found = drawn(tool.end())
    told(sum(found.get(loop.name, {}).values()))


FINE = re.compile(r"^ *(\d+\.\d{3}) -> (\d+\.\d{3}) *: (\d+) +\|[* ]{40}\|$")


def test_exponential_draws_eight_buckets_in_each_power_of_two(loop):
    text, slowest = written(loop, "--exponential")
    lines = text.splitlines()
    assert lines[2] == "          usecs                  : count    distribution"
    found = [(float(row[1]), float(row[2]), int(row[3]))
             for line in lines[3:-1] if (row := FINE.match(line))]
    assert len(found) == len(lines) - 4
    told(sum(count for *_, count in found))
    for (low, high, _), (following, *_) in zip(found, found[1:] + [(found[-1][1],)]):
        assert high / low == pytest.approx(2 ** (1 / 8), rel=1e-4) and high == following
    assert found[0][2] and found[-1][2]
    below([low for low, _, count in found if count], slowest, 1e-6)


def test_as_json_an_interval_is_an_object(loop):
    tool = OnHost("biolatency", "-d", loop.name, "--json", 1, ready=False)
    # It is attached once an interval has passed.
    eventually(lambda: tool.text, 15)
    write(loop)
    found = objects(tool.end())
    told(sum(item["count"] for item in found))
    for item in found:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", item["time"])
        assert item["unit"] == "usecs"
        assert sum(slot["count"] for slot in item["histogram"]) == item["count"]
        assert all(slot["high"] == max(1, 2 * slot["low"] - 1) for slot in item["histogram"])


def test_exponential_as_json_has_the_buckets_of_otlp(loop):
    tool = OnHost("biolatency", "-d", loop.name, "-D", "--exponential", "--json", 1, ready=False)
    eventually(lambda: tool.text, 15)
    slowest = write(loop)
    found = [item for item in objects(tool.end()) if item["count"]]
    told(sum(item["count"] for item in found))
    for item in found:
        assert item["disk"] == loop.name and item["unit"] == "s" and item["scale"] == 3
        assert item["zero_count"] + sum(item["buckets"]) + item["above_count"] == item["count"]
        last = max(index for index, count in enumerate(item["buckets"]) if count)
        assert 2 ** ((item["offset"] + last) / 8) <= slowest


def test_intervals_add_up_and_have_the_time_above_them(loop):
    tool = OnHost("biolatency", "-T", "-d", loop.name, 1, 3, environment={"TZ": "UTC"})
    first = time.time()
    write(loop)
    text = tool.wait(15)
    last = time.time()
    shown = re.findall(r"^\d\d:\d\d:\d\d$", text, re.MULTILINE)
    seconds = range(int(first), int(last) + 1)
    assert len(shown) == 3
    assert set(shown) <= {time.strftime("%H:%M:%S", time.gmtime(second)) for second in seconds}
    assert text.count("distribution") in (1, 2, 3)
    total = Counter()
    for part in text.split("distribution\n")[1:]:
        total.update(slots(part.split("\n\n")[0]))
    told(total.total())


@pytest.mark.parametrize("flag, heading", [("-P", "pid"), ("-L", "tid")])
def test_runqlat_tells_apart_whose_wait_it_was(workloads, flag, heading):
    tool = OnHost("runqlat", flag)
    *spinners, _ = workloads.spinners(0, 2, 1)
    text = tool.end()
    for truth in spinners:
        [part] = [part for part in re.split(r"^(?=[pt]id = )", text, flags=re.MULTILINE)
                  if part.startswith(f"{heading} = {truth['pid']} spinners")]
        found = slots(part)
        assert sum(found.values()) == pytest.approx(truth["slices"], rel=0.1, abs=3)
        # Each wait lies in its slot, so the kernel's sum of them lies between the slots' edges.
        waited_us = truth["waited_ns"] / 1e3
        assert sum(low * count for low, count in found.items()) < 1.1 * waited_us
        assert sum(max(2, 2 * low) * count for low, count in found.items()) > 0.9 * waited_us


def test_runqlat_tells_pid_namespaces_apart(workloads):
    tool = OnHost("runqlat", "--pidnss")
    workloads.spinners(0, 2, 1)
    heading = f"pidns = {os.stat('/proc/self/ns/pid').st_ino} "
    [part] = [part for part in re.split(r"^(?=pidns = )", tool.end(), flags=re.MULTILINE)
              if part.startswith(heading)]
    assert sum(slots(part).values()) > 20


@pytest.mark.parametrize("name", HISTOGRAMS)
def test_an_interval_without_an_option_ends_at_ctrl_c(name):
    """Once an hour; Ctrl-C prints what there is of the interval, and is a success."""
    tool = OnHost(name, "-m", 3600, 1)
    text = tool.end()
    assert text.endswith("\n\n") and text.startswith("Tracing")
    if name == "runqlat":
        assert sum(slots(text).values()) > 0
