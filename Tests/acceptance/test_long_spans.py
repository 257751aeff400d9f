# SPDX-License-Identifier: Apache-2.0
"""Connects of minutes. Nobody waits so long: their beginning is put back in the kernel's own table.

Linux gives up after 131 s by its defaults, and histograms reach to 512 s.
"""
import json
import os
import pathlib
import socket
import subprocess

from agent import Agent
from decoded import events_of, latest
from receiver import Receiver
from waiting import eventually

NAME = "apus.tcp.connect.duration"
# The index of the exponential bucket that each is in for some seconds more, as closing takes.
BEYOND = 72
SECONDS = {100: 53, 131: 56, 200: 61, 500: 71, 600: BEYOND, 5000: BEYOND}


def bpftool(*arguments):
    return json.loads(subprocess.run(["bpftool", "--json", *map(str, arguments)], check=True,
                                     capture_output=True, text=True).stdout or "null")


def maps_of(pid):
    """The ids of the maps that a process holds."""
    for described in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = described.read_text().splitlines()
        except FileNotFoundError:  # Closed meanwhile.
            continue
        for line in lines:
            if line.startswith("map_id:"):
                yield int(line.split()[1])


def put_back(agent_pid, seconds):
    """Lets the pending connects of this process have begun so long ago, one each."""
    held = set(maps_of(agent_pid))
    [table] = [entry["id"] for entry in bpftool("map", "show")
               if entry["id"] in held and entry.get("name") == "connects"]
    mine = [entry for entry in bpftool("map", "dump", "id", table)
            if entry["formatted"]["value"]["process"]["pid"] == os.getpid()]
    assert len(mine) == len(seconds)
    for entry, age in zip(mine, seconds):
        begun = entry["formatted"]["value"]["begun_ns"]
        value = bytes(int(byte, 16) for byte in entry["value"])
        older = value.replace(begun.to_bytes(8, "little"),
                              (begun - age * 10**9).to_bytes(8, "little", signed=True))
        assert older != value
        bpftool("map", "update", "id", table, "key", *entry["key"], "value", *older)


def unanswered(count):
    """Sockets that connect to a listener whose queue is full."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    sockets = [listener, socket.create_connection(listener.getsockname())]
    for _ in range(count):
        sockets.append(socket.socket())
        sockets[-1].setblocking(False)
        sockets[-1].connect_ex(listener.getsockname())
    return sockets


def test_connects_of_minutes_are_in_their_buckets_and_longer_ones_in_none_of_those(tmp_path):
    with Receiver() as receiver, Agent(tmp_path, {
            "export.endpoint": receiver.http_endpoint, "metrics.interval": "200ms"}) as agent:
        sockets = unanswered(len(SECONDS))
        put_back(agent.pid, SECONDS)
        for one in sockets:
            one.close()

        def points():
            return [point for point in latest(receiver.messages("metrics"), NAME)
                    if point.attributes.get("apus.tcp.connect.outcome") == "abandoned"]

        eventually(lambda: sum(point.point.count for point in points()) == len(SECONDS), 15,
                   lambda: str(points()))
        [point] = points()
        data = point.point
        found = [data.positive.offset + index
                 for index, count in enumerate(data.positive.bucket_counts) for _ in range(count)]
        assert found == sorted(SECONDS.values())
        assert sum(SECONDS) <= data.sum < sum(SECONDS) + 5 * len(SECONDS)
        assert max(SECONDS) <= data.max < max(SECONDS) + 5
        buckets = {float(labels["le"]): count
                   for labels, count in agent.samples("apus_tcp_connect_duration_seconds_bucket")
                   if labels["apus_tcp_connect_outcome"] == "abandoned"}
        assert buckets[32] == 0 and buckets[float("inf")] == len(SECONDS)

        def lasted():
            return sorted(
                event["apus.tcp.connect.duration"]
                for event in events_of(receiver.messages("logs"), "apus.tcp.connect")
                if event["apus.tcp.connect.outcome"] == "abandoned"
                and event["process.pid"] == os.getpid())

        eventually(lambda: len(lasted()) == len(SECONDS), 10, lambda: str(lasted()))
        assert all(age <= took < age + 5 for age, took in zip(sorted(SECONDS), lasted()))
