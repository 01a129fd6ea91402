"""`emiff bag`: turn a data set into a rosbag2."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class StorageOption(str, Enum):
    """Storage plugins of rosbag2."""

    mcap = 'mcap'
    sqlite3 = 'sqlite3'


def bag(
    data: Annotated[Path, typer.Option(help='Data set in the layout of DAIR-V2X-C.')],
    out: Annotated[Path, typer.Option(help='Folder of the bag; must not exist.')],
    storage: Annotated[StorageOption, typer.Option(help='Storage plugin.')] = StorageOption.mcap,
    raw: Annotated[bool, typer.Option('--raw', help="Decoded bgr8 images in place of the files' own bytes.")] = False,
    frames: Annotated[int | None, typer.Option(help='Only the first so many frames.', min=1)] = None,
    split: Annotated[str | None, typer.Option(help='Only the frames of a split: train, val or test.')] = None,
    split_file: Annotated[Path | None, typer.Option(help='Split file, where it is not in the data set.')] = None,
) -> None:
    """Write a bag with images, calibrations, transforms and the truth, for `ros2 bag play`."""
    from rich.console import Console
    from rich.progress import Progress

    from emiff_core.bag.dair_to_bag import write_bag
    from emiff_core.data.dair_v2x import DairV2xDataset

    dataset = DairV2xDataset(data, split, split_file)
    console = Console(markup=False)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task('writing', total=None)
        count = write_bag(
            dataset,
            out,
            storage.value,
            raw,
            frames,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    taken = len(dataset) if frames is None else min(frames, len(dataset))
    console.print(f'{count} messages of {taken} frames in {out}', highlight=False, soft_wrap=True)
