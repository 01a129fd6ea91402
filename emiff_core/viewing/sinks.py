"""Where moments go: a picture, a video, or Rerun."""

from pathlib import Path

import cv2

from emiff_core.config import VoxelConfig
from emiff_core.data.images import write_image
from emiff_core.errors import EmiffError
from emiff_core.viewing.dashboard import HEIGHT, WIDTH, Dashboard
from emiff_core.viewing.moment import Moment
from emiff_core.viewing.sink import Sink

_VIDEO_HZ = 10.0


class PictureSink(Sink):
    """A PNG of the last moment, with charts of all that came before it."""

    def __init__(self, path: Path, voxels: VoxelConfig) -> None:
        """Write to `path`, which is replaced."""
        self._path = path
        self._dashboard = Dashboard(voxels)
        self._moment: Moment | None = None

    def show(self, moment: Moment) -> None:
        """Remember the moment; the one before it only leaves its figures in the charts."""
        if self._moment is not None:
            self._dashboard.remember(self._moment)
        self._moment = moment

    def close(self) -> None:
        """Draw the last moment."""
        if self._moment is None:
            return
        write_image(self._path, self._dashboard.draw(self._moment))


class VideoSink(Sink):
    """An MP4 (MPEG-4 part 2) of ten moments a second."""

    def __init__(self, path: Path, voxels: VoxelConfig) -> None:
        """Write to `path`, which is replaced.

        Raises:
            EmiffError: it cannot be written.
        """
        self._dashboard = Dashboard(voxels)
        code = cv2.VideoWriter.fourcc(*'mp4v')
        self._writer = cv2.VideoWriter(str(path), code, _VIDEO_HZ, (WIDTH, HEIGHT))
        if not self._writer.isOpened():
            raise EmiffError(f'{path}: expected a place to write a video, found none')

    def show(self, moment: Moment) -> None:
        """Append a frame."""
        self._writer.write(self._dashboard.draw(moment))

    def close(self) -> None:
        """Complete the file."""
        self._writer.release()


def make_sink(save: Path | None, voxels: VoxelConfig) -> Sink:
    """Return what writes to `save` (.png, .mp4 or .rrd), or with None what shows it in a Rerun window.

    Args:
        save: path of the file; its folder must exist.
        voxels: what the model sees.

    Raises:
        EmiffError: the suffix is another, the folder is missing, or Rerun is needed and not installed.
    """
    if save is not None and not save.parent.is_dir():
        raise EmiffError(f'{save}: expected a folder {save.parent}, found none')
    if save is not None and save.suffix == '.png':
        return PictureSink(save, voxels)
    if save is not None and save.suffix == '.mp4':
        return VideoSink(save, voxels)
    if save is not None and save.suffix != '.rrd':
        raise EmiffError(f'{save}: expected a file that ends in .png, .mp4 or .rrd')
    try:
        from emiff_core.viewing.rerun_sink import RerunSink
    except ImportError as error:
        raise EmiffError('expected the viewer Rerun: pip install rerun-sdk, or --save a .png') from error
    return RerunSink(save, voxels)
