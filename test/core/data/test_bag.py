"""Bags of a data set: what goes in comes out, in order, and plays like a robot's recording."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.bag.reader import BagReader
from emiff_core.bag.writer import BagWriter
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms


@pytest.fixture
def dataset(synthetic_root: Path) -> DairV2xDataset:
    return DairV2xDataset(synthetic_root)


@pytest.fixture(params=['mcap', 'sqlite3'])
def bag(request, dataset, tmp_path) -> Path:
    write_bag(dataset, tmp_path / 'bag', request.param)
    return tmp_path / 'bag'


def messages(path: Path, *topics: str) -> list:
    with BagReader(path) as reader:
        return list(reader.messages(topics or None))


def stamp_ns(header) -> int:
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def pose_of(transform) -> np.ndarray:
    t, q = transform.translation, transform.rotation
    return transforms.from_quaternion((t.x, t.y, t.z), (q.x, q.y, q.z, q.w))


def test_images_are_the_files_own_bytes(bag, dataset):
    for side in ('vehicle', 'infrastructure'):
        images = messages(bag, f'/{side}/camera/image/compressed')
        assert len(images) == len(dataset)
        for frame, (_, logged, message) in zip(dataset.frames, images, strict=True):
            path = getattr(frame, f'{side}_image')
            assert message.data.tobytes() == path.read_bytes() and message.format == 'jpeg'
            assert stamp_ns(message.header) == logged == getattr(frame, f'{side}_stamp_ns')
            assert message.header.frame_id == f'{side}_camera'


def test_raw_images_are_the_decoded_files(dataset, tmp_path):
    write_bag(dataset, tmp_path / 'raw', raw=True, frames=1)
    ((_, _, message),) = messages(tmp_path / 'raw', '/vehicle/camera/image')
    assert (message.encoding, message.step, message.width, message.height) == ('bgr8', 960, 320, 180)
    assert (message.data.reshape(180, 320, 3) == cv2.imread(str(dataset.frames[0].vehicle_image))).all()


def test_the_transforms_of_each_instant_chain_to_the_data_sets(bag, dataset):
    links = {(t.header.frame_id, t.child_frame_id): pose_of(t.transform)
             for _, _, m in messages(bag, '/tf_static') for t in m.transforms}  # fmt: skip
    assert ('map', 'novatel') not in links  # it moves
    moving = messages(bag, '/tf')
    assert len(moving) == len(dataset)
    for frame, (_, logged, message) in zip(dataset.frames, moving, strict=True):
        now = links | {(t.header.frame_id, t.child_frame_id): pose_of(t.transform) for t in message.transforms}
        assert logged == frame.vehicle_stamp_ns == stamp_ns(message.transforms[0].header)
        T_map_lidar = now['map', 'novatel'] @ now['novatel', 'vehicle_lidar']
        assert T_map_lidar == pytest.approx(frame.T_world_lidar, abs=1e-6)
        T_camera_lidar = transforms.inverse(now['vehicle_lidar', 'vehicle_camera'])
        assert T_camera_lidar == pytest.approx(frame.T_vehicle_camera_lidar, abs=1e-9)
        T_map_roadside = now['map', 'infrastructure_lidar'] @ now['infrastructure_lidar', 'infrastructure_camera']
        T_roadside_lidar = transforms.inverse(T_map_roadside) @ T_map_lidar
        assert T_roadside_lidar == pytest.approx(frame.T_infrastructure_camera_vehicle_lidar, abs=1e-6)


def test_each_instant_goes_transforms_calibration_image_truth(bag):
    order = {'/tf_static': 0, '/tf': 1, 'camera_info': 2, 'compressed': 3, '/ground_truth': 4}
    rows = [(logged, next(v for k, v in order.items() if topic.endswith(k))) for topic, logged, _ in messages(bag)]
    assert rows == sorted(rows) and len(rows) == 1 + 4 * 6


def test_calibration_and_truth_come_back(bag, dataset):
    for frame, (_, _, info) in zip(dataset.frames, messages(bag, '/infrastructure/camera/camera_info'), strict=True):
        assert info.k.reshape(3, 3) == pytest.approx(frame.infrastructure_camera.intrinsics)
        assert info.p.reshape(3, 4)[:, :3] == pytest.approx(frame.infrastructure_camera.intrinsics)
        assert (info.width, info.height, info.distortion_model) == (320, 180, 'plumb_bob')
    for frame, (_, _, message) in zip(dataset.frames, messages(bag, '/ground_truth'), strict=True):
        assert message.header.frame_id == 'vehicle_lidar' and len(message.detections) == len(frame.truth.boxes)
        for box, detection in zip(frame.truth.boxes.centers, message.detections, strict=True):
            p = detection.bbox.center.position
            assert (p.x, p.y, p.z) == pytest.approx(tuple(box))
            assert detection.results[0].hypothesis.class_id == 'car'


def test_the_metadata_lets_a_stock_player_offer_static_transforms_to_late_comers(bag):
    information = yaml.safe_load((bag / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    assert information['version'] <= 9 and information['message_count'] == 25
    topics = {t['topic_metadata']['name']: t['topic_metadata'] for t in information['topics_with_message_count']}
    (static,), (image,) = (
        topics[name]['offered_qos_profiles'] for name in ('/tf_static', '/vehicle/camera/image/compressed')
    )
    assert (static['durability'], static['reliability']) == ('transient_local', 'reliable')
    assert image['durability'] == 'volatile'


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_serialised_messages_pass_through_unchanged(tmp_path, storage):
    with BagWriter(tmp_path / 'a', storage) as writer:
        writer.add_topic('/use', 'emiff/msg/FeatureUse')
        stamp = writer.make('builtin_interfaces/msg/Time', sec=5, nanosec=6)
        message = writer.make(
            'emiff/msg/FeatureUse',
            agent_id='a',
            boot_id=1,
            sequence=2,
            stamp=stamp,
            age_ms=1.5,
            used=False,
            reason='late',
        )
        writer.write('/use', 10, message)
    with BagReader(tmp_path / 'a') as reader, BagWriter(tmp_path / 'b', storage) as writer:
        writer.add_topic('/use', reader.topics['/use'])
        for topic, logged, data in reader.raw_messages():
            writer.write_raw(topic, logged, data)
    ((topic, logged, value),) = messages(tmp_path / 'b')
    assert (topic, logged, value.agent_id, value.sequence, value.reason) == ('/use', 10, 'a', 2, 'late')


def test_a_pose_that_changes_goes_to_tf(dataset, tmp_path, synthetic_root):
    root = tmp_path / 'data'
    shutil.copytree(synthetic_root, root)
    path = root / 'infrastructure-side/calib/virtuallidar_to_world/005001.json'
    world = json.loads((root / 'infrastructure-side/calib/virtuallidar_to_world/005000.json').read_text())
    world['translation'][0][0] += 1.0
    path.write_text(json.dumps(world))
    write_bag(DairV2xDataset(root), tmp_path / 'bag')
    moved = [
        m for _, _, m in messages(tmp_path / 'bag', '/tf') if m.transforms[0].child_frame_id == 'infrastructure_lidar'
    ]
    assert [stamp_ns(m.transforms[0].header) for m in moved] == [f.infrastructure_stamp_ns for f in dataset.frames]


def test_an_existing_output_is_refused_and_left_alone(dataset, tmp_path):
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag/mine').touch()
    with pytest.raises(EmiffError, match='expected a new path for the bag'):
        write_bag(dataset, tmp_path / 'bag')
    assert (tmp_path / 'bag/mine').exists()


def test_a_broken_image_leaves_no_half_bag(tmp_path, synthetic_root):
    shutil.copytree(synthetic_root, tmp_path / 'data')
    (tmp_path / 'data/vehicle-side/image/015002.jpg').write_bytes(b'no jpeg')
    with pytest.raises(EmiffError, match=r'015002\.jpg: expected an image of 320x180, found none that can be read'):
        write_bag(DairV2xDataset(tmp_path / 'data'), tmp_path / 'bag', raw=True)
    assert not (tmp_path / 'bag').exists()


def test_what_is_no_bag_is_named(tmp_path):
    with pytest.raises(EmiffError, match='nothing'):
        BagReader(tmp_path / 'nothing')
    with pytest.raises(EmiffError, match='storage'):
        BagWriter(tmp_path / 'x', 'tape')
