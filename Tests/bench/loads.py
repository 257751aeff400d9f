# SPDX-License-Identifier: Apache-2.0
"""Connects and block I/O with nothing, with all five probes, and with bpftrace doing the same."""
import json
import statistics
import subprocess

from agent import APUS
from blockdevice import LoopDevice
from measure import bpf_spent, bpf_statistics, interleaved, medians, spread
from workloads import BUILT

# What a person writes who has no tool: per connect its ends, its process and its time ...
CONNECTS = """
tracepoint:sock:inet_sock_set_state /args->protocol == 6/ {
  if (args->newstate == 2) {
    @begin[args->skaddr] = nsecs; @pid[args->skaddr] = pid; @comm[args->skaddr] = comm;
  } else if (@begin[args->skaddr]) {
    printf("%d %s %s %d %s %d %d %d\\n", @pid[args->skaddr], @comm[args->skaddr],
           ntop(args->saddr), args->sport, ntop(args->daddr), args->dport, args->newstate,
           (nsecs - @begin[args->skaddr]) / 1000);
    delete(@begin[args->skaddr]); delete(@pid[args->skaddr]); delete(@comm[args->skaddr]);
  }
}"""
# ... and per device and operation a histogram and the bytes.
BLOCK = """
tracepoint:block:block_rq_issue { @begin[args->dev, args->sector] = nsecs; }
tracepoint:block:block_rq_complete /@begin[args->dev, args->sector]/ {
  @usecs[args->dev, args->rwbs] = hist((nsecs - @begin[args->dev, args->sector]) / 1000);
  @bytes[args->dev, args->rwbs] = sum(args->nr_sector * 512);
  delete(@begin[args->dev, args->sector]);
}"""


def under(bench, run, *command):
    """`run` while a tool is attached."""
    def measured():
        with bench.tool(*command):
            return run()
    return measured


def under_agent(bench, run):
    def measured():
        with bench.agent(arguments=["--otlp-file", "/dev/null"]):
            return run()
    return measured


def report(bench, what, values, unit, limits):
    """A row for each ratio, the middle one of those within a round: {(of, to): limit}."""
    middle = medians(values)
    details = ", ".join(f"{name} {value:.4g} {unit} ({spread(values[name])})"
                        for name, value in middle.items())
    for (of, to), limit in limits.items():
        ratio = statistics.median(one / other for one, other in zip(values[of], values[to]))
        bench.row(f"{what}: {of} / {to}", f"{ratio:.3f}", f"≤ {limit}" if limit else "",
                  ratio <= limit if limit else None, details)
        details = ""


def connectloop(bench):
    """Connects over loopback, one after the other."""
    count = 5000 if bench.quick else 20_000

    def run():
        output = subprocess.run([BUILT / "dial", str(count)], capture_output=True, text=True,
                                check=True).stdout
        return json.loads(output)["seconds"] / count * 1e6

    values = interleaved(bench.rounds(7), {
        "none": run, "tcpconnect": under(bench, run, APUS, "tcpconnect"),
        "agent": under_agent(bench, run),
        "bpftrace": under(bench, run, "bpftrace", "-e", CONNECTS)})
    report(bench, "connect loop", values, "µs/connect", {
        ("tcpconnect", "bpftrace"): 1.0, ("agent", "bpftrace"): 1.0, ("agent", "none"): None})


def blockio(bench):
    """Direct reads of 4 KiB from a loop device, one at a time: several at once vary by a factor.

    The time of a read is the middle one of a run, and of runs as many as it takes: the host of a
    virtual machine may make the mean of one twice that of the next. What the programs themselves
    take of it the kernel says exactly.
    """
    count = 10_000 if bench.quick else 20_000
    with LoopDevice(bench.directory) as device:
        def run():
            output = subprocess.run(
                ["fio", "--name=bench", f"--filename={device.path}", "--rw=randread", "--bs=4k",
                 "--direct=1", "--ioengine=psync", "--randrepeat=1", "--percentile_list=50",
                 "--norandommap", "--size=64m", f"--io_size={4 * count}k", "--output-format=json"],
                capture_output=True, text=True, check=True).stdout
            return json.loads(output)["jobs"][0]["read"]["clat_ns"]["percentile"]["50.000000"] / 1e3

        values = interleaved(9 if bench.quick else 25, {
            "none": run, "biolatency": under(bench, run, APUS, "biolatency"),
            "agent": under_agent(bench, run),
            "theirs": under(bench, run, "/usr/sbin/biolatency"),
            "bpftrace": under(bench, run, "bpftrace", "-e", BLOCK)})
        report(bench, "fio", values, "µs/read", {
            ("agent", "none"): 1.03, ("biolatency", "none"): 1.03, ("agent", "bpftrace"): 1.0,
            ("biolatency", "theirs"): None})
        read = medians(values)["none"]
        tools = {"biolatency": [APUS, "biolatency"], "theirs": ["/usr/sbin/biolatency"],
                 "bpftrace": ["bpftrace", "-e", BLOCK]}
        with bpf_statistics():
            spent = {name: bpf_spent(bench.tool(*command), run) / count / 1e3
                     for name, command in tools.items()}
            spent["agent"] = bpf_spent(bench.agent(arguments=["--otlp-file", "/dev/null"]),
                                       run) / count / 1e3
    for name in ("biolatency", "agent"):
        share = spent[name] / read
        bench.row(f"fio: BPF run time of {name} in a read of {read:.0f} µs", f"{share:.2%}",
                  "≤ 3 %", share <= 0.03,
                  ", ".join(f"{other} {value:.2f} µs" for other, value in spent.items()))
