# SPDX-License-Identifier: Apache-2.0
"""What keeps an agent from starting is found by `apus doctor`, and nothing is changed by that."""
import pathlib
import socket
import tempfile

import pytest

from agent import run
from doctors import apart, check, doctor, quiet
from test_http import Authority

FAILURE, CONFIGURATION = 1, 3


@pytest.fixture
def place():
    """A directory whose name is not too long for a message."""
    with tempfile.TemporaryDirectory() as directory:
        yield pathlib.Path(directory)


@pytest.fixture
def told(place):
    """What is not well with an agent that is started so."""
    def tell(code, *arguments, text="", within=()):
        flags = ("--config", quiet(place, text), *arguments)
        done = doctor(*flags, within=[*within, *apart()])
        assert done.returncode == code, done.stdout
        # The agent does as was foretold; test_bad_input has ports and files.
        if code == CONFIGURATION:
            started = doctor(*flags, within=[*within, *apart()], command="agent")
            assert started.returncode == code, started.stderr
        lines = done.stdout.splitlines()
        found = [line + "\n" + lines[number + 1] for number, line in enumerate(lines)
                 if line.startswith("  error")]
        return "\n".join(found).replace(str(place), "DIRECTORY") + "\n"

    return tell


def test_each_fault_of_an_endpoint_or_a_file(told, place):
    authority = Authority(place)
    for name in ("first", "second"):
        authority.sign(name)
    (place / "empty").write_text("\n")
    (place / "none.pem").write_text("no PEM\n")
    def tls(certificate, key):
        return (f"http: {{ tls: {{ certificate: {place}/{certificate}, "
                f"key: {place}/{key} }} }}\n")
    free, results = ("--listen", "127.0.0.1:0"), {}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        results["the port is taken"] = told(
            FAILURE, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    results["the address is another's"] = told(FAILURE, "--listen", "192.0.2.1:9464")
    results["there is no directory"] = told(FAILURE, *free, "--otlp-file", "/nonexistent/x")
    results["there is a directory"] = told(FAILURE, *free, "--otlp-file", place)
    results["the key is another's"] = told(
        CONFIGURATION, *free, text=tls("first.crt", "second.key"))
    results["the certificate is none"] = told(
        CONFIGURATION, *free, text=tls("none.pem", "first.key"))
    results["the key is none"] = told(CONFIGURATION, *free, text=tls("first.crt", "none.pem"))
    results["the token is empty"] = told(
        CONFIGURATION, *free, text=f"http: {{ token_file: {place}/empty }}\n")
    library = next(pathlib.Path("/usr/lib").glob("*/libmicrohttpd.so.12"))
    results["libmicrohttpd is missing"] = told(FAILURE, *free, within=[
        "unshare", "--mount", "sh", "-c", f'mount --bind /dev/null {library} && exec "$@"', "sh"])
    check("doctor-endpoint", "".join(f"# {what}\n{text}" for what, text in results.items()))


def test_what_can_be_told_without_a_library_config_check_tells(place):
    (place / "empty").write_text("")
    config = quiet(place, f"http: {{ token_file: {place}/empty }}\n")
    done = run("config", "check", "--config", config)
    assert done.returncode == CONFIGURATION and "empty\" is empty; give" in done.stderr


def test_nothing_is_made_and_nothing_is_changed(place):
    old = place / "old.jsonl"
    old.write_text("{}\n")
    before = old.stat()
    for path in (old, place / "new-{signal}.jsonl"):
        done = doctor("--config", quiet(place), "--listen", "127.0.0.1:0", "--otlp-file", path,
                      within=apart())
        assert done.returncode == 0 and "can be written" in done.stdout
    after = old.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert {item.name for item in place.iterdir()} == {"old.jsonl", "quiet.yaml"}
