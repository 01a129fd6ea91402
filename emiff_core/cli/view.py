"""`emiff view`: see what the vehicle, the roadside and the fusion see."""

from pathlib import Path
from typing import Annotated

import typer

from emiff_core.demo import topics


def view(
    bag: Annotated[
        list[Path] | None,
        typer.Option(help='Bag to look at; give several that belong to one drive: what was played, what was recorded.'),
    ] = None,
    live: Annotated[bool, typer.Option('--live', help='Look at running nodes instead, until Ctrl-C.')] = False,
    save: Annotated[
        Path | None,
        typer.Option(help='File in place of a window: .rrd (Rerun), .mp4, or .png (the last moment).'),
    ] = None,
    frames: Annotated[int | None, typer.Option(help='End after so many moments.', min=1)] = None,
    vehicle_image: Annotated[
        str, typer.Option(help="Topic of the vehicle's images; camera_info is beside it.")
    ] = topics.VEHICLE_IMAGE,
    roadside_image: Annotated[
        list[str] | None,
        typer.Option(help=f'Topic of a roadside camera, any number of them [default: {topics.INFRASTRUCTURE_IMAGE}].'),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(help=f'Topic of a roadside unit, any number of them [default: {topics.FEATURES}].'),
    ] = None,
    vehicle_node: Annotated[str, typer.Option(help='Full name of the vehicle node.')] = '/vehicle_node',
    world_frame: Annotated[str, typer.Option(help='Frame that both sides know.')] = 'map',
    detection_frame: Annotated[
        str, typer.Option(help="The vehicle's frame, for bags without any boxes.")
    ] = 'vehicle_lidar',
    config: Annotated[
        Path | None, typer.Option(help='Model config, for the range that is marked; the demo model if not given.')
    ] = None,
) -> None:
    """Show images with boxes, the view from above, what was sent, its age and size, and where the time went.

    Without --save a window of Rerun opens (pip install rerun-sdk).
    """
    from rich.console import Console

    from emiff_core.config import load_config
    from emiff_core.errors import EmiffError
    from emiff_core.resources import config_dir
    from emiff_core.viewing.bags import moments
    from emiff_core.viewing.live import view_live
    from emiff_core.viewing.sinks import make_sink
    from emiff_core.viewing.topics import ViewTopics

    if bool(bag) == live:
        raise EmiffError('expected either --bag BAG or --live')
    names = ViewTopics(
        vehicle_image=vehicle_image,
        roadside_images=tuple(roadside_image or (topics.INFRASTRUCTURE_IMAGE,)),
        vehicle_node=vehicle_node,
        features=tuple(features or (topics.FEATURES,)),
        world_frame=world_frame,
        detection_frame=detection_frame,
    )
    config = config or config_dir() / 'emiff_demo.yaml'
    if live:
        raise typer.Exit(view_live(names, save, frames, config))
    count = 0
    with make_sink(save, load_config(config).voxels) as sink:
        for moment in moments(bag or [], names):
            sink.show(moment)
            count += 1
            if count == frames:
                break
    where = f' in {save}' if save else ''
    Console(markup=False).print(f'{count} moments{where}', highlight=False, soft_wrap=True)
