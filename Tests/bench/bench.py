# SPDX-License-Identifier: Apache-2.0
"""The figures of the agent and the tools: ratios within one run, interleaved, medians.

bench.py [--quick] [--only NAME]...: prints a Markdown table and writes it to .build/bench.md.
"""
import argparse
import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "Tests/acceptance"), str(pathlib.Path(__file__).parent)]

import encoders  # noqa: E402
import loads  # noqa: E402
from agent import APUS, ENVIRONMENT, Agent  # noqa: E402
from measure import (bpf_spent, bpf_statistics, cpu_ns, interleaved, medians,  # noqa: E402
                     memory_kib, spread, total_cpu_ns)
from receiver import Receiver  # noqa: E402
from waiting import eventually  # noqa: E402
from workloads import Workloads  # noqa: E402

THEIRS = "/usr/sbin"
EXEC = "apus.process.exec"


def drained(agent, count):
    """Waits until `count` executions have been accounted for; a few of others may be on the way."""
    def is_drained():
        ledger = agent.ledger(EXEC)
        return ledger.produced >= count and ledger.rest <= 50

    eventually(is_drained, 60, lambda: str(agent.ledger(EXEC)))


class Bench:
    def __init__(self, directory, quick):
        self.directory = pathlib.Path(directory)
        self.workloads = Workloads(directory)
        self.program = self.workloads.marked()
        self.quick = quick
        self.rows = []

    def rounds(self, usual):
        return 3 if self.quick else usual

    def row(self, what, value, aim, met, details=""):
        mark = {True: "yes", False: "**no**", None: ""}[met]
        self.rows.append(f"| {what} | {value} | {aim} | {mark} | {details} |")
        print(self.rows[-1], flush=True)

    @contextlib.contextmanager
    def agent(self, receiver=None, arguments=(), **settings):
        chosen = {key.replace("__", "."): value for key, value in settings.items()}
        if receiver:
            chosen["export.endpoint"] = receiver.http_endpoint
        with Agent(self.directory, chosen, arguments=arguments) as agent:
            yield agent

    @contextlib.contextmanager
    def tool(self, *command):
        """A tool that prints to /dev/null; ready when its BPF programs have had time to attach."""
        process = subprocess.Popen(list(map(str, command)), env=ENVIRONMENT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Printing nowhere, it cannot say when it is ready; programs attach in far less than this.
        time.sleep(1)
        assert process.poll() is None, f"{command} ended"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)

    # What is measured, one method each; the name is what --only takes.

    def encode(self):
        """From a record's fields to OTLP bytes, by the encoder alone and by the ring thread."""
        program = ROOT / ".build/release/apus-bench"
        if program.exists():
            output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
            for line in output.splitlines():
                found = re.match(r"(.+?),? ([\d.]+) ns/record", line)
                if found:
                    value = float(found[2])
                    self.row(f"encoder: {found[1]}", f"{value:.0f} ns/record", "≤ 200",
                             value <= 200, line.split("ns/record")[-1].strip(", "))
            self.from_ring(program)

        for what, is_burst in (("one burst read at once", True), ("at 10,000 a second", False)):
            values = [self.ring_thread(is_burst) for _ in range(self.rounds(5))]
            value = medians({"": values})[""]
            self.row(f"ring thread, ring to OTLP bytes, {what}", f"{value:.0f} ns/record",
                     "≤ 200", value <= 200, spread(values))

    def encoders(self):
        encoders.measure(self)

    def from_ring(self, program):
        """A full ring through the agent's sink, beside a C loop that only counts an equal one."""
        done = subprocess.run(
            [program, "ring", "3000" if self.quick else "20000", "--json", "--program",
             self.program], capture_output=True, text=True, check=True)
        result = json.loads(done.stdout)
        value = result["ns_per_record"]
        self.row("a full ring to sealed batches", f"{value:.0f} ns/record", "≤ 200", value <= 200,
                 f"a bare C loop {result['c_ns_per_record']} ns, ratio {result['ratio']}, "
                 f"fills {result['all']}")

    def ring_thread(self, is_burst):
        """CPU nanoseconds of the thread that reads the ring, per record."""
        count = 4000
        with Receiver() as receiver, self.agent(
                receiver, buffers__ring="8MiB", export__queue="64MiB") as agent:
            self.workloads.storm(self.program, 100)
            drained(agent, 100)
            before = cpu_ns(agent.pid)
            if is_burst:
                agent.signal(signal.SIGSTOP)
            self.workloads.storm(self.program, count, rate=0 if is_burst else 5000)
            agent.signal(signal.SIGCONT)
            drained(agent, 100 + count)
            after = cpu_ns(agent.pid)
        ring = [name for name in after if "ring" in name]
        return sum(after[name] - before[name] for name in ring) / (2 * count)

    def memory(self):
        """VmRSS, PSS and RssAnon: nothing opened, exporting, and after many executions."""
        with self.agent(listen="off", arguments=["--otlp-file", "/dev/null"]) as agent:
            self.memory_row("nothing opened by dlopen", agent, "RSS ≤ 14 MB",
                            lambda kib: kib["rss"] <= 14_000)
        with Receiver() as receiver, self.agent(receiver) as agent:
            self.workloads.storm(self.program, 2000)
            drained(agent, 2000)
            early = self.memory_row("exporting, after 2,000 execs", agent, "PSS ≤ 25 MB",
                                    lambda kib: kib["pss"] <= 25_000)
            many = 10_000 if self.quick else 98_000
            self.workloads.storm(self.program, many)
            drained(agent, 2000 + many)
            self.memory_row(f"exporting, after {2000 + many:,} execs", agent, "flat",
                            lambda kib: kib["rss"] <= early["rss"] * 1.1 + 1024)

    def memory_row(self, what, agent, aim, met):
        kib = memory_kib(agent.pid)
        self.row(f"memory, {what}", f"RSS {kib['rss'] / 1000:.1f} MB", aim, met(kib),
                 f"PSS {kib['pss'] / 1000:.1f} MB, RssAnon {kib['anon'] / 1000:.1f} MB")
        return kib

    def start(self):
        """From the start of the agent to the first event: when it happened, and when it was out."""
        def once():
            path = self.directory / f"start-{time.monotonic_ns()}.json"
            storm = self.workloads.start_storm(self.program, 1500, rate=1000)
            time.sleep(0.1)
            began, wall = time.monotonic(), time.time_ns()
            with Agent(self.directory, {"export.schedule_delay": "10ms",
                                        "buffers.wake_latency": "10ms"},
                       arguments=["--otlp-file", path], ready=False) as agent:
                eventually(lambda: path.exists() and str(self.program) in path.read_text(), 10,
                           lambda: agent.log)
                took = time.monotonic() - began
                storm.communicate()
            stamp = re.search(r'"timeUnixNano":"(\d+)"', path.read_text())
            return took, (int(stamp[1]) - wall) / 1e9

        values = [once() for _ in range(self.rounds(7))]
        out, seen = (medians({"": [value[place] for value in values]})[""] for place in (0, 1))
        self.row("start to first event in the output", f"{out * 1000:.0f} ms", "≤ 500 ms",
                 out <= 0.5, f"the event itself {seen * 1000:.0f} ms after the start")

    def idle(self):
        """CPU of an agent with nothing to do but what this machine does anyway."""
        seconds = 10 if self.quick else 60
        with Receiver() as receiver, self.agent(receiver) as agent:
            time.sleep(2)
            produced, before = agent.ledger(EXEC).produced, total_cpu_ns(agent.pid)
            time.sleep(seconds)
            used = (total_cpu_ns(agent.pid) - before) / 1e9
            others = agent.ledger(EXEC).produced - produced
        share = used / seconds * 100
        self.row("idle CPU", f"{share:.2f} % of a core", "≤ 0.3 %", share <= 0.3,
                 f"{others} execs of others in {seconds} s")

    def pipe(self):
        """perf bench sched pipe, both ends on one core, so that each operation switches."""
        def run():
            output = subprocess.run(
                ["taskset", "-c", "1", "perf", "bench", "sched", "pipe", "-l",
                 "50000" if self.quick else "200000"], capture_output=True, text=True).stdout
            return float(re.search(r"([\d.]+) usecs/op", output)[1])

        def under(*command):
            def measured():
                with self.tool(*command):
                    return run()
            return measured

        def under_agent():
            with self.agent():
                return run()

        values = interleaved(self.rounds(7), {
            "none": run, "ours": under(APUS, "runqlat"), "theirs": under(f"{THEIRS}/runqlat"),
            "agent": under_agent})
        self.slowdown("perf bench sched pipe", values, "µs/op")

    def slowdown(self, what, values, unit):
        middle = medians(values)
        details = ", ".join(f"{name} {value:.3g} {unit} ({spread(values[name])})"
                            for name, value in middle.items())
        for name, label in (("ours", "tool"), ("agent", "agent")):
            ratio = middle[name] / middle["theirs"]
            self.row(f"{what}: with our {label} / with libbpf-tools", f"{ratio:.3f}", "≤ 1.0",
                     ratio <= 1.0, details if name == "ours" else "")

    def execloop(self):
        """A storm of executions with nothing, with each execsnoop, and with the agent."""
        count = 2000 if self.quick else 10_000

        def run():
            return self.workloads.storm(self.program, count)["seconds"] / count * 1e6

        def under(*command):
            def measured():
                with self.tool(*command):
                    return run()
            return measured

        def under_agent():
            with Receiver() as receiver, self.agent(receiver):
                return run()

        values = interleaved(self.rounds(7), {
            "none": run, "ours": under(APUS, "execsnoop"),
            "theirs": under(f"{THEIRS}/execsnoop"), "agent": under_agent})
        self.slowdown("exec loop", values, "µs/exec")

    def connectloop(self):
        loads.connectloop(self)

    def blockio(self):
        loads.blockio(self)

    def cost(self):
        """CPU seconds of the whole agent, exporting uncompressed, per 10,000 execs and exits."""
        count = 3000 if self.quick else 10_000

        def agent_seconds():
            with Receiver() as receiver, self.agent(receiver, buffers__ring="4MiB") as agent:
                time.sleep(1)
                before = total_cpu_ns(agent.pid)
                self.workloads.storm(self.program, count, rate=2500)
                drained(agent, count)
                return (total_cpu_ns(agent.pid) - before) / 1e9 * 10_000 / count

        def tool_seconds(*command):
            def measured():
                with self.tool(*command) as process:
                    before = total_cpu_ns(process.pid)
                    self.workloads.storm(self.program, count, rate=2500)
                    time.sleep(1)
                    return (total_cpu_ns(process.pid) - before) / 1e9 * 10_000 / count
            return measured

        values = interleaved(self.rounds(5), {
            "agent": agent_seconds, "theirs": tool_seconds(f"{THEIRS}/execsnoop"),
            "ours": tool_seconds(APUS, "execsnoop")})
        middle = medians(values)
        ratio = middle["agent"] / middle["theirs"]
        self.row("CPU per 10,000 exec+exit: agent exporting / execsnoop to /dev/null",
                 f"{ratio:.2f}", "≤ 1.5", ratio <= 1.5,
                 ", ".join(f"{name} {value:.4f} s ({spread(values[name])})"
                           for name, value in middle.items()))

    def kernel(self):
        """Run time of the BPF programs per execution, by the kernel's statistics."""
        count = 2000 if self.quick else 10_000

        def spent(context):
            total = bpf_spent(context, lambda: self.workloads.storm(self.program, count))
            return total / count / 1000

        with bpf_statistics():
            values = interleaved(self.rounds(3), {
                "agent": lambda: spent(self.agent()),
                "execsnoop and runqlat": lambda: spent(self.both())})
        middle = medians(values)
        ratio = middle["agent"] / middle["execsnoop and runqlat"]
        self.row("BPF run time per execution: agent / libbpf-tools' two", f"{ratio:.2f}", "", None,
                 ", ".join(f"{name} {value:.2f} µs" for name, value in middle.items()))

    @contextlib.contextmanager
    def both(self):
        with self.tool(f"{THEIRS}/execsnoop"), self.tool(f"{THEIRS}/runqlat"):
            yield


NAMES = ["encode", "encoders", "memory", "start", "idle", "pipe", "execloop", "connectloop",
         "blockio", "cost", "kernel"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--only", action="append", choices=NAMES)
    options = parser.parse_args()
    head = ["| What | Value | Aim | Met | Details |", "|---|---|---|---|---|"]
    print("\n".join(head))
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(directory, options.quick)
        for name in options.only or NAMES:
            getattr(bench, name)()
    (ROOT / ".build/bench.md").write_text("\n".join(head + bench.rows) + "\n")


if __name__ == "__main__":
    main()
