# SPDX-License-Identifier: Apache-2.0
"""What `exec.args` keeps private never leaves the machine, in no attribute of any record."""
import pytest

from agent import Agent
from decoded import events_of
from receiver import Receiver
from waiting import eventually

SECRETS = [
    ["--password=hunter2xyz"], ["--password", "hunter2xyz"], ["--token=hunter2xyz"],
    ["--api-key", "hunter2xyz"], ["https://user:hunter2xyz@example.org/x"], ["--secret=hunter2xyz"],
]


@pytest.mark.parametrize("privacy", ["redacted", "none"])
def test_arguments_are_kept_private(workloads, tmp_path, privacy):
    settings = {} if privacy == "redacted" else {"exec.args": "none"}
    with Receiver() as receiver:
        with Agent(tmp_path, {"export.endpoint": receiver.http_endpoint,
                              "export.schedule_delay": "50ms", **settings}):
            program = workloads.marked()
            for secret in SECRETS:
                workloads.case("plain", program, "--user=somebody", *secret, "plain", count=1)

            def found():
                return [event for event in events_of(receiver.messages("logs"),
                                                     "apus.process.exec")
                        if event.get("process.executable.path") == str(program)]

            events = eventually(lambda: len(found()) == len(SECRETS) and found())
        everything = b"".join(message.SerializeToString() for message in receiver.messages("logs"))
    assert b"hunter2xyz" not in everything
    for event, secret in zip(events, SECRETS):
        assert event["process.args_count"] == 4 + len(secret)
        if privacy == "none":
            assert "process.command_args" not in event.attributes
        else:
            arguments = event["process.command_args"]
            # What is no secret stays readable.
            assert arguments[:2] == [str(program), "--user=somebody"]
            assert arguments[-2:] == ["plain", "0"]
