"""Write rosbag2 files."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer

from emiff_core.bag.definitions import make_typestore
from emiff_core.errors import EmiffError

Storage = Literal['mcap', 'sqlite3']

_VERSION: Literal[9] = 9
_UNLIMITED = QosTime(2**31 - 1, 2**32 - 1)


class BagWriter:
    """A new rosbag2 directory. Use it as a context: an exception inside removes what was written."""

    def __init__(self, path: Path, storage: Storage = 'mcap') -> None:
        """Open a new bag.

        Args:
            path: directory to make.
            storage: of the messages.

        Raises:
            EmiffError: the path exists already, or cannot be made.
        """
        if path.exists():
            raise EmiffError(f'{path}: expected a path that does not exist yet, to write a bag to')
        self._path = path
        self._types = make_typestore()
        self._writer = Writer(path, version=_VERSION, storage_plugin=StoragePlugin[storage.upper()])
        self._topics: dict[str, Connection] = {}
        try:
            self._writer.open()
        except OSError as error:
            raise EmiffError(f'{path}: cannot write a bag: {error.strerror}') from error

    def __enter__(self) -> 'BagWriter':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is not None:
            shutil.rmtree(self._path, ignore_errors=True)

    def add_topic(self, topic: str, type_name: str, latched: bool = False) -> None:
        """Add a topic before its first message.

        Args:
            topic: its name.
            type_name: such as 'sensor_msgs/msg/Image'.
            latched: offered to late joiners too, as /tf_static is; a player that heeds the bag's QoS does so again.

        Raises:
            EmiffError: the type is unknown.
        """
        if type_name not in self._types.types:
            raise EmiffError(f'{topic}: expected a known message type, found {type_name!r}')
        qos = Qos(
            QosHistory.KEEP_LAST,
            100 if latched else 10,
            QosReliability.RELIABLE,
            QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
            _UNLIMITED,
            _UNLIMITED,
            QosLiveliness.AUTOMATIC,
            _UNLIMITED,
            avoid_ros_namespace_conventions=False,
        )
        self._topics[topic] = self._writer.add_connection(
            topic, type_name, typestore=self._types, offered_qos_profiles=[qos]
        )

    def make(self, type_name: str, **fields: Any) -> Any:
        """Return a message value of a type, by keywords, for `write`."""
        return self._types.types[type_name](**fields)

    def write(self, topic: str, stamp_ns: int, message: Any) -> None:
        """Write a message value under its log time, nanoseconds."""
        connection = self._topics[topic]
        self.write_raw(topic, stamp_ns, self._types.serialize_cdr(message, connection.msgtype))

    def write_raw(self, topic: str, stamp_ns: int, data: bytes | memoryview) -> None:
        """Write a message that is serialised already (CDR)."""
        self._writer.write(self._topics[topic], stamp_ns, data)

    def close(self) -> None:
        """Complete the bag; without it the file has no index."""
        self._writer.close()
