# SPDX-License-Identifier: Apache-2.0
"""Completion as a person meets it: a shell on a terminal, a word begun, and the tab key."""
import os
import pty
import re
import select
import signal
import time

import pytest

from agent import APUS

SHELLS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
# What the command line came to, word by word; spelled so that its echo is not taken for it.
SHOW = "apus() { printf '(%s)' \"$@\"; echo 'en''d'; }"


class Terminal:
    def __init__(self, shell, directory):
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.chdir(directory)
            os.execvpe(shell, SHELLS[shell],
                       {"PATH": os.environ["PATH"], "HOME": str(directory), "TERM": "dumb"})
        start = "autoload -U compinit; compinit -u -D; " if shell == "zsh" else ""
        self.type(f"{start}source <({APUS} completion {shell}); {SHOW}; echo rea''dy\n")
        self.read(b"ready\r\n")

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def read(self, end):
        seen, deadline = b"", time.monotonic() + 10
        while end not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([self.descriptor], [], [], 0.1)[0]:
                seen += os.read(self.descriptor, 4096)
        return seen

    def complete(self, line):
        """The words of the line once it was completed and entered."""
        # The dot is typed after whatever the tab key has put there.
        self.type(f"apus {line}\t.\n")
        [shown] = re.findall(r"^(\(.*\))end\r", self.read(b"end\r\n").decode(), re.MULTILINE)
        return shown

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.descriptor)


@pytest.fixture(scope="module", params=SHELLS)
def terminal(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("completion")
    (directory / "files/apus").mkdir(parents=True)
    for name in ("apus/own.yaml", "two words.yaml"):
        (directory / "files" / name).touch()
    terminal = Terminal(request.param, directory)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("line,words", [
    ("agent --config files/ap", "(agent)(--config)(files/apus/.)"),
    ("agent --config files/apus/o", "(agent)(--config)(files/apus/own.yaml)(.)"),
    ("agent --config files/tw", "(agent)(--config)(files/two words.yaml)(.)"),
    ("config check --config=files/tw", "(config)(check)(--config=files/two words.yaml)(.)"),
    ("runqlat -c files/a", "(runqlat)(-c)(files/apus/.)"),
    ("agent --log-level d", "(agent)(--log-level)(debug)(.)"),
    ("man con", "(man)(config)(.)"), ("man config sch", "(man)(config)(schema)(.)"),
    ("help config ch", "(help)(config)(check)(.)"), ("config pr", "(config)(print)(.)")])
def test_the_tab_key_completes(terminal, line, words):
    assert terminal.complete(line) == words
