# SPDX-License-Identifier: Apache-2.0
"""Twenty-three executions are twenty-three records of each kind, right in every field.

The truth is what the parent saw: pids and wait statuses, printed by Tests/workloads/cases.c.
"""
import datetime
import os
import platform
import signal
import subprocess
import time

import pytest

from agent import Agent
from decoded import events_of
from receiver import Receiver
from waiting import eventually

COUNT = 23


class Watched:
    """An agent with full arguments and its receiver, for all tests of this file."""

    def __init__(self, directory):
        self.receiver = Receiver()
        self.agent = Agent(directory, {
            "exec.args": "full", "export.endpoint": self.receiver.http_endpoint,
            "export.schedule_delay": "50ms", "buffers.wake_latency": "10ms"})
        self.begin()

    def begin(self):
        """Only what arrives from now on counts, because pids are used again."""
        self.first = len(self.receiver.requests)
        self.began_ns = time.time_ns()

    def events(self, name):
        messages = [request.message for request in self.receiver.requests[self.first:]
                    if request.signal == "logs"]
        return [event for event in events_of(messages, name)
                if event.record.time_unix_nano >= self.began_ns]

    def of(self, name, pids):
        return [event for event in self.events(name) if event["process.pid"] in pids]

    def records_of(self, children, execs=1):
        """({pid: [exec]}, {pid: exit}) once each child has both; more than one exit fails."""
        pids = {child.pid for child in children}
        eventually(lambda: len(self.of("apus.process.exit", pids)) >= len(pids), 10,
                   lambda: self.describe(pids))
        # What would come too often comes within a batch of the rest.
        time.sleep(0.2)
        executions, exits = {}, {}
        for event in self.of("apus.process.exec", pids):
            executions.setdefault(event["process.pid"], []).append(event)
        for event in self.of("apus.process.exit", pids):
            assert event["process.pid"] not in exits, f"{event['process.pid']} exited twice"
            exits[event["process.pid"]] = event
        assert set(executions) == pids and set(exits) == pids, self.describe(pids)
        assert {len(found) for found in executions.values()} == {execs}, self.describe(pids)
        return executions, exits

    def describe(self, pids):
        return (f"{len(self.of('apus.process.exec', pids))} execs and "
                f"{len(self.of('apus.process.exit', pids))} exits of {len(pids)} processes; "
                f"{self.agent.log[-2000:]}")

    def close(self):
        self.agent.stop()
        self.receiver.close()
        assert self.receiver.errors == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    made = Watched(tmp_path_factory.mktemp("process"))
    yield made
    made.close()


@pytest.fixture
def watched(shared):
    shared.begin()
    return shared


def check_exits(children, exits):
    for child in children:
        found = exits[child.pid]
        if child.signal is None:
            assert found["process.exit.code"] == child.code
            assert "apus.process.exit.signal" not in found.attributes
        else:
            assert found["apus.process.exit.signal"] == signal.Signals(child.signal).name
            assert found.get("process.exit.code", 0) == 0


def check(watched, parent, children, path, arguments, invoked, name=None):
    """Each exec and exit of `children`; `arguments` is a function of the child's number."""
    executions, exits = watched.records_of(children)
    for number, child in enumerate(children):
        [event] = executions[child.pid]
        where = path(child) if callable(path) else path
        assert event["process.executable.path"] == str(where)
        assert event["process.executable.name"] == (name or os.path.basename(str(where)))
        assert event["process.command_args"] == [str(item) for item in arguments(number)]
        assert event["process.command"] == str(arguments(number)[0])
        assert event["process.args_count"] == len(arguments(number))
        assert event["apus.process.invoked_name"] == str(
            invoked(child) if callable(invoked) else invoked)
        assert event["process.parent_pid"] == parent
        assert "error.type" not in event.attributes
    check_exits(children, exits)
    return executions, exits


def test_an_executable_named_by_its_absolute_path(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("plain", program, "first", "zweites ü", "")
    # Exit codes count up from 0, so all twenty-three differ.
    assert [child.code for child in children] == list(range(COUNT))
    check(watched, parent, children, program,
          lambda number: [program, "first", "zweites ü", "", number], program)


def test_a_relative_path_is_recorded_absolute(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("relative", program, "x")
    check(watched, parent, children, program, lambda number: [program, "x", number],
          f"./{program.name}")


def test_a_symbolic_link_is_recorded_as_what_it_points_to(watched, workloads):
    program = workloads.marked()
    link = program.with_name(program.name + "l")
    link.symlink_to(program)
    parent, children = workloads.case("plain", link)
    check(watched, parent, children, program, lambda number: [link, number], link)


def test_a_script_is_recorded_with_its_interpreter(watched, workloads):
    program = workloads.marked()
    script = program.with_name(program.name + "s")
    script.write_text(f"#!{program} option\n")
    script.chmod(0o755)
    parent, children = workloads.case("plain", script, "x")
    check(watched, parent, children, program,
          lambda number: [program, "option", script, "x", number], script)


def test_a_program_in_memory_has_no_path_of_a_file(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("memfd", program, "x")
    executions, exits = watched.records_of(children)
    for number, child in enumerate(children):
        [event] = executions[child.pid]
        assert "memfd:apus-memory" in event["process.executable.path"]
        assert event["process.command_args"] == [str(program), "x", str(number)]
        assert event["process.parent_pid"] == parent
    check_exits(children, exits)


def test_a_deleted_program_is_recorded_under_its_last_name(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("deleted", program, "x")
    executions, exits = watched.records_of(children)
    for number, child in enumerate(children):
        [event] = executions[child.pid]
        assert event["process.executable.path"].startswith(f"{program}.deleted.{child.pid}")
        assert event["process.command_args"] == [str(program), "x", str(number)]
    check_exits(children, exits)


def test_an_exec_from_a_thread_that_is_not_the_leader_keeps_the_process(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("thread", program, "x")
    executions, _ = check(watched, parent, children, program,
                          lambda number: [program, "x", number], program)
    for child in children:
        # The thread that called exec; it has taken over the leader's number since.
        assert executions[child.pid][0]["apus.process.thread_id"] != child.pid


def test_arguments_in_pages_that_nothing_touched_are_read(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("untouched", program)
    check(watched, parent, children, program,
          lambda number: ["untouched-first", "untouched-second", "0"], program)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="32-bit programs are an x86 matter")
def test_a_32_bit_program(watched, workloads):
    program = workloads.marked("leaf32")
    parent, children = workloads.case("plain", program, "x")
    check(watched, parent, children, program, lambda number: [program, "x", number], program)


def test_a_leader_that_exits_before_its_threads_is_one_exit_at_the_last(watched, workloads):
    program = workloads.marked("leader_first")
    parent, children = workloads.case("plain", program)
    _, exits = check(watched, parent, children, program, lambda number: [program, number], program)
    for child in children:
        # The other thread lives 20 ms longer than the leader.
        assert 0.02 <= exits[child.pid]["apus.process.lifetime"] < 2


def test_arguments_longer_than_a_record_are_cut_and_their_true_length_is_said(watched, workloads):
    program = workloads.marked()
    parent, children = workloads.case("long", program)
    executions, exits = watched.records_of(children)
    length = len(str(program)) + 1 + 2 * 10_000 + len("0") + 1
    for child in children:
        [event] = executions[child.pid]
        assert event["apus.process.args_truncated"] is True
        assert event["apus.process.args_length"] == length
        assert event["process.args_count"] == 4
        arguments = event["process.command_args"]
        assert arguments[0] == str(program)
        assert set(arguments[1]) == {"a"}
        carried = sum(len(argument) + 1 for argument in arguments)
        assert 8192 - 2 <= carried <= 8192 + 1
    check_exits(children, exits)


def failing(workloads, kind):
    path = workloads.marked()
    if kind == "ENOENT":
        path.unlink()
    elif kind == "EACCES":
        path.chmod(0o644)
    else:
        path.write_bytes(b"\x01\x02 not a program")
    return path


@pytest.mark.parametrize("kind", ["ENOENT", "EACCES", "ENOEXEC"])
def test_an_exec_that_fails_is_recorded_with_its_error(watched, workloads, kind):
    path = failing(workloads, kind)
    parent, children = workloads.case("plain", path, "x")
    assert {child.code for child in children} == {127}
    executions, exits = watched.records_of(children)
    for number, child in enumerate(children):
        [event] = executions[child.pid]
        assert event["error.type"] == kind
        assert event["apus.process.invoked_name"] == str(path)
        assert event["process.command_args"] == [str(path), "x", str(number)]
        assert event["process.parent_pid"] == parent
    check_exits(children, exits)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT])
def test_a_process_killed_by_a_signal_is_recorded_with_its_name(watched, workloads, number):
    program = workloads.marked("die")
    # The exit code that the workload appends comes last, so the signal is given as one child's.
    found = [workloads.case("plain", program, count=int(number) + 1)[1][-1] for _ in range(3)]
    assert {child.signal for child in found} == {int(number)}
    _, exits = watched.records_of(found)
    check_exits(found, exits)


def test_identity_of_a_process_matches_what_the_kernel_says(watched, workloads):
    program = workloads.marked()
    before = time.time()
    parent, children = workloads.case("plain", program, count=3)
    after = time.time()
    executions, exits = watched.records_of(children)
    for child in children:
        event = executions[child.pid][0]
        for found in (event, exits[child.pid]):
            assert found["process.user.id"] == 0 and found["process.real_user.id"] == 0
            assert found["process.vpid"] == child.pid
            assert found["apus.process.pid_namespace"] == os.stat("/proc/self/ns/pid").st_ino
            assert found["apus.process.mount_namespace"] == os.stat("/proc/self/ns/mnt").st_ino
        created = event["process.creation.time"]
        assert created == exits[child.pid]["process.creation.time"]
        stamp = datetime.datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()
        assert before - 0.05 <= stamp <= after + 0.05
        assert before - 0.05 <= event.record.time_unix_nano / 1e9 <= after + 0.05
        lifetime = exits[child.pid]["apus.process.lifetime"]
        gone = exits[child.pid].record.time_unix_nano / 1e9
        assert abs(gone - lifetime - stamp) < 0.01


def test_a_process_of_another_user_in_a_pid_namespace(watched, workloads):
    program = workloads.marked()
    os.chmod(workloads.directory, 0o755)
    for directory in (workloads.directory, *workloads.directory.parents):
        if directory.stat().st_mode & 0o005 != 0o005:
            program = program.rename(f"/tmp/{program.name}")
            break
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "setpriv", "--reuid", "1234", "--regid", "2345",
         "--clear-groups", str(program), "inside", "7"], env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 7
    [event] = eventually(lambda: [event for event in watched.events("apus.process.exec")
                                  if event.get("process.executable.path") == str(program)])
    assert event["process.user.id"] == 1234 and event["process.real_user.id"] == 1234
    assert event["process.vpid"] == 1 and event["process.pid"] != 1
    assert event["apus.process.pid_namespace"] != os.stat("/proc/self/ns/pid").st_ino
    assert event["process.command_args"] == [str(program), "inside", "7"]
    os.unlink(program)


def test_a_storm_arrives_complete_and_each_record_has_a_name_of_its_own(watched, workloads):
    program = workloads.marked()
    count = workloads.storm(program, 2003, rate=1500)["executed"]

    def found():
        return [event for event in watched.events("apus.process.exec")
                if event.get("process.executable.path") == str(program)]

    eventually(lambda: len(found()) >= count, 15)
    events = found()
    assert len(events) == count == 2003
    assert len({event["log.record.uid"] for event in events}) == count
    numbers = {event["process.command_args"][1] for event in events}
    assert numbers == {f"index={number}" for number in range(count)}
    pids = {event["process.pid"] for event in events}
    codes = {event["process.exit.code"] for event in watched.of("apus.process.exit", pids)}
    assert codes == {0}
