"""Read rosbag2 files: directories, and single .mcap or .db3 files."""

from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError

from emiff_core.bag.definitions import make_typestore
from emiff_core.errors import EmiffError


class BagReader:
    """A bag's messages in the order of time, as they stand or as values.

    Types are read from the definitions that the bag carries; what it does not carry must be ROS 2's or this package's.

    Attributes:
        topics: type by topic.
    """

    def __init__(self, path: Path) -> None:
        """Open a bag.

        Raises:
            EmiffError: there is no bag at `path`, or it is broken.
        """
        self._path = path
        try:
            self._reader = AnyReader([path], default_typestore=make_typestore())
            self._reader.open()
        except (AnyReaderError, ReaderError, OSError, ValueError, KeyError) as error:
            raise EmiffError(f'{path}: expected a rosbag2 directory, .mcap or .db3 file: {error}') from error
        self.topics = {connection.topic: connection.msgtype for connection in self._reader.connections}

    def __enter__(self) -> 'BagReader':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def raw_messages(self, topics: Collection[str] | None = None) -> Iterator[tuple[str, int, bytes]]:
        """Yield (topic, log time in nanoseconds, CDR bytes), of all topics or of those named."""
        for connection, stamp_ns, data in self._messages(topics):
            yield connection.topic, stamp_ns, data

    def messages(self, topics: Collection[str] | None = None) -> Iterator[tuple[str, int, Any]]:
        """Yield (topic, log time in nanoseconds, message value), of all topics or of those named."""
        for connection, stamp_ns, data in self._messages(topics):
            yield connection.topic, stamp_ns, self._reader.deserialize(data, connection.msgtype)

    def decode(self, topic: str, data: bytes) -> Any:
        """Return the value of a message that `raw_messages` yielded."""
        return self._reader.deserialize(data, self.topics[topic])

    def close(self) -> None:
        """Close the bag."""
        self._reader.close()

    def _messages(self, topics: Collection[str] | None) -> Iterator[tuple[Connection, int, bytes]]:
        wanted = [c for c in self._reader.connections if topics is None or c.topic in topics]
        if not wanted:  # the library takes no choice for all
            return
        try:
            yield from self._reader.messages(connections=wanted)
        except (AnyReaderError, ReaderError, OSError) as error:
            raise EmiffError(f'{self._path}: expected messages that can be read: {error}') from error
