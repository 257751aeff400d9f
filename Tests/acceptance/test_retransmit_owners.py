# SPDX-License-Identifier: Apache-2.0
"""Segments sent again are those of the process that owns the socket, whoever was running."""
from namespaces import ADDRESSES, FAR, NEAR
from retransmits import COUNT, DATA
from waiting import eventually


def test_connections_older_than_the_agent_have_owners(network, watched):
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    worker = network.forked(far)
    ends = near.connect(ADDRESSES[FAR][4], listener["port"], COUNT)
    accepted = [worker.accept(listener["name"]) for _ in ends]
    watched.start()
    check_owners(network, watched, near, ends, worker, accepted, ("primed", "primed"))


def test_an_accepted_connection_is_of_the_process_that_accepted_it(network, watched):
    watched.start()
    near, far = network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    worker = network.forked(far)
    ends = near.connect(ADDRESSES[FAR][4], listener["port"], COUNT)
    accepted = [worker.accept(listener["name"]) for _ in ends]
    check_owners(network, watched, near, ends, worker, accepted, ("connected", "accepted"))


def test_a_connection_that_was_passed_on_stays_its_openers(network, watched):
    watched.start()
    near, other, far = network.peer(NEAR), network.peer(NEAR), network.peer(FAR)
    listener = far.listen(ADDRESSES[FAR][4])
    ends = near.connect(ADDRESSES[FAR][4], listener["port"], COUNT)
    accepted = [far.accept(listener["name"]) for _ in ends]
    passed = [near.pass_to(other, end["name"]) for end in ends]
    check_owners(network, watched, near, passed, far, accepted, ("connected", "accepted"),
                 sender=other)


def check_owners(network, watched, near, ends, far, accepted, origins, sender=None):
    """Both sides lose what they send; each event is its socket's owner's."""
    sender = sender or near
    network.drop(DATA)
    for end in ends:
        sender.send(end["name"], 100)
    for end in accepted:
        far.send(end["name"], 100)
    for place in (NEAR, FAR):
        eventually(lambda: len(watched.by_cookie(place)) == COUNT, 20)
    network.heal()
    for end, other in zip(ends, accepted):
        sender.end(end["name"])
        far.end(other["name"])
    watched.check_sums()
    for place, peer, origin, own in ((NEAR, near, origins[0], ends),
                                     (FAR, far, origins[1], accepted)):
        assert set(watched.by_cookie(place)) == {end["cookie"] for end in own}
        for event in watched.of(place):
            assert event["process.pid"] == peer.pid
            assert event["apus.socket.owner.origin"] == origin
