"""`emiff bench robustness`: what a bad radio does to detections."""

from pathlib import Path
from typing import Annotated

import typer


def robustness(
    out: Annotated[Path, typer.Option(help='New folder for the table, the recordings and the logs.')],
    frames: Annotated[int, typer.Option(help='Image pairs to play to each radio, at 10 Hz.', min=10)] = 100,
    seed: Annotated[int, typer.Option(help='Of the crossing and of the radio.', min=0)] = 0,
    config: Annotated[Path | None, typer.Option(help='Model config; the smallest model if not given.')] = None,
    packets: Annotated[
        bool, typer.Option('--packets', help='Lose packets between network namespaces in place of messages (root).')
    ] = False,
) -> None:
    """Put a radio that loses, delays, reorders and doubles between the two nodes, and count what comes of it.

    Leaves in OUT: robustness.md, and a folder a radio. Exit status 1 when an image got no answer, a feature was used
    that is too old, or one was refused without a reason.
    """
    from itertools import count

    from rich.console import Console
    from rich.progress import track

    from emiff_core.bag.dair_to_bag import write_bag
    from emiff_core.config import load_config
    from emiff_core.data.dair_v2x import DairV2xDataset
    from emiff_core.data.synthetic import generate
    from emiff_core.demo import packets as by_packets
    from emiff_core.demo import robustness as by_messages
    from emiff_core.demo.packet_link import PacketLink
    from emiff_core.resources import config_dir

    if packets:
        PacketLink().close()  # refused here, where it is not allowed, before anything is drawn
    if packets and not config:
        out.mkdir(parents=True, exist_ok=True)
        config = out / 'config.yaml'
        by_packets.write_config(config)
    config = config or config_dir() / 'emiff_tiny.yaml'
    load_config(config)
    console = Console(stderr=True, highlight=False, markup=False)
    generate(out / 'data', frames, seed, size=(480, 270), workers=2)
    write_bag(DairV2xDataset(out / 'data'), out / 'input')
    input_bag, folders = out / 'input', (out / f'radio_{number:02d}' for number in count())
    if packets:
        radios = track(by_packets.grid(seed), 'radios', console=console)
        measured = [by_packets.measure(input_bag, next(folders), config, *radio) for radio in radios]
        rows, table = [row.radio for row in measured], by_packets.markdown(measured)
    else:
        messages = track(by_messages.grid(seed), 'radios', console=console)
        rows = [by_messages.measure(input_bag, next(folders), config, radio) for radio in messages]
        table = by_messages.markdown(rows)
    (out / 'robustness.md').write_text(table)
    print(table, end='')
    failures = [f'radio {number}: {failure}' for number, row in enumerate(rows) for failure in row.failures()]
    for failure in failures:
        console.print(f'failed: {failure}', style='red')
    if failures:
        raise typer.Exit(1)
