"""Core values through messages and back, serialised as DDS would."""

from dataclasses import replace

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff_core.bag.definitions import make_typestore
from emiff_core.bag.detections import detections_of
from emiff_core.codec import NumericType, decode, encode
from emiff_core.config import CodecConfig
from emiff_core.cooperation import feature_message
from emiff_core.cooperation.feature_frame import FeatureFrame, checksum
from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, Detections, PinholeCamera
from emiff_ros import messages
from emiff_ros.types import header_stamp_ns, message_class

STAMP = 1_700_000_000_123_456_789
INT8 = CodecConfig('int8')


def feature_frame(codec: CodecConfig = INT8) -> FeatureFrame:
    rng = np.random.default_rng(0)
    quaternion = rng.normal(size=4)
    return FeatureFrame(
        agent_id='pole 7',
        boot_id=2**64 - 1,
        sequence=41,
        stamp_ns=STAMP,
        camera_frame='infrastructure_camera',
        model_id=rng.bytes(32).hex(),
        world_frame='map',
        position=tuple(rng.normal(size=3) * 1e5),
        orientation=tuple(quaternion / np.linalg.norm(quaternion)),
        camera=PinholeCamera(np.array([[2183.375, 0, 940.59], [0, 2329.297, 567.568], [0, 0, 1]]), 1920, 810),
        scale=(1 / 3, 0.26666),
        latent=encode(rng.exponential(size=(2, 5, 7)).astype(np.float32), codec),
    ).sealed()


@pytest.mark.parametrize('numbers', [t.name.lower() for t in NumericType])
@pytest.mark.parametrize('coding', ['plain', 'deflate'])
def test_a_feature_frame_comes_back_whole_and_its_checksum_holds(numbers, coding):
    frame = feature_frame(CodecConfig(numbers, coding))
    wire = serialize_message(messages.feature_frame_to_message(frame))
    back = feature_message.from_message(deserialize_message(wire, FeatureFrameMsg))
    assert checksum(back) == back.checksum == frame.checksum
    assert (back.agent_id, back.boot_id, back.sequence) == (frame.agent_id, frame.boot_id, frame.sequence)
    assert np.array_equal(decode(back.latent), decode(frame.latent))
    assert np.array_equal(back.T_world_camera(), frame.T_world_camera())
    assert header_stamp_ns(wire) == STAMP


def test_the_envelope_around_the_payload_stays_small():
    frame = feature_frame()
    wire = serialize_message(messages.feature_frame_to_message(frame))
    assert len(wire) - len(frame.latent.payload) < 400


@pytest.mark.parametrize('change', [{'numeric_type': 9}, {'image_width': 0}, {'intrinsics': np.zeros(9)}])
def test_a_message_that_cannot_be_a_feature_frame_is_refused(change):
    message = messages.feature_frame_to_message(feature_frame())
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(EmiffError, match='expected'):
        feature_message.from_message(message)


def test_a_stamp_that_no_time_has_is_refused_and_can_be_told():
    message = messages.feature_frame_to_message(feature_frame())
    message.header.stamp.sec, message.header.stamp.nanosec = 2**31 - 1, 2**32 - 1
    with pytest.raises(EmiffError, match='nanosec'):
        feature_message.from_message(message)
    told = messages.malformed_feature(message, STAMP)
    assert told.stamp == message.header.stamp and told.reason == 'malformed'


def detections() -> Detections:
    boxes = Boxes3D([[10, 2, -1], [30, -8, 0.5]], [[4, 2, 1.5], [10, 2.5, 3]], [0.3, -2.8])
    return Detections(boxes, [0.9, 0.2], ('car', 'car'))


def test_detections_come_back_from_the_wire_and_each_has_a_result():
    header = Header(stamp=messages.time_of(STAMP), frame_id='vehicle_lidar')
    wire = serialize_message(messages.detections_to_message(detections(), header))
    message = deserialize_message(wire, Detection3DArray)
    assert all(len(d.results) == 1 and d.results[0].hypothesis.class_id == 'car' for d in message.detections)
    assert all(d.results[0].pose.pose == d.bbox.center for d in message.detections)
    back = detections_of(message)
    assert back.boxes.corners() == pytest.approx(detections().boxes.corners(), abs=1e-9)
    assert back.scores == pytest.approx([0.9, 0.2])
    message.detections[1].results = []
    with pytest.raises(EmiffError, match='found none in number 1'):
        detections_of(message)


def test_markers_delete_the_last_image_first_and_are_coloured_by_score_and_by_what_was_used():
    header = Header(frame_id='vehicle_lidar')
    fused, alone = (messages.markers(detections(), header, is_fused).markers for is_fused in (True, False))
    assert [m.action for m in fused] == [3, 0, 0]
    assert fused[1].color.g > fused[1].color.r and alone[1].color.r > alone[1].color.g
    assert fused[1].color.a > fused[2].color.a > 0
    assert (fused[2].scale.x, fused[2].pose.position.y) == (10, -8)


TYPES = [f'emiff/msg/{name}' for name in ('FeatureFrame', 'FeatureUse', 'FusionStatus', 'ProcessingTime')]


@pytest.mark.parametrize('name', [*TYPES, 'vision_msgs/msg/Detection3DArray', 'tf2_msgs/msg/TFMessage'])
def test_the_types_of_bags_have_the_hashes_of_the_types_of_nodes(ros, name):
    node = ros.node('typed')
    node.create_publisher(message_class(name), '/typed', 1)
    info = ros.spin_until(lambda: [i for i in node.get_publishers_info_by_topic('/typed') if i.topic_type_hash])
    assert make_typestore().hash_rihs01(name) == str(info[0].topic_type_hash)


@pytest.mark.parametrize('name', ['no_such_msgs/msg/Thing', 'sensor_msgs/msg/Nothing', 'Image', ''])
def test_an_unknown_type_is_named(name):
    with pytest.raises(EmiffError, match='expected a message type'):
        message_class(name)


def test_a_tampered_wire_breaks_the_checksum():
    message = messages.feature_frame_to_message(feature_frame())
    message.payload[3] ^= 1
    back = feature_message.from_message(message)
    assert checksum(back) != back.checksum
    assert checksum(replace(feature_frame(), sequence=42)) != feature_frame().checksum
