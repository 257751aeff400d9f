# SPDX-License-Identifier: Apache-2.0
"""`apus doctor` as golden files: with and without privilege, of a bare machine, and its JSON."""
import contextlib
import json
import os
import shutil
import tempfile

from agent import APUS, Agent, run
from doctors import apart, check, doctor, quiet, section
from waiting import eventually

# Whoever has the default's port beside these tests is none of their matter.
LISTEN = ("--listen", "127.0.0.1:0")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
          "--bounding-set=-all"]


def test_all_is_well_here():
    done = doctor(*LISTEN, within=apart())
    assert done.returncode == 0, done.stdout + done.stderr
    check("doctor-root", done.stdout)
    assert done.stderr == "" and "\x1b" not in done.stdout
    # Whatever this machine's lockdown is: kprobes belong to confidentiality, and none is used.
    assert "kprobe" not in done.stdout


def test_json_says_the_same():
    text = doctor(*LISTEN, within=apart()).stdout
    lines = doctor("--json", *LISTEN, within=apart()).stdout.splitlines()
    *objects, result = [json.loads(line) for line in lines]
    assert all(set(item) == {"section", "name", "state", "value", "remedy"} for item in objects)
    told = [item for item in objects if item["name"] in text and item["value"] in text]
    assert told == objects and len(objects) == sum(
        line.startswith("  ") and "-> " not in line for line in text.splitlines())
    assert result == {"result": "ok", "errors": 0, "warnings": 0, "ok": len(objects),
                      "exit_code": 0}


@contextlib.contextmanager
def program_for_nobody():
    """A copy where anyone may run it."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield shutil.copy(APUS, directory)


def test_without_privilege():
    with program_for_nobody() as program:
        done = doctor(*LISTEN, within=[*apart(), *NOBODY], program=program)
    assert done.returncode == 4
    check("doctor-nobody", done.stdout)
    assert done.stderr == "apus: 1 error; see above\n"


def test_without_btf():
    done = doctor(*LISTEN, within=apart("/sys/kernel/btf"))
    assert done.returncode == 4
    check("doctor-without-btf", done.stdout)


def test_of_a_bare_machine():
    done = doctor(*LISTEN, within=apart("/sys/kernel/tracing", "/sys/kernel/security",
                                         "/sys/fs/cgroup"))
    check("doctor-bare", done.stdout)
    assert done.returncode == 0, "all of it are warnings"


def test_a_wrong_configuration(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("runqlat:\n  enabeld: false\nbuffers:\n  ring: 3MiB\n")
    done = doctor("--config", path, environment={"OTEL_METRIC_EXPORT_INTERVAL": "10s"},
                  within=apart())
    assert done.returncode == 3
    told = doctor("--json", "--config", path, within=apart()).stdout.splitlines()
    *objects, result = [json.loads(line) for line in told]
    checked = run("config", "check", "--json", "--config", path).stdout.splitlines()
    places = ("file", "line", "column", "key", "wrong", "right")
    assert ([{key: item[key] for key in places} for item in objects if "line" in item]
            == [{key: item[key] for key in places} for item in map(json.loads, checked[:-1])])
    assert result["errors"] == 2 and result["exit_code"] == 3
    check("doctor-configuration", section(done.stdout, "configuration").replace(str(path), "FILE"))
    path.write_text("runqlat:\n  enabled: false\nhooks: compatible\nbuffer: perf\n")
    done = doctor("--config", path, *LISTEN, within=apart(),
                  environment={"OTEL_METRIC_EXPORT_INTERVAL": "10s"})
    assert done.returncode == 0
    check("doctor-compatible", done.stdout.replace(str(path), "FILE"))


def test_of_a_running_agent(tmp_path):
    told = {}
    with program_for_nobody() as program:
        for name, settings in (("an agent", {}), ("one that serves nothing", {"listen": "off"})):
            with Agent(tmp_path, settings) as agent:
                for who, done in (("root", doctor()),
                                  ("nobody", doctor(within=NOBODY, program=program))):
                    told[f"{name}, asked by {who}"] = section(done.stdout, "agent")
                    assert f"with pid {agent.pid}" in done.stdout
                    # What it is told of the defaults is no news of that agent.
                    assert f"the running agent (pid {agent.pid}) may have others" in done.stdout
                if "listen" not in settings:
                    own = doctor("--config", quiet(tmp_path), "--listen",
                                 f"127.0.0.1:{agent.port}")
                    assert f"127.0.0.1:{agent.port} is the running agent's" in own.stdout
                    assert own.returncode == 0 and "nothing is sent" in own.stdout
    check("doctor-agent", "".join(f"# {what}\n{text}" for what, text in told.items()))


def test_of_an_agent_whose_network_is_another(tmp_path):
    with Agent(tmp_path, {"listen": "127.0.0.1:9464"}, ready=False,
               wrapper=["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
               ) as agent:
        eventually(lambda: "msg=started" in agent.log, 15, lambda: agent.log)
        done = doctor(*LISTEN)
        assert "http://127.0.0.1:9464/metrics does not answer here" in done.stdout
        assert "apus.process.exec to metrics: " in done.stdout and done.returncode == 0


def test_a_configuration_of_which_nothing_can_come(tmp_path):
    idle = quiet(tmp_path)
    done = doctor("--config", idle, *LISTEN, within=apart())
    assert "warning use" in done.stdout and "nothing is watched" in done.stdout
    done = doctor("--listen", "off", within=apart())
    assert "events are only counted" in done.stdout and done.returncode == 0
    with Agent(tmp_path, {f"{name}.enabled": False for name in (
            "exec", "runqlat", "tcpconnect", "tcpretrans", "biolatency")}) as agent:
        assert "nothing is watched" in agent.log


def test_what_was_lost_is_told_with_what_helps(tmp_path):
    others = ("runqlat", "tcpconnect", "tcpretrans", "biolatency")
    with Agent(tmp_path, {"file.path": "/dev/full",
                          **{f"{name}.enabled": False for name in others}}):
        eventually(lambda: "-> export write_failed: make room on the disk" in doctor(
            "--config", quiet(tmp_path)).stdout, 20)
