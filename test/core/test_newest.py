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


def test_a_deeper_slot_drops_its_oldest_and_hands_out_the_rest_in_order():
    slot: NewestSlot[int] = NewestSlot(depth=2)
    assert [slot.put(number) for number in (1, 2, 3)] == [None, None, 1]
    assert [slot.get(), slot.get()] == [2, 3]


def test_a_cleared_slot_tells_how_much_it_dropped_and_goes_on():
    slot: NewestSlot[int] = NewestSlot(depth=3)
    slot.put(1)
    slot.put(2)
    assert slot.clear() == 2
    slot.put(3)
    assert slot.get() == 3
