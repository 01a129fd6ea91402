"""Write rosbag2 folders (metadata version 9: Jazzy and later) with the definitions of their messages inside."""

from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError

from emiff_core.bag.definitions import make_message, make_typestore
from emiff_core.errors import EmiffError

Storage = Literal['mcap', 'sqlite3']

_VERSION: Literal[9] = 9
_FOREVER = QosTime(9223372036, 854775807)  # how ROS 2 writes an unlimited duration


def _profile(durability: QosDurability, depth: int) -> Qos:
    return Qos(
        QosHistory.KEEP_LAST, depth, QosReliability.RELIABLE, durability,
        _FOREVER, _FOREVER, QosLiveliness.AUTOMATIC, _FOREVER, False,
    )  # fmt: skip


SENSOR = _profile(QosDurability.VOLATILE, 10)  # reliable: subscribers with either reliability receive it
LATCHED = _profile(QosDurability.TRANSIENT_LOCAL, 1)  # a late subscriber receives the last message, as on /tf_static


class BagWriter:
    """Writes one bag. As a context it is closed at the end; on an exception it is left without metadata."""

    def __init__(self, path: Path, storage: Storage = 'mcap') -> None:
        """Open a new bag.

        Args:
            path: folder to make; must not exist.
            storage: storage plugin of rosbag2.

        Raises:
            EmiffError: `path` exists or cannot be made, or the storage is unknown.
        """
        plugins = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
        if storage not in plugins:
            raise EmiffError(f'storage: expected {" or ".join(plugins)}, found {storage!r}')
        self.path = path
        self._types = make_typestore()
        self._connections: dict[str, Connection] = {}
        try:
            self._writer = Writer(path, version=_VERSION, storage_plugin=plugins[storage])
            self._writer.open()
        except WriterError as error:
            raise EmiffError(f'{path}: expected a new path for the bag, found something there') from error
        except OSError as error:
            raise EmiffError(f'{path}: expected a place to write a bag: {error.strerror}') from error

    def __enter__(self) -> 'BagWriter':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def add_topic(self, name: str, message_type: str, qos: Qos = SENSOR) -> None:
        """Add a topic before its first message.

        Args:
            name: of the topic.
            message_type: full name, as in sensor_msgs/msg/Image.
            qos: profile that a player offers.

        Raises:
            EmiffError: the topic exists, or the type is unknown.
        """
        if name in self._connections:
            raise EmiffError(f'{self.path}: expected a new topic, found {name} twice')
        if message_type not in self._types.fielddefs:
            raise EmiffError(f'{name}: expected a known message type, found {message_type!r}')
        self._connections[name] = self._writer.add_connection(
            name, message_type, typestore=self._types, offered_qos_profiles=[qos]
        )

    def make(self, message_type: str, /, **fields: Any) -> Any:
        """Return a message of a type (full name) with all its fields given."""
        return make_message(self._types, message_type, **fields)

    def write(self, topic: str, stamp_ns: int, message: object) -> None:
        """Serialise and write a message, made by `make`, at `stamp_ns` nanoseconds.

        Raises:
            EmiffError: as `write_raw`.
        """
        self.write_raw(topic, stamp_ns, self._types.serialize_cdr(message, self._connection(topic).msgtype))

    def write_raw(self, topic: str, stamp_ns: int, cdr: bytes | memoryview) -> None:
        """Write a message that is serialised already (CDR, as rmw gives it), at `stamp_ns` nanoseconds.

        Raises:
            EmiffError: the topic was not added, or there is no room for the message.
        """
        try:
            self._writer.write(self._connection(topic), stamp_ns, cdr)
        except OSError as error:
            raise EmiffError(f'{self.path}: cannot write the bag: {error.strerror}') from error

    def close(self) -> None:
        """Complete the bag with its index and metadata."""
        self._writer.close()

    def _connection(self, topic: str) -> Connection:
        if topic not in self._connections:
            raise EmiffError(f'{self.path}: expected one of {", ".join(self._connections)}, found topic {topic}')
        return self._connections[topic]
