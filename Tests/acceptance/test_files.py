# SPDX-License-Identifier: Apache-2.0
"""Files of OTLP lines: their bound, a full disk, and one signal in each."""
import json
import os
import subprocess
import threading

import pytest

from agent import Agent
from decoded import events_of, logs_from_file, metrics_from_file
from waiting import eventually

EXEC = "apus.process.exec"
KIB = 1024
FAST = {"export.schedule_delay": "20ms", "buffers.wake_latency": "10ms",
        "export.batch_bytes": "4KiB"}


class DiskUse:
    """The most bytes of a file system that were ever in use, looked at all the time."""

    def __init__(self, directory):
        self.directory, self.most, self._stopped = directory, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stopped.set()
        self._thread.join()

    def _watch(self):
        while not self._stopped.is_set():
            # One call, so no file is seen twice that is renamed meanwhile.
            status = os.statvfs(self.directory)
            self.most = max(self.most, (status.f_blocks - status.f_bfree) * status.f_frsize)


def whole_lines(path):
    """The lines of a file, each of which must be whole."""
    text = path.read_text()
    assert text == "" or text.endswith("\n"), f"{path.name} ends within a line"
    return [json.loads(line) and line for line in text.splitlines()]


@pytest.fixture(params=["256k"])
def small_disk(request, tmp_path):
    directory = tmp_path / "small"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={request.param}", "apus-test", directory],
                   check=True)
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def balanced(agent, wanted):
    ledger = agent.ledger(EXEC)
    return ledger.produced >= wanted and ledger.rest == 0


@pytest.mark.parametrize("small_disk", ["16m"], indirect=True)
def test_files_stay_within_their_bound_and_no_line_is_torn(workloads, small_disk, tmp_path):
    path, program = small_disk / "apus.jsonl", workloads.marked()
    with Agent(tmp_path, {**FAST, "file.max_bytes": "256KiB", "file.max_files": 2,
                          "exec.args": "full", "metrics.interval": "1h"},
               arguments=["--otlp-file", path]) as agent, DiskUse(small_disk) as use:
        workloads.storm(program, 1500, rate=3000)
        eventually(lambda: balanced(agent, 1500), 20, lambda: str(agent.ledger(EXEC)))
    files = [path.with_name(path.name + end) for end in (".2", ".1", "")]
    assert {file.name for file in small_disk.iterdir()} == {file.name for file in files}
    lines = [whole_lines(file) for file in files]
    longest = max(len(line.encode()) + 1 for each in lines for line in each)
    # Each file takes whole pages.
    assert 2 * 256 * KIB < use.most <= 3 * (256 + 4) * KIB + longest
    for file, each in zip(files, lines):
        assert file.stat().st_size <= 256 * KIB or len(each) == 1
    # The youngest executions are there, without a gap up to the last.
    kept = [int(event["process.command_args"][1].removeprefix("index="))
            for event in events_of(logs_from_file("\n".join(sum(lines, []))), EXEC)
            if event.get("process.executable.path") == str(program)]
    assert sorted(kept) == list(range(min(kept), 1500)) and len(kept) > 20


def test_a_full_disk_loses_records_and_neither_counts_nor_lines(workloads, small_disk, tmp_path):
    path, failed = small_disk / "apus.jsonl", ("file", "export", "write_failed")
    with Agent(tmp_path, FAST, arguments=["--otlp-file", path]) as agent:
        workloads.storm(workloads.marked(), 400)
        eventually(lambda: balanced(agent, 400), 20, lambda: str(agent.ledger(EXEC)))
        lost = agent.ledger(EXEC).dropped[failed]
        assert lost > 0
        whole_lines(path)
        # Somebody makes room.
        os.truncate(path, 0)
        after = workloads.marked()
        workloads.storm(after, 5)
        eventually(lambda: balanced(agent, 405), 20, lambda: str(agent.ledger(EXEC)))
        assert agent.ledger(EXEC).dropped[failed] == lost
        found = [event for event in events_of(logs_from_file("\n".join(whole_lines(path))), EXEC)
                 if event.get("process.executable.path") == str(after)]
        assert len(found) == 5
        assert "ENOSPC" in agent.log


def test_a_full_disk_behind_standard_output_is_counted_too(workloads, small_disk, tmp_path):
    with open(small_disk / "out", "ab") as output:
        with Agent(tmp_path, {**FAST, "export.logs.exporter": "console"}, stdout=output) as agent:
            workloads.storm(workloads.marked(), 400)
            eventually(lambda: balanced(agent, 400), 20, lambda: str(agent.ledger(EXEC)))
            assert agent.ledger(EXEC).dropped[("file", "export", "write_failed")] > 0


def test_when_nobody_reads_standard_output_any_more_the_agent_ends(workloads, tmp_path):
    reader, writer = os.pipe()
    with Agent(tmp_path, {**FAST, "file.path": "-"}, stdout=writer) as agent:
        os.close(writer)
        workloads.storm(workloads.marked(), 3)
        assert os.read(reader, 1) == b"{"
        os.close(reader)
        workloads.storm(workloads.marked(), 3)
        assert agent.process.wait(timeout=10) == 1
        assert "standard output was closed" in agent.log and "msg=stopped" in agent.log


def test_each_signal_has_a_file_where_the_path_says_so(workloads, tmp_path):
    logs, metrics = tmp_path / "apus-logs.jsonl", tmp_path / "apus-metrics.jsonl"
    with Agent(tmp_path, {**FAST, "metrics.interval": "300ms",
                          "file.path": str(tmp_path / "apus-{signal}.jsonl")}) as agent:
        workloads.storm(workloads.marked(), 3)
        eventually(lambda: logs.exists() and EXEC in logs.read_text()
                   and metrics.exists() and metrics.read_text(), 10, lambda: agent.log)
    assert len(logs_from_file(logs.read_text())) == len(whole_lines(logs))
    assert len(metrics_from_file(metrics.read_text())) == len(whole_lines(metrics))
