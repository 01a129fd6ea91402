"""`emiff convert-checkpoint`: the authors' checkpoints to ours and back."""

from pathlib import Path
from typing import Annotated

import typer


def convert_checkpoint(
    source: Annotated[Path, typer.Argument(metavar='IN', help='Official .pth, or with --reverse our .safetensors.')],
    target: Annotated[Path, typer.Argument(metavar='OUT', help='File to write; must not exist.')],
    config: Annotated[
        Path | None, typer.Option(help='Config of the detector; the official one, or with --reverse the one beside IN.')
    ] = None,
    reverse: Annotated[bool, typer.Option('--reverse', help='Write the official names back.')] = False,
) -> None:
    """Convert an official checkpoint to safetensors plus the YAML of its config, or back, bit for bit."""
    import torch
    from rich.console import Console

    from emiff_core.config import load_config, save_config
    from emiff_core.errors import EmiffError
    from emiff_core.model import checkpoint, weights
    from emiff_core.resources import config_dir

    beside_target, beside_source = target.with_suffix('.yaml'), source.with_suffix('.yaml')
    for path in (target,) if reverse else (target, beside_target):
        if path.exists():
            raise EmiffError(f'{path}: expected a file that does not exist yet')
    if not reverse and target == beside_target:
        raise EmiffError(f'{target}: expected a name that ends in .safetensors; its config goes beside it as .yaml')
    if not target.parent.is_dir():
        raise EmiffError(f'{target.parent}: expected a folder, found none')
    if config is None:
        config = beside_source if reverse and beside_source.is_file() else config_dir() / 'emiff_official.yaml'
    detector = load_config(config)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if reverse:
        tensors = checkpoint.to_official_checkpoint(source, detector)
        try:
            torch.save({'meta': {}, 'state_dict': tensors}, target)
        except (OSError, RuntimeError) as error:
            raise EmiffError(f'{target}: cannot write the checkpoint: {error}') from None
        console.print(f'{len(tensors)} tensors under their official names in {target}')
    else:
        tensors = checkpoint.from_official_checkpoint(source, detector)
        weights.write(tensors, target)
        save_config(detector, beside_target)
        console.print(f'{len(tensors)} tensors in {target}, config in {beside_target}')
