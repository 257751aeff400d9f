# SPDX-License-Identifier: Apache-2.0
"""How the bench reads the cost of a process: the kernel's own accounts, to the nanosecond."""
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess

STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


def cpu_ns(pid):
    """{thread name: nanoseconds on a CPU} of all threads that live; names may repeat."""
    found = {}
    for task in os.scandir(f"/proc/{pid}/task"):
        try:
            name = pathlib.Path(task.path, "comm").read_text().strip()
            ran = int(pathlib.Path(task.path, "schedstat").read_text().split()[0])
        except OSError:  # It ended meanwhile.
            continue
        found[name] = found.get(name, 0) + ran
    return found


def total_cpu_ns(pid):
    return sum(cpu_ns(pid).values())


def memory_kib(pid):
    """VmRSS, RssAnon and PSS in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()

    def number(name, text):
        return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1])

    return {"rss": number("VmRSS", status), "anon": number("RssAnon", status),
            "pss": number("Pss", rollup)}


@contextlib.contextmanager
def bpf_statistics():
    """The kernel takes the time of each run of a BPF program, which itself costs some 20 ns."""
    old = STATISTICS.read_text()
    STATISTICS.write_text("1")
    try:
        yield
    finally:
        STATISTICS.write_text(old)


def bpf_run_time():
    """{program id: nanoseconds that it has run}."""
    output = subprocess.run(["bpftool", "--json", "prog", "list"], capture_output=True, text=True,
                            check=True).stdout
    return {row["id"]: row.get("run_time_ns", 0) for row in json.loads(output)}


def bpf_spent(context, work):
    """Nanoseconds for which the programs that `context` loads run while `work` is done."""
    known = set(bpf_run_time())
    with context:
        before = bpf_run_time()
        work()
        after = bpf_run_time()
    return sum(value - before.get(key, 0) for key, value in after.items() if key not in known)


def interleaved(rounds, cases):
    """{name: [values]}: each case once per round, in turns, beginning with another each time."""
    names = list(cases)
    values = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            values[name].append(cases[name]())
    return values


def medians(values):
    return {name: statistics.median(series) for name, series in values.items()}


def spread(series):
    return f"{min(series):.3g}–{max(series):.3g}"
