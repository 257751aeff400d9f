# SPDX-License-Identifier: Apache-2.0
"""The tools' output held against that of the tools that people know.

Where a model runs here, both run over the same load; execsnoop and runqlat are in
test_counterparts.py. What has to attach kprobes does not run on every kernel: libbpf-tools'
tcpconnect is held against the formats in its binary, bcc's tcpretrans against what is quoted.
"""
import pathlib
import re

import pytest

from blockdevice import LoopDevice, fio
from test_block import commands
from test_counterparts import ROW, TOOLS, ended, nothing_goes_on_running, pair
from tools import Dialer, OnHost, Ports, end_all

__all__ = ["nothing_goes_on_running"]  # A fixture, used by being here.


@pytest.fixture(autouse=True)
def nothing_of_ours_goes_on_running():
    yield
    end_all()


@pytest.fixture
def loop(tmp_path):
    with LoopDevice(tmp_path) as made:
        yield made


def frame(text):
    """All that does not depend on the load: headings, labels, edges, the widths of columns."""
    kept = []
    for line in text.splitlines()[1:]:
        if ROW.match(line):
            assert len(line) == 78
            line = line[:27]
        # A disk's name is followed by a tab there. Empty lines are not held against one another.
        line = line.rstrip("\t")
        if line.strip():
            kept.append(line)
    return kept


@pytest.mark.parametrize("flags", [[], ["-m"], ["-Q"], ["-D"], ["-F"], ["-T"]],
                         ids=lambda flags: " ".join(flags) or "none")
def test_biolatency_is_drawn_as_its_model_is(loop, tmp_path, flags):
    tools = pair(tmp_path, *commands("-d", loop.name, *flags))
    fio(loop, rw="randwrite", number_ios=230, bs="4k", ba="8k", size="64m")
    texts = ended(tools)
    ours, theirs = (frame(texts[name]) for name in ("ours", "theirs"))
    if flags == ["-T"]:
        for lines in (ours, theirs):
            assert re.fullmatch(r"\d\d:\d\d:\d\d", lines.pop(0))
    # One may have seen a slower request than the other, and have rows for it.
    shorter, longer = sorted((ours, theirs), key=len)
    assert longer[:len(shorter)] == shorter
    assert all(re.fullmatch(r" +\d+ -> \d+ +: ", line) for line in longer[len(shorter):])
    assert "               : count    distribution" in "".join(shorter[:2])


@pytest.fixture(scope="module")
def printed():
    """Prints as libbpf-tools' tcpconnect does, with a format that its binary must hold."""
    texts = pathlib.Path(f"{TOOLS}/tcpconnect").read_bytes().split(b"\0")

    def with_format(text, *values):
        for word in (text, *(value for value in values if value in WORDS)):
            # A literal that another one ends with is kept within that one.
            assert any(kept.endswith(word.encode()) for kept in texts), f"{word!r} is not there"
        return text.replace("ll", "") % values
    return with_format


WORDS = ("TIME(s)", "UID", "PID", "COMM", "IP", "SADDR", "DADDR", "SPORT", "DPORT", "LADDR",
         "RADDR", "LPORT", "RPORT", "CONNECTS")
FLAGS = {"": (), "-t": ("t",), "-U": ("U",), "-s": ("s",), "-tUs": ("t", "U", "s")}


def header(printed, flags):
    """In the order in which the model prints its parts."""
    return ((printed("%-9s", "TIME(s)") if "t" in flags else "")
            + (printed("%-6s", "UID") if "U" in flags else "")
            + printed("%-6s %-12s %-2s %-16s %-16s", "PID", "COMM", "IP", "SADDR", "DADDR")
            + (printed(" %-5s", "SPORT") if "s" in flags else "")
            + printed(" %-5s\n", "DPORT"))


@pytest.mark.parametrize("flags", FLAGS)
def test_tcpconnect_has_its_model_s_columns(printed, flags):
    letters = FLAGS[flags]
    with Ports() as ports, Dialer() as dialer:
        tool = OnHost("tcpconnect", *([flags] if flags else []))
        [[source, _]] = dialer.dial("127.0.0.1", ports.listening[4])
        text = tool.end()
    first, *lines = text.splitlines(keepends=True)
    assert first == header(printed, letters)
    [line] = [line for line in lines if f" {dialer.name} " in line]
    expected = (
        (printed("%-9.3f", float(line.split()[0])) if "t" in letters else "")
        + (printed("%-6d", 0) if "U" in letters else "")
        + printed("%-6d %-12.12s %-2d %-16s %-16s", dialer.pid, dialer.name, 4, "127.0.0.1",
                  "127.0.0.1")
        + (printed(" %-5d", source) if "s" in letters else "")
        + printed(" %-5d", ports.listening[4]) + "\n")
    assert line == expected


@pytest.mark.parametrize("flags", ["", "-s"])
def test_tcpconnect_s_counts_have_its_model_s_columns(printed, flags):
    with Ports() as ports, Dialer() as dialer:
        tool = OnHost("tcpconnect", "--count", *([flags] if flags else []))
        [[source, _]] = dialer.dial("127.0.0.1", ports.refusing[4])
        lines = tool.end().splitlines()
    heading = (printed("%-25s %-25s", "LADDR", "RADDR")
               + (printed(" %-20s", "LPORT") if flags else "") + printed(" %-20s", "RPORT")
               + printed(" %-10s", "CONNECTS"))
    row = (printed("%-25s %-25s", "127.0.0.1", "127.0.0.1")
           + (printed(" %-20d", source) if flags else "")
           + printed(" %-20d", ports.refusing[4]) + printed(" %-10llu", 1))
    # The model fills its last column with blanks.
    assert heading.rstrip() in lines and row.rstrip() in lines


# The lines that bcc 0.26's tools/tcpretrans.py prints first, from its formats
# "%-8s %-7s %-2s %-20s %1s> %-20s", " %-4s" or " %-12s %-10s", and "%-25s %-25s %-10s".
BCC = {
    "": "TIME     PID     IP LADDR:LPORT          T> RADDR:RPORT          STATE",
    "-s": "TIME     PID     IP LADDR:LPORT          T> RADDR:RPORT          "
          "STATE        SEQ       ",
    "--count": "LADDR:LPORT               RADDR:RPORT               RETRANSMITS",
}


@pytest.mark.parametrize("flags", BCC)
def test_tcpretrans_has_its_model_s_columns(flags):
    lines = OnHost("tcpretrans", *([flags] if flags else [])).end().splitlines()
    assert lines[0] == "Tracing retransmits ... Hit Ctrl-C to end"
    assert lines[1] == BCC[flags].rstrip()
