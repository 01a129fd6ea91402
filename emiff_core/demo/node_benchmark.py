"""What the nodes cost beside the model: 1920 x 1080 images at the camera's rate through both, over DDS."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emiff_core.demo import topics
from emiff_core.demo.processes import NodeGroup, own_domain, wait_for_exit
from emiff_core.demo.recording import Recording, read_recording
from emiff_core.demo.run import start_perception
from emiff_core.errors import EmiffError

SETTLING = 5  # images before memory and caches are as they stay

# the vehicle's stages that are not the network's; the others are the model
OUTSIDE_THE_MODEL = ('wait', 'convert', 'tf', 'preprocess', 'publish')

_IMAGE_OF = {
    'vehicle_node': topics.VEHICLE_IMAGE.removesuffix('/compressed'),
    'infrastructure_node': topics.INFRASTRUCTURE_IMAGE.removesuffix('/compressed'),
}
_RECORDED = (
    topics.VEHICLE_INFO,
    topics.FEATURES,
    topics.DETECTIONS,
    topics.STATUS,
    topics.VEHICLE_TIMES,
)
_LISTENERS = {
    _IMAGE_OF['vehicle_node']: 1,
    topics.VEHICLE_INFO: 2,
    _IMAGE_OF['infrastructure_node']: 1,
    topics.INFRASTRUCTURE_INFO: 1,
    topics.FEATURES: 2,
    topics.DETECTIONS: 1,
    topics.STATUS: 1,
    topics.VEHICLE_TIMES: 1,
    '/clock': 2,
}
_START_S = 120.0
_SETTLE_S = 3.0

Quantiles = dict[str, float]


@dataclass(frozen=True)
class NodeFigures:
    """Milliseconds of the vehicle node, each with p50 and p95 over the images that count.

    Attributes:
        images: played; answered, skipped, fused: of them.
        counted: images whose times count.
        overhead_ms: from arrival to answer less the model.
        stages_ms: what it is made of, in the order of the road; `other` is what no stage measured.
        model_ms: sum of the network's stages.
        around_ms: from before the image's publishing to the answer's arrival, less the node's own total: DDS both ways,
            writing and reading 6 megabytes, by the recorder's clock.
    """

    images: int
    answered: int
    skipped: int
    fused: int
    counted: int
    overhead_ms: Quantiles
    stages_ms: dict[str, Quantiles]
    model_ms: Quantiles
    around_ms: Quantiles


def measure(bag: Path, out: Path, config: Path, threads: int) -> NodeFigures:
    """Play a bag of uncompressed images at its own speed through both nodes.

    Args:
        bag: what to play; holds /vehicle/camera/image and /infrastructure/camera/image.
        out: new folder for the recording and the nodes' logs.
        config: of the model, whose weights are random; the smallest shows the rest best.
        threads: of each node's model.

    Raises:
        EmiffError: a node died, or too few images were answered to measure anything.
    """
    environment = own_domain()
    model = {'config': config.resolve(), 'threads': threads, 'image_transport': 'raw'}
    with NodeGroup(out / 'logs', environment) as group:
        recorded = [f'{topic} {topics.RECORDED[topic]}' for topic in _RECORDED]
        group.start('emiff_ros.recorder_node', {'out': out / 'recording', 'topics': recorded})
        for name, image in _IMAGE_OF.items():
            start_perception(group, name, model, further_remappings={'~/input/image': image})
        wait_for = [f'{topic}={count}' for topic, count in _LISTENERS.items()]
        parameters = {'bag': bag, 'wait_for': wait_for, 'wait_s': _START_S, 'settle_s': _SETTLE_S}
        player = group.start('emiff_ros.player_node', parameters)
        wait_for_exit(player, group, lambda: None)
        group.stop()
    return figures_of(read_recording(out / 'recording'))


def figures_of(run: Recording) -> NodeFigures:
    """Return the figures of a recording.

    Raises:
        EmiffError: no more images were answered than settling takes.
    """
    rows = run.vehicle_stages[SETTLING:]
    if not rows:
        raise EmiffError(f'expected more than {SETTLING} answered images, found {len(run.vehicle_stages)}')
    totals = run.vehicle_total_ms[SETTLING:]
    models = [sum(ms for name, ms in row.items() if name not in OUTSIDE_THE_MODEL) for row in rows]
    stages = {name: [row.get(name, 0.0) for row in rows] for name in OUTSIDE_THE_MODEL}
    stages['other'] = [total - sum(row.values()) for total, row in zip(totals, rows, strict=True)]
    answers = sorted(run.detection_arrivals)[SETTLING:]
    last = run.status[max(run.status)]
    return NodeFigures(
        images=len(run.images),
        answered=len(run.detections),
        skipped=last.skipped,
        fused=sum(bool(row.used) for row in run.status.values()),
        counted=len(rows),
        overhead_ms=quantiles([total - model for total, model in zip(totals, models, strict=True)]),
        stages_ms={name: quantiles(values) for name, values in stages.items()},
        model_ms=quantiles(models),
        around_ms=quantiles(_around(run, answers, totals)),
    )


def quantiles(values: Sequence[float]) -> Quantiles:
    """Return p50 and p95, rounded to a hundredth."""
    p50, p95 = np.percentile(values, (50, 95))
    return {'p50': round(float(p50), 2), 'p95': round(float(p95), 2)}


def _around(run: Recording, answers: Sequence[int], totals: Sequence[float]) -> list[float]:
    # camera_info is published, and arrives at the recorder, just before its image is
    elapsed = [(run.detection_arrivals[stamp] - run.images[stamp]) / 1e6 for stamp in answers]
    return [took - total for took, total in zip(elapsed, totals, strict=True)]

