# SPDX-License-Identifier: Apache-2.0
"""Block devices of the tests' own: loop devices on files, their loads, cgroups that are throttled.

A loop device works its requests off through the file system below it, and charges them there to
the cgroup that made them: a throttle on the disk below makes the loop device slow, while one on
the loop device itself holds bios back before there is a request.
"""
import dataclasses
import json
import os
import pathlib
import subprocess
import uuid

from waiting import eventually, settled
from workloads import cgroup_root

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Account:
    """/sys/block/*/stat: requests completed, what was merged into them, sectors and time."""

    reads: int
    reads_merged: int
    read_sectors: int
    read_ms: int
    writes: int
    writes_merged: int
    write_sectors: int
    write_ms: int
    in_flight: int
    busy_ms: int
    all_ms: int
    discards: int
    discards_merged: int
    discard_sectors: int
    discard_ms: int
    flushes: int
    flush_ms: int

    def __sub__(self, before):
        return Account(*(mine - theirs for mine, theirs in
                         zip(dataclasses.astuple(self), dataclasses.astuple(before))))


def number_of(path):
    """(major, minor) of the disk that a file lies on, without its partition; None of no disk."""
    device = os.stat(path).st_dev
    where = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not where.exists():
        return None
    where = where.resolve()
    if (where / "partition").exists():
        where = where.parent
    # What is made of bios has no requests and no queue to make wait.
    if not (where / "mq").exists():
        return None
    return tuple(map(int, (where / "dev").read_text().split(":")))


class LoopDevice:
    """A loop device on a file of its own, gone with it at the end."""

    def __init__(self, directory, scheduler="none", size=64 * MIB, direct=True):
        self.backing = pathlib.Path(directory) / f"loop-{uuid.uuid4().hex[:12]}"
        # Written, not sparse: a write that first has to allocate is another latency.
        with open(self.backing, "wb") as file:
            for _ in range(size // MIB):
                file.write(b"\0" * MIB)
            os.fsync(file.fileno())
        self.path = pathlib.Path(subprocess.run(
            ["losetup", "--find", "--show", f"--direct-io={'on' if direct else 'off'}",
             self.backing], check=True, capture_output=True, text=True).stdout.strip())
        try:
            self.set_queue("scheduler", scheduler)
            # Whoever looks at new devices has looked.
            settled(self.account, 0.3)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    @property
    def name(self):
        return self.path.name

    @property
    def number(self):
        """(major, minor)."""
        device = os.stat(self.path).st_rdev
        return os.major(device), os.minor(device)

    @property
    def system(self):
        return pathlib.Path("/sys/block") / self.name

    def set_queue(self, name, value):
        (self.system / "queue" / name).write_text(str(value))

    def account(self):
        return Account(*map(int, (self.system / "stat").read_text().split()))

    def close(self):
        subprocess.run(["losetup", "--detach", self.path], check=False)
        # The last reference may be a moment away.
        eventually(lambda: not (self.system / "loop/backing_file").exists(), 10)
        self.backing.unlink(missing_ok=True)


class BlockCgroup:
    """A cgroup of the hierarchy that has the block controller, removed at the end."""

    def __init__(self):
        self.name = f"apus-{uuid.uuid4().hex[:12]}"
        self.legacy = pathlib.Path("/sys/fs/cgroup/blkio/blkio.throttle.read_iops_device").exists()
        root = pathlib.Path("/sys/fs/cgroup/blkio") if self.legacy else cgroup_root()
        if not self.legacy:
            (root / "cgroup.subtree_control").write_text("+io")
        self.path = root / self.name
        self.path.mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.remove()

    def join(self):
        """Moves the calling process there."""
        (self.path / "cgroup.procs").write_text("0")

    def limit_reads(self, number, per_second):
        device = "{}:{}".format(*number)
        if self.legacy:
            (self.path / "blkio.throttle.read_iops_device").write_text(f"{device} {per_second}")
        else:
            (self.path / "io.max").write_text(f"{device} riops={per_second}")

    def remove(self):
        def gone():
            try:
                self.path.rmdir()
                return True
            except OSError:
                return False

        eventually(gone, 10)


def fio(device, cgroup=None, **options):
    """Runs one job of direct I/O to its end; fio's own account of it."""
    settings = {"direct": 1, "ioengine": "libaio", "randseed": 23, "rw": "randread", "bs": "4k",
                **options}
    done = subprocess.run(
        ["fio", "--output-format=json", "--name=job", "--filename", device.path,
         *(f"--{name}={value}" for name, value in settings.items())],
        capture_output=True, text=True, timeout=120, preexec_fn=cgroup.join if cgroup else None)
    assert done.returncode == 0, done.stderr + done.stdout
    [job] = json.loads(done.stdout[done.stdout.index("{"):])["jobs"]
    assert job["error"] == 0
    return job
