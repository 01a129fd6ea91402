"""What the live nodes publish is what the library computes from the same images, poses and latents."""

from pathlib import Path

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from tf2_ros import Buffer

from emiff_core.bag.cameras import camera_of
from emiff_core.bag.detections import detections_of
from emiff_core.bag.reader import BagReader
from emiff_core.codec import decode
from emiff_core.config import load_config
from emiff_core.cooperation.feature_message import from_message
from emiff_core.demo import topics
from emiff_core.geometry import Detections, transforms
from emiff_core.inference.eager import EagerEngine, RemoteFeature
from emiff_core.stamps import stamp_of
from emiff_ros.images import to_bgr
from emiff_ros.types import message_class


class Played:
    """The bag that was played, as the nodes' own message classes, with its tf."""

    def __init__(self, path: Path) -> None:
        self.images, self.infos, self.tf = {}, {}, Buffer()
        with BagReader(path) as bag:
            for topic, _, data in bag.raw_messages():
                message = deserialize_message(data, message_class(bag.topics[topic]))
                if topic in ('/tf', '/tf_static'):
                    add = self.tf.set_transform_static if topic == '/tf_static' else self.tf.set_transform
                    for transform in message.transforms:
                        add(transform, 'bag')
                elif topic in (topics.VEHICLE_IMAGE, topics.INFRASTRUCTURE_IMAGE):
                    self.images[topic, stamp_of(message)] = message
                elif topic in (topics.VEHICLE_INFO, topics.INFRASTRUCTURE_INFO):
                    self.infos[topic, stamp_of(message)] = message

    def lookup(self, target: str, source: str, stamp: object) -> np.ndarray:
        found = self.tf.lookup_transform(target, source, stamp).transform
        t, q = found.translation, found.rotation
        return transforms.from_quaternion([t.x, t.y, t.z], [q.x, q.y, q.z, q.w])


@pytest.fixture(scope='module')
def played(demo_run) -> Played:
    return Played(demo_run.out / 'input')


@pytest.fixture(scope='module')
def engine(demo_run) -> EagerEngine:
    return EagerEngine(load_config(demo_run.config), demo_run.weights, 'cpu')


@pytest.fixture(scope='module')
def published(demo_run) -> dict:
    """Everything the nodes said, by topic and stamp, as the nodes' own message classes."""
    said = {}
    with BagReader(demo_run.out / 'detections.mcap') as bag:
        for topic, _, data in bag.raw_messages([topics.FEATURES, topics.DETECTIONS, topics.STATUS]):
            message = deserialize_message(data, message_class(bag.topics[topic]))
            said[topic, stamp_of(message)] = message
    return said


def test_the_roadside_node_sends_what_the_library_encodes(played, published, engine):
    sent = {stamp: message for (topic, stamp), message in published.items() if topic == topics.FEATURES}
    assert sent
    for stamp, message in sent.items():
        frame = from_message(message)
        image = played.images[topics.INFRASTRUCTURE_IMAGE, stamp]
        feature = engine.encode_infrastructure(
            to_bgr(image), camera_of(played.infos[topics.INFRASTRUCTURE_INFO, stamp])
        )
        decoded = decoded_latent(message)
        half_step = np.abs(feature.latent).max(axis=(1, 2)) / (2 * frame.latent.numeric_type.steps)
        assert (np.abs(decoded - feature.latent).max(axis=(1, 2)) <= half_step * 1.01 + 1e-6).all()
        assert frame.model_id == engine.model_id
        T_world_camera = played.lookup('map', image.header.frame_id, image.header.stamp)
        assert frame.T_world_camera() == pytest.approx(T_world_camera, abs=1e-9)


def test_the_vehicle_node_publishes_the_boxes_that_the_library_finds(played, published, engine):
    compared = 0
    for (topic, stamp), message in published.items():
        if topic != topics.DETECTIONS:
            continue
        live, offline = detections_of(message), detect_offline(played, published, engine, stamp)
        assert len(live) == len(offline)
        assert live.scores == pytest.approx(offline.scores, abs=1e-4)
        assert live.boxes.corners() == pytest.approx(offline.boxes.corners(), abs=1e-3)
        compared += len(live)
    assert compared > 0


def test_another_latent_gives_other_logits(played, published, engine):
    stamp = next(stamp for topic, stamp in published if topic == topics.DETECTIONS)
    plain, changed = (logits_offline(played, published, engine, stamp, factor) for factor in (1.0, 1.5))
    assert (plain - changed).abs().max() > 1e-4


def decoded_latent(message: object) -> np.ndarray:
    return decode(from_message(message).latent)


def remote_features(played: Played, published: dict, stamp: int, factor: float = 1.0) -> list[RemoteFeature]:
    """Return what the vehicle node's status says it used, placed anew."""
    status = published[topics.STATUS, stamp]
    T_world_detection = played.lookup('map', 'vehicle_lidar', status.header.stamp)
    remotes = []
    for use in status.features:
        assert use.used, use.reason
        message = published[topics.FEATURES, use.stamp.sec * 10**9 + use.stamp.nanosec]
        frame = from_message(message)
        T_camera_detection = transforms.inverse(frame.T_world_camera()) @ T_world_detection
        remotes.append(RemoteFeature(decoded_latent(message) * factor, frame.camera, frame.scale, T_camera_detection))
    return remotes


def run_offline(played: Played, published: dict, engine: EagerEngine, stamp: int, factor: float) -> object:
    image = played.images[topics.VEHICLE_IMAGE, stamp]
    vehicle = engine.encode_vehicle(to_bgr(image), camera_of(played.infos[topics.VEHICLE_INFO, stamp]))
    T_camera_detection = played.lookup(image.header.frame_id, 'vehicle_lidar', image.header.stamp)
    return engine.detect(vehicle, T_camera_detection, remote_features(played, published, stamp, factor))


def detect_offline(played: Played, published: dict, engine: EagerEngine, stamp: int) -> Detections:
    return run_offline(played, published, engine, stamp, 1.0).detections


def logits_offline(played: Played, published: dict, engine: EagerEngine, stamp: int, factor: float) -> object:
    return run_offline(played, published, engine, stamp, factor).logits[0]
