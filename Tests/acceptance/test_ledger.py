# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost silently: three counts that know nothing of each other agree.

N is what the load generator executed, produced what the kernel half counted before anything could
be lost, delivered what the receiver decoded. Other processes of the machine execute too, so they
are counted by a fourth, bpftrace, with the kernel's own tracepoint; on a quiet machine it says 0.
"""
import collections
import json
import signal
import subprocess
import time

import pytest

from agent import SANITIZED, Agent
from decoded import NewEvents, events_of
from receiver import Fault
from waiting import eventually
from workloads import BUILT

COUNT = 20_000
EXEC = "apus.process.exec"
CONNECT = "apus.tcp.connect"
EVENTS = (EXEC, "apus.process.exit")
# Between the reading of the kernel's counters and their being published; a sanitizer is slow.
MOMENT_NS = 500_000_000 if SANITIZED else 50_000_000


class Others:
    """Every exec of the machine but that of one program, with its time, as bpftrace sees it."""

    def __init__(self, directory, marked):
        self.path = directory / "others.txt"
        self._output = open(self.path, "wb")
        script = (f'tracepoint:sched:sched_process_exec /comm != "{marked.name}"/ '
                  '{ printf("%llu %s\\n", nsecs, comm); } BEGIN { printf("ready\\n"); }')
        self._process = subprocess.Popen(["bpftrace", "-B", "line", "-e", script],
                                         stdout=self._output, stderr=subprocess.STDOUT)
        eventually(lambda: "ready" in self.path.read_text(), 20, self.path.read_text)

    def between(self, first, last):
        """How many began between two CLOCK_MONOTONIC times in nanoseconds."""
        lines = [line.split() for line in self.path.read_text().splitlines()]
        return sum(first <= int(line[0]) < last for line in lines if line and line[0].isdigit())

    def close(self):
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10)
        self._output.close()
        assert "Lost" not in self.path.read_text()


def snapshot(agent):
    """(earliest time, ledger of exec, latest time) of a sample that the agent takes meanwhile.

    It takes one a second, and only the moment at which a count of the kernel's changes says how old
    it is: each look is a connect, so that of connects changes with each sample.
    """
    def connects():
        return agent.ledger("apus.tcp.connect").produced

    counted, earliest = connects(), time.monotonic_ns()
    while connects() == counted:
        earliest = time.monotonic_ns()
        time.sleep(0.01)
    # It reads the kernel's counters a moment before it publishes them.
    return earliest - MOMENT_NS, agent.ledger(EXEC), time.monotonic_ns()


def received(receiver, name):
    return {event["log.record.uid"]: event
            for event in events_of(receiver.messages("logs"), name)}


class Arrivals:
    """How many events of a kind came, each counted once.

    A look must take no longer than other processes are quiet.
    """

    def __init__(self, receiver):
        self.new, self.uids = NewEvents(receiver), collections.defaultdict(set)

    def count(self, name):
        for event in self.new.take():
            self.uids[event.name].add(event["log.record.uid"])
        return len(self.uids[name])


def check_balance(agent, receiver):
    """At a quiet moment, for each kind: produced = delivered + dropped, and delivered is true."""
    arrivals = Arrivals(receiver)

    def balanced():
        for event in EVENTS:
            ledger = agent.ledger(event)
            arrived = arrivals.count(event)
            if ledger.rest or list(ledger.delivered.values()) != [arrived]:
                return False
        return True

    # A page of before what is to be balanced would be balanced, too.
    snapshot(agent)
    eventually(balanced, 60, lambda: "\n".join(
        f"{event}: {agent.ledger(event)} rest {agent.ledger(event).rest}, "
        f"received {arrivals.count(event)}" for event in EVENTS))


def run_storm(agent, workloads, directory, disturb, figures):
    """N and what `produced` grew by, less what other processes did; `disturb` runs meanwhile."""
    program = workloads.marked()
    others = Others(directory, program)
    first_early, first, first_late = snapshot(agent)
    storm = workloads.start_storm(program, COUNT)
    disturb(storm)
    executed = json.loads(storm.communicate(timeout=300)[0])["executed"]
    last_early, last, last_late = snapshot(agent)
    # bpftrace writes a line at a time, but not at once.
    time.sleep(1)
    least = others.between(first_late, last_early)
    most = others.between(first_early, last_late)
    others.close()
    assert executed == COUNT
    produced = last.produced - first.produced
    figures(f"N {executed}, produced {produced}, others {least} to {most}")
    assert executed + least <= produced <= executed + most
    return program


def check_marked(receiver, program, agent, figures):
    """The receiver's own count of the marked execs, and that something was dropped at all."""
    marked = [event for event in received(receiver, EXEC).values()
              if event.get("process.executable.path") == str(program)]
    lost = COUNT - len(marked)
    # Other processes of the machine may be on their way at any moment.
    ledger = eventually(lambda: (seen := agent.ledger(EXEC)).rest == 0 and seen, 30)
    dropped = {"/".join(key[1:]): count for key, count in ledger.dropped.items() if count}
    figures(f"produced {ledger.produced} in all, delivered {list(ledger.delivered.values())}, "
            f"dropped {dropped}; marked and received {len(marked)}")
    assert 0 < lost <= sum(ledger.dropped.values())
    # Leaving out any one counter that is not zero unbalances the ledger.
    for key, value in ledger.dropped.items():
        without = {other: number for other, number in ledger.dropped.items() if other != key}
        rest = ledger.produced - sum(ledger.delivered.values()) - sum(without.values())
        assert rest == value
    return ledger


def hops(ledger):
    return {hop for (_, hop, _), value in ledger.dropped.items() if value and hop != "filter"}


def settings(receiver, protocol="http/protobuf", **more):
    return {"exec.args": "full", "exec.failed": False, "export.schedule_delay": "100ms",
            "export.protocol": protocol, "export.endpoint": receiver.endpoint(protocol),
            **{key.replace("__", "."): value for key, value in more.items()}}


def test_a_ring_that_is_too_small_loses_and_says_how_much(workloads, receiver, tmp_path, figures):
    with Agent(tmp_path, settings(receiver, buffers__ring="64KiB")) as agent:
        def stop_for_a_moment(storm):
            agent.signal(signal.SIGSTOP)
            # Long enough for a few thousand execs; the reader wakes to a full ring.
            time.sleep(0.5)
            agent.signal(signal.SIGCONT)

        program = run_storm(agent, workloads, tmp_path, stop_for_a_moment, figures)
        check_balance(agent, receiver)
        assert "ring" in hops(check_marked(receiver, program, agent, figures))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_full_queue_drops_and_says_how_much(
        workloads, receiver, tmp_path, protocol, figures):
    refusal = Fault(status=14 if protocol == "grpc" else 503)
    with Agent(tmp_path, settings(receiver, protocol, export__queue="256KiB",
                                  export__batch_bytes="64KiB", buffers__ring="4MiB")) as agent:
        receiver.always = refusal
        program = run_storm(agent, workloads, tmp_path, lambda storm: None, figures)
        receiver.always = Fault()
        check_balance(agent, receiver)
        ledger = check_marked(receiver, program, agent, figures)
        assert "queue" in hops(ledger) and "ring" not in hops(ledger)


def test_a_slow_receiver_costs_events_that_are_counted(workloads, receiver, tmp_path, figures):
    with Agent(tmp_path, settings(receiver, export__queue="256KiB", export__batch_bytes="64KiB",
                                  buffers__ring="64KiB")) as agent:
        receiver.always = Fault(read_rate=400_000)
        program = run_storm(agent, workloads, tmp_path, lambda storm: None, figures)
        receiver.always = Fault()
        check_balance(agent, receiver)
        assert "queue" in hops(check_marked(receiver, program, agent, figures))


def test_what_a_receiver_rejects_is_counted_and_not_sent_again(workloads, receiver, tmp_path):
    with Agent(tmp_path, settings(receiver)) as agent:
        program = workloads.marked()
        receiver.script(Fault(rejected=7, message="seven too many"))
        workloads.storm(program, 100, rate=50)

        def rejected():
            return sum(value for event in EVENTS
                       for value in agent.ledger(event).dropped.values())

        eventually(lambda: rejected() >= 7, 15, lambda: agent.log)
        eventually(lambda: all(agent.ledger(event).rest == 0 for event in EVENTS), 15)
        # The partial success does not say which kind was rejected, only how many.
        assert rejected() - filtered(agent) == 7
        uids = [event["log.record.uid"] for event in events_of(receiver.messages("logs"))]
        assert len(uids) == len(set(uids))


def filtered(agent):
    return sum(value for event in EVENTS
               for (_, hop, _), value in agent.ledger(event).dropped.items() if hop == "filter")


def test_a_refusal_for_good_drops_the_batch_and_counts_it(workloads, receiver, tmp_path):
    with Agent(tmp_path, settings(receiver)) as agent:
        program = workloads.marked()
        receiver.script(Fault(status=400))
        workloads.storm(program, 23)
        check_balance(agent, receiver)
        workloads.storm(program, 23)
        check_balance(agent, receiver)
        assert any(hop == "export" and value
                   for (_, hop, _), value in agent.ledger(EXEC).dropped.items())


def test_a_receiver_that_comes_back_gets_what_waited(workloads, receiver, tmp_path):
    with Agent(tmp_path, settings(receiver)) as agent:
        program = workloads.marked()
        receiver.always = Fault(status=503, retry_after="1")
        workloads.storm(program, 230)
        eventually(lambda: len(receiver.messages("logs", accepted=False)) >= 1)
        receiver.always = Fault()
        check_balance(agent, receiver)
        marked = [event for event in received(receiver, EXEC).values()
                  if event.get("process.executable.path") == str(program)]
        assert len(marked) == 230
        assert hops(agent.ledger(EXEC)) == set()


def quiet_ledger(agent):
    """Of connects, once it balances: each look at it is a connect, so it is not looked at often."""
    time.sleep(2)
    ledger = agent.ledger(CONNECT)
    return ledger.rest == 0 and ledger


def test_connects_that_find_no_room_are_lost_as_records_and_not_as_metrics(
        receiver, tmp_path, cgroup, figures):
    with Agent(tmp_path, settings(receiver, buffers__ring="64KiB")) as agent:
        dial = subprocess.Popen([BUILT / "dial", str(COUNT)], stdout=subprocess.DEVNULL,
                                preexec_fn=cgroup.join)
        agent.signal(signal.SIGSTOP)
        time.sleep(0.5)
        agent.signal(signal.SIGCONT)
        assert dial.wait(60) == 0
        snapshot(agent)
        ledger = eventually(lambda: quiet_ledger(agent), 60)
        ours = [event for event in received(receiver, CONNECT).values()
                if event.get("process.pid") == dial.pid]
        ring = ledger.dropped[("otlp", "ring", "full")]
        figures(f"N {COUNT}, produced {ledger.produced}, received {len(ours)}, ring/full {ring}")
        assert ledger.produced >= COUNT and ring > 0
        assert 0 <= ring - (COUNT - len(ours)) <= ledger.produced - COUNT
        connects = [value for labels, value in agent.samples("apus_tcp_connects_total")
                    if labels.get("process_linux_cgroup", "").endswith(cgroup.name)]
        assert connects == [COUNT]
        durations = [value for labels, value
                     in agent.samples("apus_tcp_connect_duration_seconds_count")
                     if labels.get("process_linux_cgroup", "").endswith(cgroup.name)]
        assert durations == [COUNT]
