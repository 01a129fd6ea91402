"""What `emiff evaluate` scores is what the live nodes publish of the same frames, and it counts the same bytes."""

import pytest

from emiff_core.bag.reader import BagReader
from emiff_core.config import load_config
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.demo import topics
from emiff_core.demo.recording import read_recording
from emiff_core.evaluation.road import CooperativeRoad
from emiff_core.inference.eager import EagerEngine
from emiff_ros.types import header_stamp_ns


def test_the_evaluated_boxes_and_bytes_are_the_live_ones(demo_run):
    run = read_recording(demo_run.out / 'detections.mcap')
    road = CooperativeRoad(EagerEngine(load_config(demo_run.config), demo_run.weights, 'cpu'))
    with BagReader(demo_run.out / 'detections.mcap') as bag:
        sent = {header_stamp_ns(data): len(data) for _, _, data in bag.raw_messages([topics.FEATURES])}
    compared = 0
    for frame in DairV2xDataset(demo_run.out / 'data').frames:
        stamp = frame.vehicle_stamp_ns
        if stamp not in run.detections or run.status[stamp].used != (frame.infrastructure_stamp_ns,):
            continue  # skipped, or fused with the roadside's exposure before
        live, evaluated = run.detections[stamp], road.run(frame, frame)
        # encoded twice: a number between two steps may round the other way, which moves corners a little, and bytes
        assert live.scores == pytest.approx(evaluated.detections.scores, abs=1e-3)
        assert live.boxes.corners() == pytest.approx(evaluated.detections.boxes.corners(), abs=2e-2)
        assert evaluated.sent.message_bytes == pytest.approx(sent[frame.infrastructure_stamp_ns], abs=8)
        compared += len(live)
    assert compared > 0
