"""Message types by name, and the one field that every stamped message has in the same place."""

import importlib
import struct

from emiff_core.errors import EmiffError
from emiff_core.stamps import SECOND_NS

_CDR_LITTLE_ENDIAN = 1
_STAMP_OFFSET = 4  # behind the CDR encapsulation header


def message_class(type_name: str) -> type:
    """Return the Python class of a type such as 'sensor_msgs/msg/Image'.

    Raises:
        EmiffError: there is no such type in this environment.
    """
    package, _, name = type_name.rpartition('/')
    try:
        found: type = getattr(importlib.import_module(package.replace('/', '.')), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise EmiffError(f'expected a message type of this environment, found {type_name!r}') from error
    return found


def header_stamp_ns(data: bytes) -> int:
    """Return the stamp, nanoseconds, of a serialised message that begins with a std_msgs/Header (CDR, DDS-XTypes 7.4).

    Raises:
        EmiffError: the message is too short.
    """
    if len(data) < _STAMP_OFFSET + 8:
        raise EmiffError(f'expected a serialised message with a header, found {len(data)} bytes')
    order = '<' if data[1] == _CDR_LITTLE_ENDIAN else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', data, _STAMP_OFFSET)
    return int(seconds) * SECOND_NS + int(nanoseconds)
