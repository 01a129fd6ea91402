"""Reads rosbag2 folders with the message definitions that they hold."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection, ConnectionExtRosbag2, Qos

from emiff_core.bag.message_types import make_typestore
from emiff_core.errors import EmiffError


class BagMessage(NamedTuple):
    """A message as recorded: its topic, when (nanoseconds), the message with its fields, and its type's full name."""

    topic: str
    stamp_ns: int
    message: Any
    message_type: str


class BagTopic(NamedTuple):
    """A topic of a bag: the type's full name, how many messages, and the profiles that their senders offered."""

    message_type: str
    count: int
    offered_qos: tuple[Qos, ...]


def bag_topics(path: Path) -> dict[str, BagTopic]:
    """Return the topics of a bag by name.

    Raises:
        EmiffError: there is no readable bag.
    """
    with _open(path) as reader:
        return {
            c.topic: BagTopic(
                c.msgtype,
                c.msgcount,
                tuple(c.ext.offered_qos_profiles) if isinstance(c.ext, ConnectionExtRosbag2) else (),
            )
            for c in reader.connections
        }


def read_messages(path: Path, topics: Sequence[str] | None = None) -> Iterator[BagMessage]:
    """Yield the messages of a bag in the order of their time.

    Args:
        path: folder of the bag.
        topics: the ones to read; None reads all.

    Raises:
        EmiffError: there is no readable bag, or it lacks one of the topics.
    """
    with _open(path) as reader:
        chosen: list[Connection] = list(reader.connections)
        if topics is not None:
            present = {c.topic for c in chosen}
            for topic in topics:
                if topic not in present:
                    raise EmiffError(f'{path}: expected topic {topic}, found {", ".join(sorted(present)) or "none"}')
            chosen = [c for c in chosen if c.topic in topics]
        if not chosen:
            return
        for connection, stamp_ns, data in reader.messages(connections=chosen):
            message = reader.deserialize(data, connection.msgtype)
            yield BagMessage(connection.topic, stamp_ns, message, connection.msgtype)


def _open(path: Path) -> AnyReader:
    """Return a reader to be entered; a bag without definitions (older sqlite3 ones) is read with the common types."""
    if not (path / 'metadata.yaml').is_file():
        raise EmiffError(f'{path}: expected a bag (a folder with metadata.yaml), found none')
    try:
        reader = AnyReader([path], default_typestore=make_typestore())
        reader.open()
        reader.close()
    except (AnyReaderError, OSError) as error:
        raise EmiffError(f'{path}: expected a readable bag: {error}') from error
    return reader
