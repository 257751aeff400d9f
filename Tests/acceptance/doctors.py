# SPDX-License-Identifier: Apache-2.0
"""What the tests of `apus doctor` share: running it apart, and comparing with golden files.

APUS_GOLDEN=write writes them anew, to be read before they are committed.
"""
import os
import pathlib
import re
import subprocess

from agent import APUS, ENVIRONMENT

GOLDEN = pathlib.Path(__file__).parent / "golden"
# What differs between machines of the same kind, or from run to run.
VARIABLE = [
    (r"(ok +(?:release|lockdown|lsm|clock|cgroups) +).*", r"\1(of this machine)"),
    (r"\d+ possible", "N possible"),
    (r"after \d+ milliseconds", "after N milliseconds"),
    (r"(?m)^(  ok +\S.*? {2,})\d+ (?:B|KiB|MiB)\b", r"\1SIZE"),
    (r"\d+ KiB resident", "SIZE resident"),
    (r"with pid \d+", "with pid PID"),
    (r"127\.0\.0\.1([: ](?:port )?)\d+", r"127.0.0.1\1PORT"),
    (r"OpenSSL/[\d.]+", "OpenSSL"),
    (r"after \d+ m", "after N m"),
    # Whichever end is faster.
    (r"Send failure: (Broken pipe|Connection reset by peer)|Recv failure: Connection reset by peer",
     "Empty reply from server"),
    (r"\d+ (produced|delivered|filtered|on the way)", r"N \1"),
]


def normal(text):
    for pattern, replacement in VARIABLE:
        text = re.sub(pattern, replacement, text)
    return text


def check(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("APUS_GOLDEN") == "write":
        path.write_text(normal(text))
    assert normal(text) == path.read_text(), f"{path.name} differs"


def doctor(*arguments, environment=None, within=(), program=APUS, command="doctor"):
    return subprocess.run([*within, program, command, *map(str, arguments)], text=True,
                          env={**ENVIRONMENT, **(environment or {})}, capture_output=True,
                          timeout=60)


def apart(*mounts):
    """In a mount namespace of its own, without a running agent: what to run first."""
    steps = " && ".join(["mount -t tmpfs none /run",
                         *(f"mount -t tmpfs none {path}" for path in mounts)])
    return ["unshare", "--mount", "sh", "-c", f'{steps} && exec "$@"', "sh"]


def section(text, name):
    parts = dict(part.split("\n", 1) for part in text.split("\n\n"))
    return parts[name].rstrip("\n") + "\n"


def quiet(directory, text=""):
    """A configuration without probes, which need not be tried where they are not the matter."""
    path = directory / "quiet.yaml"
    probes = ("exec", "runqlat", "tcpconnect", "tcpretrans", "biolatency")
    path.write_text("".join(f"{name}: {{ enabled: false }}\n" for name in probes) + text)
    return path
