# SPDX-License-Identifier: Apache-2.0
"""Intervals of the on-host tools on a terminal, in a pipe, and at Ctrl-C; and who may not run them.
"""
import re
import signal
import subprocess

import pytest

from agent import APUS, ENVIRONMENT, ROOT, run
from test_counterparts import slots
from tools import HISTOGRAMS, TOOLS, Dialer, OnHost, Ports, end_all
from waiting import eventually

SIZE = (80, 60)  # Higher than any histogram of microseconds.
# With an interval each has something to redraw.
TABLES = {"runqlat": [], "biolatency": [], "tcpconnect": ["--count"], "tcpretrans": ["--count"]}
ERASE_LINE, ERASE_BELOW, ESCAPE = "\x1b[K", "\x1b[J", "\x1b"


@pytest.fixture(autouse=True)
def nothing_goes_on_running():
    yield
    end_all()


def redrawn(text):
    """The frames of what a terminal was sent, checked byte by byte, and the last one."""
    head, *lines = text.splitlines(keepends=True)
    assert head.startswith("Tracing") and ESCAPE not in head
    stream = "".join(lines)
    frames, up = [], ""
    while ERASE_BELOW in stream:
        assert stream.startswith(up)
        frame, stream = stream[len(up):].split(ERASE_BELOW, 1)
        if not frame:
            # The last one is drawn for good, once what stood there is gone.
            return frames, stream
        shown = frame.splitlines(keepends=True)
        assert all(line.startswith(ERASE_LINE) and line.endswith("\n") for line in shown)
        frames.append("".join(line.removeprefix(ERASE_LINE) for line in shown))
        up = f"\r\x1b[{len(shown)}A"
    raise AssertionError(f"no last interval: {text!r}")


@pytest.mark.parametrize("name", TABLES)
def test_on_a_terminal_each_interval_is_drawn_over_the_one_before(name):
    frames, last = redrawn(OnHost(name, *TABLES[name], 1, 3, terminal=SIZE).wait())
    assert len(frames) == 2 and ESCAPE not in last
    for shown in (*frames, last):
        assert ESCAPE not in shown and shown.endswith("\n")
    if name == "runqlat":
        for shown in (*frames, last):
            assert sum(slots(shown).values()) > 0
            # One at a time: what was drawn before is not drawn again.
            assert shown.count("distribution") == 1


def test_a_terminal_that_is_too_low_shows_what_fits_and_then_all():
    frames, last = redrawn(OnHost("runqlat", 1, 2, terminal=(80, 6)).wait())
    [shown] = frames
    lines = shown.splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"\.\.\. \d+ more lines; a higher terminal shows them", lines[-1])
    assert sum(slots(last).values()) > 0 and len(last.splitlines()) > 5


@pytest.mark.parametrize("name", TABLES)
def test_in_a_pipe_intervals_follow_one_another(name):
    text = OnHost(name, *TABLES[name], 1, 2).wait()
    assert ESCAPE not in text and "\r" not in text
    if name == "runqlat":
        assert text.count("distribution") == 2
    elif name in ("tcpconnect", "tcpretrans"):
        assert len(re.findall(r"^LADDR", text, re.MULTILINE)) == 2


@pytest.mark.parametrize("name", TABLES)
def test_a_dumb_terminal_is_sent_no_escape(name):
    text = OnHost(name, *TABLES[name], 1, 2, terminal=SIZE, environment={"TERM": "dumb"}).wait()
    assert ESCAPE not in text
    if name == "runqlat":
        assert text.count("distribution") == 2


@pytest.mark.parametrize("name", TABLES)
def test_without_colour_a_table_still_moves_and_has_none(name):
    text = OnHost(name, *TABLES[name], 1, 2, terminal=SIZE,
                  environment={"TERM": "xterm-256color", "NO_COLOR": "1"}).wait()
    redrawn(text)
    assert not re.search(r"\x1b\[[\d;]*m", text)


def test_json_is_never_drawn_over():
    text = OnHost("runqlat", "--json", 1, 2, terminal=SIZE, ready=False).wait()
    assert ESCAPE not in text and len(text.splitlines()) == 2


@pytest.mark.parametrize("name", HISTOGRAMS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_prints_the_last_interval(name, number):
    tool = OnHost(name, 1, terminal=SIZE)
    eventually(lambda: ERASE_BELOW in tool.text)
    tool.process.send_signal(number)
    frames, last = redrawn(tool.wait())
    assert frames and ESCAPE not in last
    if name == "runqlat":
        assert sum(slots(last).values()) > 0


def test_ctrl_c_prints_what_was_counted_since_the_last_interval():
    with Ports() as ports, Dialer() as dialer:
        tool = OnHost("tcpconnect", "--count", 3600)
        dialer.dial("127.0.0.1", ports.refusing[4], 23)
        text = tool.end()
    row = rf"^127\.0\.0\.1 +127\.0\.0\.1 +{ports.refusing[4]} +23$"
    assert len(re.findall(row, text, re.MULTILINE)) == 1


def test_a_reader_that_goes_away_ends_it_quietly():
    command = f"{APUS} execsnoop --json | head -1; echo ${{PIPESTATUS[0]}}"
    shell = subprocess.Popen(["bash", "-c", command], env=ENVIRONMENT, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    # Each look is an exec.
    eventually(lambda: subprocess.run(["true"]) and shell.poll() is not None, 15)
    output, errors = shell.communicate()
    assert errors == "" and output.splitlines()[1:] == ["0"]


def without(*kept):
    """The words that run a command as nobody, with these capabilities alone."""
    held = ",".join(["-all", *(f"+{name}" for name in kept)])
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps", held,
            "--ambient-caps", held, "--bounding-set", held, "--no-new-privs"]


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("kept, missing", [
    ([], "CAP_BPF, CAP_PERFMON"), (["bpf"], "CAP_PERFMON"), (["perfmon"], "CAP_BPF")],
    ids=["none", "bpf", "perfmon"])
def test_without_privilege_one_line_names_what_is_missing(name, kept, missing, tmp_path):
    # Where the binary lies may be closed to others: it is executed as root would.
    with open(APUS, "rb") as binary:
        path = f"/proc/self/fd/{binary.fileno()}"
        done = subprocess.run([*without(*kept), path, name], env=ENVIRONMENT, capture_output=True,
                              text=True, timeout=20, pass_fds=[binary.fileno()])
    assert done.returncode == 4 and done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("apus: ") and f"missing {missing};" in line


@pytest.mark.parametrize("name", TOOLS)
def test_help_has_two_examples_that_are_no_usage_errors(name):
    text = run(name, "--help").stdout
    examples = re.findall(rf"^  apus ({name} .+)\n      \S", text.split("\nExamples:\n")[1],
                          re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        # Every word is read before help is given.
        assert run(*example.split(), "--help").returncode == 0
        assert run(*example.split(), "--no-such-option", "--help").returncode == 2


@pytest.mark.parametrize("name", TOOLS)
def test_the_documentation_names_every_option(name):
    options = run(name, "--help").stdout.split("\nOptions:\n")[1].split("\nExamples:\n")[0]
    flags = re.findall(r"^  (?:(-\S), |    )(--[a-z0-9-]+)", options, re.MULTILINE)
    assert len(flags) > 8
    section = (ROOT / "docs/tools.md").read_text().split(f"\n## {name}: ")[1].split("\n## ")[0]
    named = set(re.findall(r"`(-[^ `]+)", section))
    for short, long in flags:
        assert long == "--help" or named & {short, long}, f"{long} is not in docs/tools.md"
