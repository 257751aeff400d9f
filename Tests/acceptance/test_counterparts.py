# SPDX-License-Identifier: Apache-2.0
"""Side by side with Debian's libbpf-tools, in one window, over one load, five times.

Both tools are attached before the load begins and detached after it ends, so what they count is
the same but for the few events at the edges.
"""
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter

import pytest

from agent import APUS, ENVIRONMENT
from waiting import eventually
from workloads import BUILT

RUNS = 5
# Each tool's program runs within the wait that the other one measures, and adds 100 ns to it, or
# 1 µs with cold caches. That moves a tenth of the shortest waits across the edge at 2 µs, and would
# compare the tools' costs: so what is shorter than this, in µs, is one slot.
OWN_COST = 8
ROW = re.compile(r"^\s*(\d+)\s+->\s+(\d+)\s+: (\d+)\s+\|[* ]*\|$")
TOOLS = "/usr/sbin"


class Tool:
    """A tool writing to a file, ended with SIGINT as a person ends it."""

    started = []

    def __init__(self, path, *command):
        self.path = path
        self._output = open(path, "wb")
        self.process = subprocess.Popen(["stdbuf", "-oL", *map(str, command)], env=ENVIRONMENT,
                                        stdout=self._output, stderr=subprocess.STDOUT)
        Tool.started.append(self.process)

    @property
    def text(self):
        return self.path.read_text(errors="replace")

    def ready(self, pattern):
        eventually(lambda: re.search(pattern, self.text), 15, lambda: self.text)
        return self

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self

    def finished(self):
        self.process.wait(15)
        self._output.close()
        return self.text


@pytest.fixture(autouse=True)
def nothing_goes_on_running():
    yield
    while Tool.started:
        process = Tool.started.pop()
        if process.poll() is None:
            process.kill()
            process.wait()


def pair(directory, first, second):
    """Starts both tools, the second when the first is ready, so that neither is always first."""
    tools = {}
    for name, (pattern, *command) in (first, second):
        tools[name] = Tool(directory / f"{name}-{time.monotonic_ns()}.txt", *command).ready(pattern)
    return tools


def ended(tools):
    for tool in tools.values():
        tool.end()
    return {name: tool.finished() for name, tool in tools.items()}


def slots(text):
    """{lower edge: count} of a drawn histogram."""
    found = {int(row[1]): int(row[3]) for line in text.splitlines() if (row := ROW.match(line))}
    assert found, text
    return found


def distance(one, other, above=0):
    """Kolmogorov: the largest difference of the two distribution functions at a slot's edge.

    What lies below `above` is one slot.
    """
    edges = sorted(set(one) | set(other))
    shares = [sum(histogram.values()) for histogram in (one, other)]
    worst = below_one = below_other = 0
    for edge in edges:
        below_one += one.get(edge, 0)
        below_other += other.get(edge, 0)
        if 2 * edge >= above:
            worst = max(worst, abs(below_one / shares[0] - below_other / shares[1]))
    return worst


def queueing_load():
    """Wake-ups, new tasks and preemption on two cores that each have far more to do than they can.

    A task that runs at once when woken has waited for 1 to 3 µs in all; so 320 threads share each
    core, and most wait for their turn.
    """
    spinners = ["taskset", "--cpu-list", "0", BUILT / "spinners", "0", "3", "2"]
    messaging = ["perf", "bench", "sched", "messaging", "-t", "-g", "8", "-l", "300"]
    load = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command in (spinners, *(["taskset", "--cpu-list", str(cpu), *messaging]
                                        for cpu in (0, 1)))]
    assert [process.wait(60) for process in load] == [0, 0, 0]


def test_runqlat_agrees_with_libbpf_tools(workloads, tmp_path, figures):
    ours = ("ours", (r"Tracing|Ctrl-C", APUS, "runqlat"))
    theirs = ("theirs", (r"Ctrl-C", f"{TOOLS}/runqlat"))
    rows, ones, others = [], Counter(), Counter()
    for number in range(RUNS):
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        tools = pair(tmp_path, first, second)
        queueing_load()
        texts = ended(tools)
        one, other = slots(texts["ours"]), slots(texts["theirs"])
        ones.update(one)
        others.update(other)
        rows.append((sum(one.values()), sum(other.values()), distance(one, other, above=OWN_COST),
                     distance(one, other)))
    for mine, other, apart, whole in rows:
        figures(f"ours {mine}, theirs {other}, Kolmogorov distance from {OWN_COST} µs {apart:.4f}, "
                f"of all slots {whole:.4f}")
    together = distance(ones, others, above=OWN_COST)
    figures(f"all runs together: Kolmogorov distance from {OWN_COST} µs {together:.4f}, "
            f"of all slots {distance(ones, others):.4f}")
    for mine, other, apart, _ in rows:
        assert mine == pytest.approx(other, rel=0.02)
        assert mine > 20_000
        assert apart <= 0.03
    assert together <= 0.01


def test_execsnoop_agrees_with_libbpf_tools(workloads, tmp_path, figures):
    ours = ("ours", (r"PCOMM", APUS, "execsnoop"))
    theirs = ("theirs", (r"PCOMM", f"{TOOLS}/execsnoop"))
    rows = []
    for number in range(RUNS):
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        tools = pair(tmp_path, first, second)
        program = workloads.marked()
        assert workloads.storm(program, 3000, rate=2500)["executed"] == 3000
        for tool in tools.values():
            eventually(lambda: tool.text.count(program.name + " ") >= 2900, 10)
        time.sleep(0.5)
        texts = ended(tools)
        lines = {name: [line for line in text.splitlines() if line.startswith(program.name)]
                 for name, text in texts.items()}
        rows.append((len(lines["ours"]), len(lines["theirs"])))
        # Every line of ours that they have too is the same: name, pids, result and arguments.
        same = set(map(normal, lines["ours"])) & set(map(normal, lines["theirs"]))
        assert len(same) >= 0.98 * len(lines["theirs"])
    for mine, other in rows:
        figures(f"ours {mine}, theirs {other}")
    for mine, other in rows:
        assert mine == 3000
        assert mine == pytest.approx(other, rel=0.02)


def normal(line):
    return tuple(line.split())


def header(text):
    return next(line for line in text.splitlines() if "PCOMM" in line)


@pytest.mark.parametrize("flags", [[], ["-T"], ["-t"], ["-U"], ["-T", "-U", "-x"]],
                         ids=lambda flags: " ".join(flags) or "none")
def test_the_columns_are_those_of_the_tool_that_people_know(tmp_path, flags):
    tools = pair(tmp_path, ("ours", (r"PCOMM", APUS, "execsnoop", *flags)),
                 ("theirs", (r"PCOMM", f"{TOOLS}/execsnoop", *flags)))
    texts = ended(tools)
    assert header(texts["ours"]).split() == header(texts["theirs"]).split()


def test_a_histogram_is_drawn_as_people_know_it(tmp_path, workloads):
    program = workloads.marked()
    drawn = {}
    for name, path in (("ours", [APUS, "runqlat"]), ("theirs", [f"{TOOLS}/runqlat"])):
        process = subprocess.Popen([*path, "1", "1"], env=ENVIRONMENT, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        workloads.storm(program, 500, rate=400)
        drawn[name] = process.communicate(timeout=20)[0]
        assert process.returncode == 0
    heads = [[line for line in text.splitlines() if "distribution" in line]
             for text in drawn.values()]
    assert heads[0] == heads[1] and len(heads[0]) == 1
    for text in drawn.values():
        rows = [line for line in text.splitlines() if ROW.match(line)]
        assert {len(line) for line in rows} == {len(rows[0])} and len(rows[0]) == 78
        assert max(line.count("*") for line in rows) == 40


def test_execsnoop_in_json_is_one_object_a_line(tmp_path, workloads):
    tool = Tool(tmp_path / "out.txt", APUS, "execsnoop", "--json")
    program = workloads.marked()
    eventually(lambda: workloads.storm(program, 1) and program.name in tool.text, 15)
    count = tool.text.count(f'"{program.name}"')
    workloads.storm(program, 23)
    eventually(lambda: tool.text.count(f'"{program.name}"') >= count + 23)
    lines = [line for line in tool.end().finished().splitlines() if line.startswith("{")]
    objects = [json.loads(line) for line in lines]
    ours = [item for item in objects if item["comm"] == program.name]
    assert ours[-1]["args"] == [str(program), "index=22", "0"] and ours[-1]["ret"] == 0
    assert all(item["ppid"] > 0 and item["uid"] == os.geteuid() for item in ours)


def test_runqlat_in_json_is_one_object_an_interval():
    done = subprocess.run([APUS, "runqlat", "--json", "1", "3"], env=ENVIRONMENT,
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(objects) == 3
