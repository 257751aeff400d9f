# SPDX-License-Identifier: Apache-2.0
"""The C programs of Tests/workloads, run under names that nothing else on the machine has."""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / ".build/workloads"
EMPTY = {}


@dataclasses.dataclass(frozen=True)
class Child:
    """One process as its parent saw it end."""

    pid: int
    status: int

    @property
    def code(self):
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None

    @property
    def signal(self):
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


class Workloads:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def marked(self, program="leaf"):
        """A copy of a program with a name of its own, at most 15 bytes so that comm holds it."""
        path = self.directory / f"m{uuid.uuid4().hex[:12]}"
        shutil.copy(BUILT / program, path)
        return path

    def storm(self, program, count, rate=0, cgroup=None):
        """Executes `program` `count` times; the generator's own account."""
        process = self.start_storm(program, count, rate, cgroup)
        return json.loads(process.communicate(timeout=300)[0])

    def start_storm(self, program, count, rate=0, cgroup=None):
        """In a cgroup, the storm's own execution counts there too."""
        return subprocess.Popen([BUILT / "storm", program, str(count), str(rate)], env=EMPTY,
                                stdout=subprocess.PIPE, text=True,
                                preexec_fn=cgroup.join if cgroup else None)

    def case(self, name, program, *arguments, count=23):
        """(pid of the parent, [Child]) of `count` executions in the way that `name` says."""
        process = subprocess.Popen(
            [BUILT / "cases", name, str(count), program, *arguments], env=EMPTY,
            cwd=self.directory, stdout=subprocess.PIPE, text=True)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        children = [Child(*map(int, line.split())) for line in output.splitlines()]
        assert len(children) == count
        return process.pid, children

    def spinners(self, cpu, count, seconds, procs=None):
        """What the kernel's schedstat says of processes that spin on one CPU."""
        arguments = [str(cpu), str(count), str(seconds)] + ([str(procs)] if procs else [])
        done = subprocess.run([BUILT / "spinners", *arguments], env=EMPTY, capture_output=True,
                              text=True, check=True, timeout=seconds + 30)
        return json.loads(done.stdout)


def cgroup_root():
    """Where the default hierarchy is mounted: alone, or beside the old controllers."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(where)
    raise AssertionError("no cgroup2 is mounted")


class Cgroup:
    """A cgroup of its own in the default hierarchy, removed at the end."""

    def __init__(self):
        self.name = f"apus-{uuid.uuid4().hex[:12]}"
        self.path = cgroup_root() / self.name
        self.path.mkdir()

    @property
    def procs(self):
        return self.path / "cgroup.procs"

    def join(self):
        """Moves the calling process there."""
        self.procs.write_text("0")

    def remove(self):
        from waiting import eventually

        def gone():
            try:
                self.path.rmdir()
                return True
            except OSError:
                return False

        # The last task may still be on its way out.
        eventually(gone, 5)
