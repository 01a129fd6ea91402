"""The transforms of one frame to its parent, over time."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

from tf2_ros.exceptions import ExtrapolationException
from tf2_ros.rigid import Rigid, interpolate

LATEST = 0  # as a time asked for, tf2 reads zero as "the newest there is"


class Link(NamedTuple):
    """The pose of a frame in its parent frame: transform maps points of the frame into the parent."""

    parent: str
    transform: Rigid


@dataclass(frozen=True)
class StaticHistory:
    """A transform that holds at every time."""

    link: Link

    def newest(self) -> tuple[int | None, str]:
        """Return (None, parent): a static transform restricts no common time."""
        return None, self.link.parent

    def at(self, _stamp: int) -> Link:
        """Return the link; it holds at any time."""
        return self.link


@dataclass(frozen=True)
class MovingHistory:
    """Transforms in the order of their stamps [ns], none older than the newest less `span` [ns]."""

    span: int
    stamps: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    def insert(self, stamp: int, link: Link) -> bool:
        """Add a transform and drop what is too old; False if it is too old itself or its stamp is taken."""
        if self.stamps and stamp < self.stamps[-1] - self.span:
            return False
        index = bisect_left(self.stamps, stamp)
        if index < len(self.stamps) and self.stamps[index] == stamp:
            return False
        self.stamps.insert(index, stamp)
        self.links.insert(index, link)
        expired = bisect_left(self.stamps, self.stamps[-1] - self.span)
        del self.stamps[:expired], self.links[:expired]
        return True

    def newest(self) -> tuple[int | None, str]:
        """Return the newest stamp [ns] and the parent that it names."""
        return self.stamps[-1], self.links[-1].parent

    def at(self, stamp: int) -> Link:
        """Return the link at `stamp` [ns], interpolated between its neighbours.

        Raises ExtrapolationException outside the stored time.
        """
        if stamp == LATEST:
            return self.links[-1]
        index = bisect_left(self.stamps, stamp)
        if index < len(self.stamps) and self.stamps[index] == stamp:
            return self.links[index]
        if index == 0 or index == len(self.stamps):
            side, bound = ('past', self.stamps[0]) if index == 0 else ('future', self.stamps[-1])
            raise ExtrapolationException(
                f'Lookup would require extrapolation into the {side}: requested time {stamp / 1e9:.6f}, '
                f'while the data of this link to {self.links[-1].parent!r} ends at {bound / 1e9:.6f}')
        before, after = self.links[index - 1], self.links[index]
        if before.parent != after.parent:
            return before
        ratio = (stamp - self.stamps[index - 1]) / (self.stamps[index] - self.stamps[index - 1])
        return Link(before.parent, interpolate(before.transform, after.transform, ratio))
