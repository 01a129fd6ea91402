"""Stamps of messages, in nanoseconds and back. Written against the fields, so it takes values of bags and of nodes."""

from collections.abc import Callable
from typing import Any

SECOND_NS = 1_000_000_000


def nanoseconds(stamp: Any) -> int:
    """Return a builtin_interfaces/Time as nanoseconds."""
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)


def stamp_of(message: Any) -> int:
    """Return the header's stamp, nanoseconds."""
    return nanoseconds(message.header.stamp)


def make_header(make: Callable[..., Any], stamp_ns: int, frame_id: str) -> Any:
    """Return a std_msgs/Header; `make` returns a message of a type (full name) with the fields given by keyword."""
    seconds, rest = divmod(stamp_ns, SECOND_NS)
    return make(
        'std_msgs/msg/Header', stamp=make('builtin_interfaces/msg/Time', sec=seconds, nanosec=rest), frame_id=frame_id
    )
