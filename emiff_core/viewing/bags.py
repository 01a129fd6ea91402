"""The moments of bags."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from heapq import merge
from pathlib import Path

from emiff_core.bag.reader import BagReader
from emiff_core.errors import EmiffError
from emiff_core.stamps import stamp_of
from emiff_core.viewing.assembler import Assembler
from emiff_core.viewing.moment import Moment
from emiff_core.viewing.topics import ViewTopics


def moments(bags: Sequence[Path], names: ViewTopics) -> Iterator[Moment]:
    """Yield a moment for each image of the vehicle that got boxes; for each image where the bags hold no boxes at all.

    Args:
        bags: that together hold one drive, such as what was played and what was recorded of it. They are put together
            by stamp, so the times of recording may differ. Images are read one after the other; all else is kept.
        names: of the topics.

    Raises:
        EmiffError: a bag cannot be read, holds no image of the vehicle, or something in it cannot be decoded.
    """
    with ExitStack() as opened:
        readers = [opened.enter_context(BagReader(path)) for path in bags]
        if not any(names.vehicle_image in reader.topics for reader in readers):
            found = sorted({t for reader in readers for t, kind in reader.topics.items() if kind.endswith('Image')})
            raise EmiffError(
                f'{", ".join(map(str, bags))}: expected images of the vehicle on {names.vehicle_image}, '
                f'found images on {", ".join(found) or "no topic"}'
            )
        assembler = Assembler(names, kept=None)
        for reader in readers:
            for topic, _, data in reader.raw_messages(names.small()):
                assembler.add(topic, reader.decode(topic, data), len(data))
        waiting: int | None = None  # one image behind, so that a roadside image written a little later is there
        images = merge(*(reader.messages(names.images) for reader in readers), key=lambda entry: stamp_of(entry[2]))
        for topic, _, message in images:
            assembler.add(topic, message, 0)
            stamp_ns = stamp_of(message)
            if topic != names.vehicle_image or (assembler.detections and stamp_ns not in assembler.detections):
                continue
            if waiting is not None:
                yield assembler.moment(waiting)
            waiting = stamp_ns
        if waiting is not None:
            yield assembler.moment(waiting)
