# SPDX-License-Identifier: Apache-2.0
"""Three network namespaces in a row, near - router - far, with counted loss in the middle.

Nothing of the machine's own network is touched. The router may be slow, so that much is in flight,
and drops what a test says; both are undone with the namespaces.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import uuid

HERE = pathlib.Path(__file__).resolve().parent
NEAR, ROUTER, FAR = "near", "router", "far"
ADDRESSES = {NEAR: {4: "10.77.1.2", 6: "fd77:1::2"}, FAR: {4: "10.77.2.2", 6: "fd77:2::2"}}
SETTINGS = {
    # reno does not leave slow start before a loss, so that much comes to be in flight.
    NEAR: ("net.ipv4.tcp_congestion_control=reno", "net.ipv4.tcp_no_metrics_save=1",
           "net.ipv4.tcp_wmem=4096 4194304 33554432",
           "net.ipv4.tcp_rmem=4096 8388608 33554432"),
    ROUTER: ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"),
}
SETTINGS[FAR] = SETTINGS[NEAR]


def command(*arguments, **options):
    done = subprocess.run([str(item) for item in arguments], capture_output=True, text=True,
                          timeout=30, **options)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


class Network:
    def __init__(self):
        self.mark = uuid.uuid4().hex[:8]
        self.peers = []
        self.made = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def name(self, place):
        return f"apus-{self.mark}-{place}"

    def ip(self, place, *arguments):
        return command("ip", "-n", self.name(place), *arguments)

    def run(self, place, *arguments, **options):
        return command("ip", "netns", "exec", self.name(place), *arguments, **options)

    def _build(self):
        for place in (NEAR, ROUTER, FAR):
            command("ip", "netns", "add", self.name(place))
            self.made.append(place)
            self.ip(place, "link", "set", "lo", "up")
            for setting in SETTINGS[place] + ("net.ipv6.conf.all.accept_dad=0",
                                              "net.ipv6.conf.default.accept_dad=0"):
                self.run(place, "sysctl", "-qw", setting)
        for place, number in ((NEAR, 1), (FAR, 2)):
            self.ip(place, "link", "add", "wire", "type", "veth", "peer", "name", place, "netns",
                    self.name(ROUTER))
            for where, device, last in ((place, "wire", 2), (ROUTER, place, 1)):
                self.ip(where, "link", "set", device, "up")
                self.ip(where, "address", "add", f"10.77.{number}.{last}/24", "dev", device)
                self.ip(where, "address", "add", f"fd77:{number}::{last}/64", "dev", device,
                        "nodad")
            self.ip(place, "route", "add", "default", "via", f"10.77.{number}.1")
            self.ip(place, "-6", "route", "add", "default", "via", f"fd77:{number}::1")
        self._thread()
        self.nft(ROUTER, "add table inet apus",
                 "add chain inet apus seen { type filter hook forward priority -1; }",
                 "add chain inet apus loss { type filter hook forward priority 0; }")
        # What these rules refuse, the sender is told of.
        self.nft(NEAR, "add table inet apus",
                 "add chain inet apus loss { type filter hook output priority 0; }")

    def _thread(self):
        """Has the near end receive in a thread of the kernel's.

        Else what an acknowledgement brings about runs on top of any task of the machine, and there
        are hosts that run no BPF on top of some of theirs, as their own tracer shows. A veth pair
        has a thread only for what comes from a side that does not do TSO itself.
        """
        self.run(ROUTER, "ethtool", "-K", NEAR, "tso", "off")
        self.run(NEAR, "ethtool", "-K", "wire", "gro", "on")
        self.run(NEAR, "tee", "/sys/class/net/wire/threaded", input="1")

    def nft(self, place, *rules):
        return self.run(place, "nft", "-f", "-", input="\n".join(rules) + "\n")

    def count(self, match):
        """Counts what comes to the router and matches, dropped there or not."""
        self.nft(ROUTER, f"add rule inet apus seen {match} counter")

    def counted(self, chain="seen", place=ROUTER):
        """Packets of all rules of a chain; of `loss`, those that were dropped."""
        listed = json.loads(self.run(place, "nft", "-j", "list", "chain", "inet", "apus", chain))
        return sum(part["counter"]["packets"] for item in listed["nftables"] if "rule" in item
                   for part in item["rule"]["expr"] if "counter" in part)

    def drop(self, match, place=ROUTER):
        """Drops what matches, from now until `heal`."""
        self.nft(place, f"add rule inet apus loss {match} counter drop")

    def dropped(self, place=ROUTER):
        return self.counted("loss", place)

    def heal(self, place=ROUTER):
        """Drops no more."""
        self.nft(place, "flush chain inet apus loss")

    def slow(self, rate="400mbit", queue="8mb"):
        """A router that queues: what waits there is in flight. Bursts hold a whole GSO packet."""
        self.run(ROUTER, "tc", "qdisc", "replace", "dev", FAR, "root", "tbf", "rate", rate,
                 "burst", "128kb", "limit", queue)

    def offloads(self, place):
        lines = self.run(place, "ethtool", "-k", "wire").splitlines()
        return {line.split(":")[0].strip() for line in lines if ": on" in line}

    def inode(self, place):
        return os.stat(f"/run/netns/{self.name(place)}").st_ino

    def retransmitted(self, place):
        """TcpRetransSegs of the namespace."""
        return self._counter(place, "snmp", "Tcp", "RetransSegs")

    def extended(self, place, name):
        """A counter of TcpExt."""
        return self._counter(place, "netstat", "TcpExt", name)

    def _counter(self, place, table, group, name):
        lines = self.run(place, "cat", f"/proc/net/{table}").splitlines()
        names, values = [line.split() for line in lines if line.startswith(group + ":")]
        return int(values[names.index(name)])

    def peer(self, place, **options):
        made = Peer.start(self.name(place), **options)
        self.peers.append(made)
        return made

    def forked(self, peer):
        made = peer.fork()
        self.peers.append(made)
        return made

    def close(self):
        for peer in self.peers:
            peer.stop()
        for place in self.made:
            command("ip", "netns", "delete", self.name(place))


class Peer:
    """The test's end of peer.py: each method of the class there is one here."""

    def __init__(self, control, process=None, pid=None):
        self.control = control
        self.process = process
        self.pid = pid or process.pid
        self.control.settimeout(90)

    @classmethod
    def start(cls, namespace, **options):
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            # ip executes what it is told to, so the process keeps its number.
            process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, sys.executable, str(HERE / "peer.py"),
                 str(there.fileno())], pass_fds=[there.fileno()], **options)
        return cls(here, process)

    def order(self, do, *arguments, fds=()):
        socket.send_fds(self.control, [json.dumps({"do": do, "with": arguments}).encode()], fds)
        return self.answer()

    def answer(self):
        """(the answer, descriptors that came with it)"""
        text, fds, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
        assert text, f"peer {self.pid} has ended"
        answer = json.loads(text)
        assert "error" not in answer, answer
        return answer, fds

    def __getattr__(self, do):
        return lambda *arguments: self.order(do, *arguments)[0]

    def fork(self):
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            answer, _ = self.order("fork", fds=[there.fileno()])
        # The child answers, too, on its own control.
        child = Peer(here, pid=answer["pid"])
        child.answer()
        return child

    def pass_to(self, other, name):
        """Gives the socket away by SCM_RIGHTS; what it is called there."""
        _, fds = self.order("give", name)
        answer, _ = other.order("take", fds=fds)
        os.close(fds[0])
        return answer

    def stop(self):
        """It ends when its control is closed; one that waits for something is killed."""
        self.control.close()
        if self.process is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            return
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
