"""What a radio does that loses packets, not messages: each side's nodes in a network namespace of its own."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import yaml

from emiff_core.demo import topics
from emiff_core.demo.impairment import Impairment
from emiff_core.demo.packet_link import PacketLink
from emiff_core.demo.processes import NodeGroup, NodeProcess, wait_for_exit
from emiff_core.demo.recording import read_recording
from emiff_core.demo.robustness import (
    DELAYS_MS,
    DROPS,
    HEADINGS,
    MAX_AGE_MS,
    START_S,
    RadioFigures,
    as_table,
    cells,
    figures_of,
)
from emiff_core.demo.run import start_perception
from emiff_core.resources import config_dir

_POLL_S = 0.05
_LEAD_S = 1.0  # from the word to the first image
_SETTLE_S = 3.0  # nodes that look for one another while the machine is busy

_TF = ['/tf', '/tf_static']
_ROADSIDE = [topics.INFRASTRUCTURE_IMAGE, topics.INFRASTRUCTURE_INFO]
_VEHICLE = [topics.VEHICLE_IMAGE, topics.VEHICLE_INFO]
_RECORDED_BY_VEHICLE = [topics.VEHICLE_INFO, topics.DETECTIONS, topics.STATUS]
# time and transforms stay on their side: two players say them, and the radio would mix them up
_APART = {name: f'/roadside{name}' for name in ('/clock', *_TF)}


@dataclass(frozen=True)
class PacketFigures:
    """What one run came to.

    Attributes:
        reliability: what the vehicle asked of the feature topic: best_effort or reliable.
        packets: Ethernet frames that came to the radio while it was bad, of whatever protocol.
        radio: the rest; `delivered` are the features that the vehicle used or refused, by its own word.
    """

    reliability: str
    packets: int
    radio: RadioFigures


def grid(seed: int) -> list[tuple[Impairment, str]]:
    """Return the radios that are measured, each with the reliability asked for."""
    everything = Impairment(drop=0.2, delay_ms=50.0, jitter_ms=200.0, duplicate=0.5, seed=seed)
    return [
        *((Impairment(drop, delay_ms, seed=seed), 'best_effort') for drop, delay_ms in product(DROPS, DELAYS_MS)),
        *((Impairment(drop, 50.0, seed=seed), 'reliable') for drop in DROPS),
        (Impairment(jitter_ms=250.0, seed=seed), 'best_effort'),
        (Impairment(duplicate=0.5, seed=seed), 'best_effort'),
        (everything, 'best_effort'),
        (everything, 'reliable'),
    ]


def write_config(path: Path) -> None:
    """Write the smallest model's config with features of 3.5 kB, as large as the demo model's: three packets."""
    values = yaml.safe_load((config_dir() / 'emiff_tiny.yaml').read_text())
    values['backbone']['fpn_channels'], values['compression']['channel_ratio'] = 48, 1
    values['codec'] = {'numbers': 'uint4', 'coding': 'plain'}
    path.write_text(yaml.safe_dump(values))


def measure(bag: Path, out: Path, config: Path, impairment: Impairment, reliability: str) -> PacketFigures:
    """Play a bag at its own speed, each camera in its namespace, the radio between the two nodes.

    The radio is good until the first image, so that the nodes have met.

    Args:
        bag: what to play.
        out: new folder for the recordings and the nodes' logs.
        config: of the model, whose weights are random.
        impairment: how bad the radio is, for each Ethernet frame.
        reliability: best_effort or reliable, of the vehicle's subscriptions.

    Raises:
        EmiffError: namespaces are not allowed here, or a node died; the line says which.
    """
    environment = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}  # whose only member is the other namespace
    model = {'config': config.resolve(), 'threads': 1}
    with PacketLink() as link, ExitStack() as ending:
        roadside, vehicle = (
            ending.enter_context(NodeGroup(out / side / 'logs', environment, link.prefix(side)))
            for side in ('roadside', 'vehicle')
        )
        for group, recorded in ((roadside, [topics.FEATURES]), (vehicle, _RECORDED_BY_VEHICLE)):
            kinds = [f'{topic} {topics.RECORDED[topic]}' for topic in recorded]
            side = 'roadside' if group is roadside else 'vehicle'
            group.start('emiff_ros.recorder_node', {'out': out / side / 'recording', 'topics': kinds})
        start_perception(roadside, 'infrastructure_node', model, further_remappings=_APART)
        asked = {'max_age_ms': MAX_AGE_MS, 'input_reliability': reliability}
        start_perception(vehicle, 'vehicle_node', model | asked)
        players: tuple[tuple[NodeGroup, list[str], dict[str, int], dict[str, str]], ...] = (
            (roadside, _ROADSIDE, {topics.FEATURES: 2, **dict.fromkeys((*_ROADSIDE, '/clock'), 1)}, _APART),
            (vehicle, _VEHICLE, {topics.VEHICLE_INFO: 2, topics.STATUS: 1, '/clock': 1}, {}),
        )
        playing = []
        for group, own, listeners, remappings in players:
            wait_for = [f'{topic}={count}' for topic, count in listeners.items()]
            parameters = {
                'bag': bag, 'topics': own + _TF, 'wait_for': wait_for, 'wait_s': START_S, 'start_file': out / 'start',
                'settle_s': _SETTLE_S,
            }  # fmt: skip
            playing.append((group.start('emiff_ros.player_node', parameters, remappings), group))
        _start_together(playing, out / 'start')
        before, _ = link.frames
        link.impairment = impairment
        for player, group in playing:
            wait_for_exit(player, group, lambda: None)
        packets = link.frames[0] - before
        link.impairment = Impairment()
        exit_codes: dict[str, int | None] = {}
        for side, group in (('roadside', roadside), ('vehicle', vehicle)):
            group.stop()
            exit_codes |= {f'{side} {node.name}': node.process.returncode for node in group.nodes}
    run = read_recording(out / 'vehicle' / 'recording')
    run.feature_bytes = read_recording(out / 'roadside' / 'recording').feature_bytes
    used = {stamp for row in run.status.values() for stamp in row.used}
    told = len(used) + sum(len(row.refused) for row in run.status.values())
    return PacketFigures(reliability, packets, figures_of(impairment, run, told, exit_codes))



def _start_together(playing: list[tuple[NodeProcess, NodeGroup]], start_file: Path) -> None:
    while not all('ready to play' in player.log.read_text() for player, _ in playing):
        for _, group in playing:
            group.check()  # a player that waits in vain ends
        time.sleep(_POLL_S)
    written = start_file.with_suffix('.new')
    written.write_text(str(time.time() + _LEAD_S))
    written.rename(start_file)  # whole at once
    time.sleep(_LEAD_S)


def markdown(rows: list[PacketFigures]) -> str:
    """Return the figures as a table, a row a radio."""
    headings = ('features', 'packets', *HEADINGS)
    lines = [(row.reliability.replace('_', ' '), str(row.packets), *cells(row.radio)) for row in rows]
    return as_table(headings, lines)
