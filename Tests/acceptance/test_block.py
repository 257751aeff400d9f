# SPDX-License-Identifier: Apache-2.0
"""Block requests on loop devices: exact counts and bytes, and whose time it was.

The truths are fio's own account of what it asked for, the kernel's /sys/block/*/stat of what became
of it, and the limits of a throttle and of a queue's depth.
"""
import dataclasses
import errno
import mmap
import os
import re
import statistics
from collections import Counter

import pytest

from agent import APUS, Agent
from blockdevice import MIB, BlockCgroup, LoopDevice, fio, number_of
from missed import Missed
from test_counterparts import (RUNS, TOOLS, distance, ended, nothing_goes_on_running, pair,
                               slots)
from waiting import eventually, settled

__all__ = ["nothing_goes_on_running"]  # A fixture, used by being here.

DEVICE = "apus_disk_io_latency_seconds"
QUEUE = "apus_disk_io_queue_latency_seconds"
BYTES = "apus_disk_io_bytes_total"
SECTOR = 512
# Offsets are multiples of twice the size, so that no two requests can be merged.
APART = {"bs": "4k", "ba": "8k", "size": "64m"}


@dataclasses.dataclass(frozen=True)
class Tally:
    """Of one operation on one device."""

    count: int = 0
    bytes: int = 0
    queued: int = 0
    device_seconds: float = 0.0
    queue_seconds: float = 0.0

    def __sub__(self, before):
        return Tally(*(mine - theirs for mine, theirs in
                       zip(dataclasses.astuple(self), dataclasses.astuple(before))))

    @property
    def moved(self):
        return self.count, self.bytes


class Watch:
    """What an agent says of one device since the watch began."""

    def __init__(self, agent, device):
        self.agent = agent
        self.device = device
        self.before = {}
        self.before = settled(self.tallies, 0.5)
        self.account_before = device.account()

    def of(self, name, **wanted):
        """{operation: sum of the samples of this device that have the labels `wanted`}."""
        found = Counter()
        for labels, value in self.agent.samples(name):
            if (labels["system_device"].rsplit("/")[-1] == self.device.name
                    and wanted.items() <= labels.items()):
                found[labels["apus_disk_io_operation"]] += value
        return found

    def tallies(self, **wanted):
        columns = [self.of(name, **wanted) for name in
                   (DEVICE + "_count", BYTES, QUEUE + "_count", DEVICE + "_sum", QUEUE + "_sum")]
        every = {operation: Tally(*(column[operation] for column in columns))
                 for operation in set().union(*columns)}
        return {operation: tally - self.before.get(operation, Tally())
                for operation, tally in every.items()}

    def most_of(self, operation, count):
        """The tally of that many, of which a few may have been missed: other tests count all."""
        tally = settled(self.tallies, 0.5)[operation]
        assert 0.99 * count <= tally.count <= count
        return tally

    def account(self):
        """The kernel's own, of the same time."""
        return self.device.account() - self.account_before

    def expect(self, **moved):
        """Each operation has exactly this (count, bytes), all others nothing; the tallies."""
        def told():
            return {operation: tally.moved for operation, tally in self.tallies().items()
                    if tally.count}

        try:
            eventually(lambda: told() == moved, 10, lambda: f"{told()}, not {moved}")
        except AssertionError as failure:
            if sum(count for count, _ in told().values()) < sum(
                    count for count, _ in moved.values()):
                raise Missed(str(failure)) from None
            raise
        assert settled(told, 0.5) == moved
        return self.tallies()


@pytest.fixture(scope="module", params=["modern", "compatible"])
def agent(request, tmp_path_factory):
    settings = {"biolatency.enabled": True, "hooks": request.param, "metrics.interval": "200ms"}
    with Agent(tmp_path_factory.mktemp("agent"), settings) as made:
        yield made


@pytest.fixture(params=["none", "mq-deadline"])
def loop(request, tmp_path):
    with LoopDevice(tmp_path, request.param) as made:
        made.scheduler = request.param
        yield made


@pytest.fixture
def block_cgroup():
    with BlockCgroup() as made:
        yield made


@pytest.mark.parametrize("depth", [1, 16])
def test_reads_and_writes_are_those_that_fio_made(agent, loop, depth):
    watch = Watch(agent, loop)
    job = fio(loop, rw="randrw", number_ios=460, iodepth=depth, bs="4k-32k", ba="64k",
              size="64m", norandommap=1)
    read, write = job["read"], job["write"]
    assert read["total_ios"] + write["total_ios"] == 460
    tallies = watch.expect(read=(read["total_ios"], read["io_bytes"]),
                           write=(write["total_ios"], write["io_bytes"]))
    account = watch.account()
    assert (account.reads, account.read_sectors * SECTOR) == tallies["read"].moved
    assert (account.writes, account.write_sectors * SECTOR) == tallies["write"].moved
    # Without a scheduler nothing waits in one: that time is absent, not 0.
    for tally in tallies.values():
        assert tally.queued == (0 if loop.scheduler == "none" else tally.count)


def test_flushes_are_those_that_reached_the_device(agent, loop):
    """The kernel completes an empty request for each fsync, and issues one of its own instead."""
    watch = Watch(agent, loop)
    job = fio(loop, rw="randwrite", number_ios=230, fsync=10, **APART)
    syncs = job["sync"]["total_ios"]
    assert syncs >= 22
    tallies = watch.expect(write=(230, 230 * 4096), flush=(syncs, 0))
    assert watch.account().flushes == syncs
    # No scheduler is asked about a flush.
    assert tallies["flush"].queued == 0


def test_a_write_that_must_last_is_one_write_and_one_flush(agent, loop):
    """The device knows no FUA, so a flush follows, after which the write completes again."""
    watch = Watch(agent, loop)
    fio(loop, rw="randwrite", number_ios=230, sync="dsync", **APART)
    watch.expect(write=(230, 230 * 4096), flush=(230, 0))
    assert watch.account().flushes == 230


def test_discards_are_counted_with_their_bytes(agent, loop):
    watch = Watch(agent, loop)
    job = fio(loop, rw="randtrim", number_ios=230, bs="64k", ba="128k", size="64m",
              ioengine="psync")
    assert job["trim"]["total_ios"] == 230
    watch.expect(discard=(230, 230 * 65536))
    account = watch.account()
    assert (account.discards, account.discard_sectors * SECTOR) == (230, 230 * 65536)


def test_what_was_merged_is_one_request(agent, loop):
    watch = Watch(agent, loop)
    fio(loop, rw="write", number_ios=4096, bs="4k", size="64m", iodepth=64, iodepth_batch=64)
    account = watch.account()
    assert account.writes_merged > 0 and account.writes + account.writes_merged == 4096
    watch.expect(write=(account.writes, 4096 * 4096))


def test_a_request_completed_in_parts_is_one(agent, loop):
    """The file below ends within a read: the device gives the first half, and then an error."""
    watch = Watch(agent, loop)
    os.truncate(loop.backing, 32 * MIB + 8192)
    file = os.open(loop.path, os.O_RDONLY | os.O_DIRECT)
    try:
        with pytest.raises(OSError) as failure:
            os.preadv(file, [mmap.mmap(-1, 16384)], 32 * MIB)
    finally:
        os.close(file)
    assert failure.value.errno == errno.EIO
    # What failed was not moved. The rest went back to a queue, without a scheduler, too.
    tallies = watch.expect(read=(1, 8192))
    assert tallies["read"].queued == 1


@pytest.fixture
def disk_below(tmp_path):
    """Its number; on what has no requests of its own nothing can be throttled."""
    number = number_of(tmp_path)
    if not number:
        pytest.skip("the temporary directory is not on a disk")
    return number


def test_a_slow_disk_is_the_device_s_time(agent, loop, block_cgroup, disk_below, figures):
    block_cgroup.limit_reads(disk_below, 50)
    watch = Watch(agent, loop)
    job = fio(loop, block_cgroup, rw="randread", number_ios=46, **APART)
    read = watch.expect(read=(46, 46 * 4096))["read"]
    account = watch.account()
    figures(f"device {read.device_seconds:.3f} s, queue {read.queue_seconds:.6f} s, "
            f"kernel {account.read_ms} ms, fio {job['read']['clat_ns']['mean'] * 46 / 1e9:.3f} s")
    # 50 a second are 20 ms for each but those of the first slice of the throttle's time.
    assert read.device_seconds > 46 * 0.010
    assert read.device_seconds == pytest.approx(job["read"]["clat_ns"]["mean"] * 46 / 1e9, rel=0.05)
    assert read.device_seconds + read.queue_seconds == pytest.approx(account.read_ms / 1e3,
                                                                     rel=0.02)
    assert read.queue_seconds < 0.05 * read.device_seconds


def test_a_throttle_before_the_device_is_neither_s_time(agent, loop, block_cgroup, figures):
    """It holds bios back, which are no requests yet; the kernel's account leaves it out, too."""
    block_cgroup.limit_reads(loop.number, 50)
    watch = Watch(agent, loop)
    job = fio(loop, block_cgroup, rw="randread", number_ios=46, **APART)
    read = watch.expect(read=(46, 46 * 4096))["read"]
    waited = job["read"]["clat_ns"]["mean"] * 46 / 1e9
    figures(f"device {read.device_seconds:.3f} s, fio {waited:.3f} s")
    assert waited > 46 * 0.010
    assert read.device_seconds + read.queue_seconds < 0.2 * waited


def test_what_the_driver_has_no_room_for_waits_in_the_queue(agent, loop, block_cgroup, disk_below,
                                                            figures):
    """A loop device takes 128 requests. With a scheduler 128 more are made, and wait."""
    driver = int((loop.system / "mq/0/nr_tags").read_text())
    requests = int((loop.system / "queue/nr_requests").read_text())
    assert driver < requests or loop.scheduler == "none"
    block_cgroup.limit_reads(disk_below, 500)
    watch = Watch(agent, loop)
    job = fio(loop, block_cgroup, rw="randread", number_ios=1500, iodepth=2 * requests,
              **APART)["read"]
    read = watch.most_of("read", 1500)
    account = watch.account()
    seconds = job["runtime"] / 1e3
    figures(f"in flight {read.device_seconds / seconds:.1f} of {driver}, queued "
            f"{read.queue_seconds / seconds:.1f} of {requests - driver}; sum "
            f"{read.device_seconds + read.queue_seconds:.3f} s, kernel {account.read_ms} ms")
    # Seconds of a kind per second are how many there were on average: full but at both ends.
    assert 0.85 * driver < read.device_seconds / seconds <= 1.001 * driver
    if loop.scheduler == "none":
        assert read.queued == 0
    else:
        waiting = requests - driver
        assert read.queued == read.count
        assert 0.7 * waiting < read.queue_seconds / seconds <= 1.001 * waiting
    assert read.device_seconds + read.queue_seconds == pytest.approx(account.read_ms / 1e3,
                                                                     rel=0.02)


def test_requests_belong_to_the_cgroup_that_made_them(agent, loop, block_cgroup):
    watch = Watch(agent, loop)
    fio(loop, block_cgroup, rw="randread", number_ios=230, **APART)
    fio(loop, rw="randread", number_ios=23, **APART)
    watch.expect(read=(253, 253 * 4096))
    theirs = watch.of(DEVICE + "_count", process_linux_cgroup=f"/{block_cgroup.name}")
    assert theirs["read"] == 230


def drawn(text):
    """{heading: {lower edge: count}} of histograms under headings such as "flags = Sync-Read"."""
    found = {}
    for part in re.split(r"^(?=(?:disk|flags) = )", text, flags=re.MULTILINE)[1:]:
        heading, _, rows = part.partition("\n")
        found[heading.split("=")[1].strip()] = slots(rows)
    return found


def commands(*flags):
    return (("ours", (r"Tracing|Ctrl-C", APUS, "biolatency", *flags)),
            ("theirs", (r"Ctrl-C", f"{TOOLS}/biolatency", *flags)))


@pytest.mark.parametrize("flags", [[], ["-Q"]], ids=["device", "whole"])
def test_biolatency_agrees_with_libbpf_tools(loop, tmp_path, figures, flags):
    rows, ones, others = [], Counter(), Counter()
    ours, theirs = commands("-d", loop.name, *flags)
    for number in range(RUNS):
        tools = pair(tmp_path, *((theirs, ours) if number % 2 else (ours, theirs)))
        job = fio(loop, rw="randrw", number_ios=12000, iodepth=16, **APART)
        made = job["read"]["total_ios"] + job["write"]["total_ios"]
        texts = ended(tools)
        one, other = slots(texts["ours"]), slots(texts["theirs"])
        ones.update(one)
        others.update(other)
        rows.append((made, sum(one.values()), sum(other.values()), distance(one, other)))
        figures("fio {}, ours {}, theirs {}, Kolmogorov distance {:.4f}".format(*rows[-1]))
    for made, mine, other, _ in rows:
        assert made > 10_000
        assert mine == pytest.approx(made, rel=0.02) and mine == pytest.approx(other, rel=0.02)
    figures(f"all runs together: Kolmogorov distance {distance(ones, others):.4f}")
    assert distance(ones, others) <= 0.03
    assert statistics.median(apart for *_, apart in rows) <= 0.03


@pytest.mark.parametrize("flag", ["-F", "-D"])
def test_biolatency_tells_apart_what_libbpf_tools_do(loop, tmp_path, figures, flag):
    tools = pair(tmp_path, *commands("-d", loop.name, flag))
    fio(loop, rw="randrw", number_ios=230, fsync=10, **APART)
    fio(loop, rw="randwrite", number_ios=230, sync="dsync", **APART)
    fio(loop, rw="randread", number_ios=230, direct=0, ioengine="psync", invalidate=1, **APART)
    texts = {name: drawn(text) for name, text in ended(tools).items()}
    counts = {name: {heading: sum(rows.values()) for heading, rows in text.items()}
              for name, text in texts.items()}
    figures(str(counts["ours"]))
    assert counts["ours"] == counts["theirs"]
    assert len(counts["ours"]) >= (3 if flag == "-F" else 1)
