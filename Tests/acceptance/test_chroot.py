# SPDX-License-Identifier: Apache-2.0
"""The binary needs nothing but glibc, libstdc++ and libgcc: it runs where nothing else is."""
import os
import re
import shutil
import subprocess

import pytest

from agent import APUS, ENVIRONMENT, SANITIZED
from blockdevice import LoopDevice, fio
from test_counterparts import slots
from tools import Dialer, Ports, unexpected
from waiting import eventually

pytestmark = pytest.mark.skipif(SANITIZED, reason="that binary is linked with Swift's libraries")

# What a bare Debian has. libcurl and libmicrohttpd are opened when they are first needed.
ALLOWED = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"}


def needed():
    """{name: path} of the libraries that the loader wants."""
    output = subprocess.run(["ldd", APUS], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^\s*(\S+) => (/\S+)", output, re.MULTILINE))
    loader = re.search(r"^\s*(/\S+ld-linux\S+)", output, re.MULTILINE)[1]
    return found, loader


def test_no_library_beyond_those_of_a_bare_debian_is_linked():
    assert set(needed()[0]) <= ALLOWED


@pytest.fixture
def bare(tmp_path):
    """A root with the binary, its libraries, and empty directories to mount on."""
    libraries, loader = needed()
    for path in [*libraries.values(), loader]:
        target = tmp_path / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(path), target)
    for name in ("proc", "sys", "tmp", "run", "dev"):
        (tmp_path / name).mkdir()
    shutil.copy(APUS, tmp_path / "apus")
    return tmp_path


def start(bare, *arguments, stdout=subprocess.PIPE):
    script = (f"mount --rbind /proc {bare}/proc && mount --rbind /sys {bare}/sys && "
              f'exec chroot {bare} /apus "$@"')
    return subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *arguments],
        env=ENVIRONMENT, stdout=stdout, stderr=subprocess.PIPE, text=True)


def stop(process):
    process.terminate()
    return process.communicate(timeout=20)


def test_it_tells_its_version_in_a_bare_root(bare):
    output, errors = start(bare, "version").communicate(timeout=20)
    assert re.match(r"apus \d+\.\d+", output), errors


@pytest.fixture
def shown(bare):
    """Starts a tool in the bare root; what it has shown so far."""
    running = []

    def begin(*arguments):
        path = bare / "out"
        with open(path, "wb") as output:
            running.append(start(bare, *arguments, stdout=output))
        return path.read_text

    yield begin
    for process in running:
        _, errors = stop(process)
        assert process.returncode == 0 and unexpected(errors) == []


def test_it_shows_executions_in_a_bare_root(shown, workloads):
    text, program = shown("execsnoop", "--json"), workloads.marked()
    eventually(lambda: workloads.storm(program, 1) and program.name in text(), 15)


def test_it_shows_connects_in_a_bare_root(shown):
    text = shown("tcpconnect", "--json")
    with Ports() as ports, Dialer() as dialer:
        eventually(lambda: dialer.dial("127.0.0.1", ports.listening[4])
                   and f'"comm":"{dialer.name}"' in text(), 15)


def test_it_shows_retransmits_in_a_bare_root(shown):
    text = shown("tcpretrans", "--json")
    with Dialer() as dialer:
        # Its SYN is sent again once a second.
        dialer.order("begin", address="127.0.0.1", count=1)
        eventually(lambda: f'"comm":"{dialer.name}"' in text(), 15)


def test_it_draws_waits_in_a_bare_root(bare, workloads):
    process = start(bare, "runqlat", "1", "1")
    workloads.spinners(0, 2, 1)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0 and errors == ""
    assert sum(slots(output).values()) > 0


def test_it_draws_block_requests_in_a_bare_root(shown, tmp_path_factory):
    with LoopDevice(tmp_path_factory.mktemp("loop")) as loop:
        text = shown("biolatency", "-D", "-d", loop.name, "1")
        eventually(lambda: fio(loop, rw="randwrite", number_ios=23, size="1m")
                   and "distribution" in text(), 15)
        assert f"disk = {loop.name}" in text()


def test_it_writes_otlp_to_a_file_in_a_bare_root(bare, workloads):
    program = workloads.marked()
    process = start(bare, "agent", "--listen", "off", "--otlp-file", "/tmp/out.json")
    path = bare / "tmp/out.json"
    try:
        eventually(lambda: workloads.storm(program, 1) and path.exists()
                   and str(program) in path.read_text(), 15)
    finally:
        _, errors = stop(process)
    assert process.returncode == 0, errors


def test_without_libmicrohttpd_it_names_what_is_missing(bare):
    process = start(bare, "agent", "--listen", "127.0.0.1:0")
    try:
        eventually(lambda: process.poll() is not None, 5)
    except AssertionError:
        pass
    _, errors = stop(process)
    assert "libmicrohttpd" in errors
