"""The frames and how they hang together: insert transforms, look up chains of them. Not thread-safe."""

from collections.abc import Iterator

from tf2_ros.exceptions import (
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
)
from tf2_ros.history import LATEST, Link, MovingHistory, StaticHistory
from tf2_ros.rigid import IDENTITY, Rigid, compose, inverse


class FrameTree:
    """Frames by name, each with the history of its transform to its parent. Times are in ns."""

    def __init__(self, span: int) -> None:
        """Keep moving transforms for `span` ns."""
        self._span = span
        self._histories: dict[str, StaticHistory | MovingHistory] = {}
        self._names: set[str] = set()

    def clear(self) -> None:
        """Forget the moving transforms; static ones, which nobody would send again, and names stay, as in tf2."""
        self._histories = {name: each for name, each in self._histories.items() if isinstance(each, StaticHistory)}

    def insert(self, child: str, stamp: int, link: Link, static: bool) -> bool:
        """Add the transform of `child` to link.parent; False if it is too old or there already."""
        self._names.update((child, link.parent))
        if static:
            self._histories[child] = StaticHistory(link)
            return True
        history = self._histories.get(child)
        if not isinstance(history, MovingHistory):
            history = self._histories[child] = MovingHistory(self._span)
        return history.insert(stamp, link)

    def lookup(self, target: str, source: str, stamp: int) -> tuple[Rigid, int]:
        """Return T_target_source and its time; stamp 0 asks for the latest time that all links have in common.

        Raises InvalidArgumentException, LookupException, ConnectivityException, ExtrapolationException.
        """
        if target == source:
            return IDENTITY, stamp or self._newest_stamp(target)
        self.check_name(target)
        self.check_name(source)
        if stamp == LATEST:
            stamp = self._latest_common_time(target, source)

        above_source: dict[str, Rigid] = {source: IDENTITY}
        failure = None
        try:
            for frame, transform in self._climb(source, stamp):
                above_source[frame] = transform
        except ExtrapolationException as error:
            failure = error
        try:
            for frame, T_frame_target in self._climb(target, stamp):
                if frame in above_source:
                    return compose(inverse(T_frame_target), above_source[frame]), stamp
        except ExtrapolationException as error:
            failure = failure or error
        if failure:
            raise ExtrapolationException(f'{failure}, when looking up {source!r} in {target!r}')
        raise self._not_connected(target, source)

    def check_name(self, frame: str) -> None:
        """Raise InvalidArgumentException or LookupException if no frame can have, or has, this name."""
        if not frame or frame.startswith('/'):
            raise InvalidArgumentException(f'Frame name {frame!r} is invalid: empty, or begins with a slash')
        if frame not in self._names:
            raise LookupException(f'Frame {frame!r} does not exist')

    def _climb(self, frame: str, stamp: int) -> Iterator[tuple[str, Rigid]]:
        """Yield (ancestor, T_ancestor_frame), the frame itself first, up to the root."""
        transform, seen = IDENTITY, {frame}
        yield frame, transform
        while (history := self._histories.get(frame)) is not None:
            link = history.at(stamp)
            frame, transform = link.parent, compose(link.transform, transform)
            if frame in seen:
                raise LookupException(f'The frame {frame!r} is its own ancestor')
            seen.add(frame)
            yield frame, transform

    def _newest_stamp(self, frame: str) -> int:
        history = self._histories.get(frame)
        return (history.newest()[0] or LATEST) if history else LATEST

    def _latest_common_time(self, target: str, source: str) -> int:
        """Return the time up to which every link between the two has data; 0 if all of them are static."""
        source_path, target_path = self._newest_path(source), self._newest_path(target)
        common = next((frame for frame in target_path if frame in source_path), None)
        if common is None:
            raise self._not_connected(target, source)
        stamps = []
        for path in (source_path, target_path):
            for frame, stamp in path.items():
                if frame == common:
                    break
                if stamp is not None:
                    stamps.append(stamp)
        return min(stamps, default=LATEST)

    def _newest_path(self, frame: str) -> dict[str, int | None]:
        """Return the frame and its present ancestors in order, each with the newest stamp of its link upwards."""
        path: dict[str, int | None] = {}
        while frame not in path:
            history = self._histories.get(frame)
            if history is None:
                path[frame] = None
                break
            path[frame], frame = history.newest()
        return path

    @staticmethod
    def _not_connected(target: str, source: str) -> ConnectivityException:
        return ConnectivityException(f'Frames {target!r} and {source!r} are not in the same tree')
