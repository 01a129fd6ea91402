"""Newest image wins."""

import threading

from emiff_core.inference.newest import NewestSlot


def test_a_newer_item_pushes_the_waiting_one_out():
    slot: NewestSlot[int] = NewestSlot()
    assert slot.put(1) is None
    assert slot.put(2) == 1
    assert slot.get() == 2
    assert slot.put(3) is None


def test_closing_wakes_the_waiting_thread():
    slot: NewestSlot[int] = NewestSlot()
    got: list[int | None] = []
    thread = threading.Thread(target=lambda: got.append(slot.get()))
    thread.start()
    slot.close()
    thread.join(timeout=10)
    assert got == [None]


def test_what_lies_in_a_closed_slot_is_dropped():
    slot: NewestSlot[int] = NewestSlot()
    slot.put(1)
    slot.close()
    assert slot.get() is None
