# SPDX-License-Identifier: Apache-2.0
"""/healthz and the doctor tell of a thread that hangs."""
import contextlib
import ctypes
import os
import pathlib
import re
import time
import urllib.error

from agent import Agent, run
from waiting import eventually

SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def trace(request, thread):
    assert LIBC.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def hung(agent, name):
    """One thread of the agent's does not move, while the others do."""
    [thread] = [int(task.name) for task in pathlib.Path(f"/proc/{agent.pid}/task").iterdir()
                if (task / "comm").read_text() == f"{name}\n"]
    trace(SEIZE, thread)
    trace(INTERRUPT, thread)
    assert os.waitpid(thread, WALL)[0] == thread
    try:
        yield
    finally:
        # Else it could not end, nor the process with it.
        trace(DETACH, thread)


def health(agent):
    try:
        return agent.get("/healthz").read().decode()
    except urllib.error.HTTPError as answer:
        assert answer.code == 503
        return answer.read().decode()


def test_an_export_thread_that_hangs_is_told_of(tmp_path, figures):
    with Agent(tmp_path) as agent:
        with hung(agent, "export"):
            began = time.monotonic()
            assert health(agent) == "ok\n"
            eventually(lambda: "thread export has not moved for " in health(agent), 20)
            figures(f"told after {time.monotonic() - began:.1f} s")
            doctor = run("doctor")
            assert doctor.returncode == 1
            assert re.search(
                r"error +health +thread export has not moved for \d+ s\n", doctor.stdout)
        eventually(lambda: health(agent) == "ok\n", 5)
