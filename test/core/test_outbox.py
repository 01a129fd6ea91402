"""Sending off the thread that computes."""

import threading

from emiff_core.inference.outbox import Outbox


def test_items_leave_in_their_order():
    sent: list[int] = []
    done = threading.Event()

    def send(item: int) -> bool:
        sent.append(item)
        if item == 5:
            done.set()
        return item != 3

    outbox = Outbox(send, depth=10)
    for item in range(1, 6):
        outbox.put(item)
    assert done.wait(10)
    outbox.close()
    assert (sent, outbox.dropped) == ([1, 2, 3, 4, 5], 1)  # the third is said not to have left


def test_behind_a_slow_network_the_oldest_is_dropped_and_counted_and_nobody_waits():
    sent: list[int] = []
    leaving, free = threading.Event(), threading.Event()

    def send(item: int) -> bool:
        leaving.set()
        free.wait(10)
        sent.append(item)
        return True

    outbox = Outbox(send, depth=2)
    outbox.put(1)
    assert leaving.wait(10)
    for item in (2, 3, 4, 5):
        outbox.put(item)  # returns although nothing leaves
    assert outbox.dropped == 2
    free.set()
    while len(sent) < 3:
        free.wait(0.01)
    outbox.close()
    assert sent == [1, 4, 5]


def test_what_waits_when_it_is_cleared_or_closed_never_leaves():
    sent: list[int] = []
    leaving, free = threading.Event(), threading.Event()

    def send(item: int) -> bool:
        leaving.set()
        free.wait(10)
        sent.append(item)
        return True

    outbox = Outbox(send, depth=2)
    outbox.put(1)
    assert leaving.wait(10)
    outbox.put(2)
    outbox.clear()
    outbox.put(3)
    closing = threading.Thread(target=outbox.close)
    closing.start()
    free.set()
    closing.join(10)
    assert 1 in sent and 2 not in sent
    assert outbox.dropped == 1
