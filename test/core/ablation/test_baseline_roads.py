"""What each baseline's road carries from one side to the other, and nothing else."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emiff_core.bag import detections as detection_messages
from emiff_core.bag.definitions import make_typestore
from emiff_core.cooperation.late_fusion import merge_detections
from emiff_core.data.images import read_image
from emiff_core.evaluation.baseline_roads import BoxRoad, ImageRoad
from emiff_core.evaluation.road import CooperativeRoad
from emiff_core.geometry import Boxes3D, Detections, transforms


def rows(found: Detections) -> np.ndarray:
    return np.column_stack([found.boxes.centers, found.boxes.sizes, found.boxes.yaws, found.scores])


def detections(*places, scores=None, label='car') -> Detections:
    centers = np.array([[x, y, 0.0] for x, y in places]).reshape(-1, 3)
    sizes = np.tile([4.0, 2.0, 1.5], (len(places), 1))
    return Detections(
        Boxes3D(centers, sizes, np.zeros(len(places))),
        np.array(scores if scores is not None else [0.5] * len(places)),
        (label,) * len(places),
    )


@pytest.fixture
def blinded(dataset, tmp_path):
    """The first frame, and the same with a black roadside image."""
    frame = dataset.frames[0]
    black = tmp_path / 'black.png'
    cv2.imwrite(str(black), np.zeros_like(read_image(frame.infrastructure_image)))
    return frame, replace(frame, infrastructure_image=black)


def test_vehicle_only_ignores_the_roadside_image_bit_for_bit(blinded, vehicle):
    frame, black = blinded
    found = [BoxRoad(vehicle, None).run(f, f) for f in (frame, black)]
    assert len(found[0].detections) > 0 and found[0].sent is None
    assert np.array_equal(rows(found[0].detections), rows(found[1].detections))
    assert np.array_equal(rows(found[0].detections), rows(CooperativeRoad(vehicle).run(frame, None).detections))


@pytest.mark.parametrize('own_frame', [False, True])
def test_infrastructure_only_ignores_the_vehicle_image_bit_for_bit(dataset, roadside, blinded, tmp_path, own_frame):
    frame = dataset.frames[0]
    noise = tmp_path / 'noise.png'
    shape = read_image(frame.vehicle_image).shape
    cv2.imwrite(str(noise), np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    other = replace(frame, vehicle_image=noise)
    road = BoxRoad(None, roadside, own_frame)
    found = [road.run(f, f).detections for f in (frame, other)]
    assert len(found[0]) > 0 and np.array_equal(rows(found[0]), rows(found[1]))
    assert not np.array_equal(rows(found[0]), rows(road.run(frame, blinded[1]).detections))


def test_a_roadside_in_its_own_frame_finds_the_same_in_the_world_wherever_the_vehicle_is(dataset, roadside):
    frame = dataset.frames[0]
    T_world_lidar = frame.T_world_lidar @ transforms.rigid(transforms.rotation_z(0.7), (7.0, -3.0, 0.0))
    moved = replace(frame, T_world_novatel=T_world_lidar @ transforms.inverse(frame.T_novatel_lidar))
    road = BoxRoad(None, roadside, own_frame=True)
    in_world = [road.run(f, f).detections.transformed(f.T_world_lidar) for f in (frame, moved)]
    assert len(in_world[0]) > 0
    np.testing.assert_allclose(in_world[0].boxes.centers, in_world[1].boxes.centers, atol=0.02)
    np.testing.assert_allclose(in_world[0].scores, in_world[1].scores, atol=1e-3)


def test_late_fusion_sends_boxes_only(dataset, vehicle, roadside):
    frame = dataset.frames[0]
    road = BoxRoad(vehicle, roadside)
    sent = []
    send = road._send
    road._send = lambda *arguments: sent.append(send(*arguments)) or sent[-1]
    result = road.run(frame, frame)
    others = BoxRoad(None, roadside).run(frame, frame).detections
    # the message is the serialised boxes, no byte more, and what the vehicle makes of it needs nothing else
    types = make_typestore()
    message = types.deserialize_cdr(sent[0], detection_messages.TYPE)
    assert bytes(types.serialize_cdr(message, detection_messages.TYPE)) == sent[0]
    received = detection_messages.detections_of(message).transformed(transforms.inverse(frame.T_world_lidar))
    own = BoxRoad(vehicle, None).run(frame, None).detections
    assert np.array_equal(rows(result.detections), rows(merge_detections(own, received)))
    np.testing.assert_allclose(rows(received), rows(others), atol=1e-6)
    assert result.sent.message_bytes == len(sent[0])
    assert result.sent.payload_bytes == 32 * len(others) and result.sent.age_ms == pytest.approx(40, abs=0.01)


def test_late_fusion_without_the_roadside_is_the_vehicle_alone(dataset, vehicle, roadside):
    frame = dataset.frames[0]
    found = BoxRoad(vehicle, roadside).run(frame, None)
    assert found.sent is None
    assert np.array_equal(rows(found.detections), rows(BoxRoad(vehicle, None).run(frame, None).detections))


def test_early_fusion_sends_the_image_file_and_uses_it(blinded, early):
    frame, black = blinded
    road = ImageRoad(early)
    found, dark, alone = road.run(frame, frame), road.run(black, black), road.run(frame, None)
    assert found.sent.message_bytes == frame.infrastructure_image.stat().st_size
    assert dark.sent.message_bytes == black.infrastructure_image.stat().st_size
    assert alone.sent is None
    assert not np.array_equal(rows(found.detections), rows(dark.detections))
    assert not np.array_equal(rows(found.detections), rows(alone.detections))


def test_encoded_images_are_answered_under_another_pose_as_if_encoded_anew(dataset, engine, early, vehicle, roadside):
    frame = dataset.frames[0]
    T = transforms.rigid(transforms.rotation_z(0.02), (1.0, 0.5, 0.0))
    moved = replace(frame, T_world_infrastructure_lidar=frame.T_world_infrastructure_lidar @ T)
    for road in (CooperativeRoad(engine), ImageRoad(early), BoxRoad(vehicle, roadside)):
        seen = road.see(frame, frame)
        again, anew = road.answer(moved, seen).detections, road.run(moved, moved).detections
        assert np.array_equal(rows(again), rows(anew))
        assert not np.array_equal(rows(again), rows(road.answer(frame, seen).detections))


def test_pairs_are_merged_nearest_first_and_the_better_scored_stays():
    own = detections((10, 0), (13, 0), (30, 5), scores=[0.9, 0.4, 0.3])
    others = detections((11.2, 0), (50, 0), (30.5, 5), scores=[0.8, 0.7, 0.6])
    merged = merge_detections(own, others)
    # 10 and 11.2 are a pair (13 is farther from 11.2), 30.5 replaces 30
    assert merged.boxes.centers[:, 0].tolist() == [10, 50, 30.5, 13]
    assert merged.scores.tolist() == [0.9, 0.7, 0.6, 0.4]


def test_boxes_of_other_classes_or_too_far_apart_are_no_pair():
    own = detections((10, 0))
    assert len(merge_detections(own, detections((10, 0), label='cyclist'))) == 2
    assert len(merge_detections(own, detections((10, 2.1)))) == 2
    assert len(merge_detections(own, detections((10, 1.9)))) == 1
    empty = detections()
    assert len(merge_detections(empty, own)) == len(merge_detections(own, empty)) == 1


def test_a_level_frame_stays_in_the_world_when_the_vehicle_moves_on_level_ground(T_roadside_detection):
    tilt = transforms.rigid([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]], (0, 0, 0))
    T_camera_detection = tilt @ T_roadside_detection  # looks down a little
    level = transforms.level_frame(T_camera_detection)
    camera = transforms.inverse(T_camera_detection)
    assert level[:2, 3] == pytest.approx(camera[:2, 3]) and level[2, 3] == 0
    assert level[0, 0] * camera[1, 2] == pytest.approx(level[1, 0] * camera[0, 2]) and level[0, 0] * camera[0, 2] > 0
    move = transforms.rigid(transforms.rotation_z(1.1), (4.0, -2.0, 0.0))
    np.testing.assert_allclose(move @ transforms.level_frame(T_camera_detection @ move), level, atol=1e-12)
