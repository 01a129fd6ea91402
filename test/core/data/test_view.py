"""`emiff view`: two bags of one drive in, a picture, a video or a Rerun recording out."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.bag.definitions import make_typestore
from emiff_core.bag.feature_frames import FeatureFrameSerializer
from emiff_core.bag.reader import BagReader
from emiff_core.bag.writer import BagWriter
from emiff_core.cli import make_app
from emiff_core.codec import encode
from emiff_core.config import CodecConfig, VoxelConfig
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.demo import topics
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera, transforms
from emiff_core.rendering.overlay import TRUTH
from emiff_core.rendering.sheet import View
from emiff_core.viewing.assembler import Assembler
from emiff_core.viewing.bags import moments
from emiff_core.viewing.charts import draw_chart
from emiff_core.viewing.dashboard import Dashboard, heat_map
from emiff_core.viewing.moment import Moment
from emiff_core.viewing.seen_transforms import SeenTransforms
from emiff_core.viewing.topics import ViewTopics

RECORDED_LATER_NS = 10**18  # the recording's clock is the wall's, not the drive's


@pytest.fixture
def dataset(synthetic_root: Path) -> DairV2xDataset:
    return DairV2xDataset(synthetic_root)


@pytest.fixture
def drive(dataset, tmp_path) -> list[Path]:
    """What was played, and what was recorded of it: the truth as boxes found, of all images but the last."""
    played, recorded = tmp_path / 'played', tmp_path / 'recorded'
    write_bag(dataset, played)
    serializer = FeatureFrameSerializer()
    with BagWriter(recorded) as bag, BagReader(played) as reader:
        bag.add_topic(topics.DETECTIONS, 'vision_msgs/msg/Detection3DArray')
        bag.add_topic(topics.STATUS, 'emiff/msg/FusionStatus')
        bag.add_topic(topics.VEHICLE_TIMES, 'emiff/msg/ProcessingTime')
        bag.add_topic(topics.FEATURES, 'emiff/msg/FeatureFrame')
        answers = [message for _, _, message in reader.messages([topics.GROUND_TRUTH])][:-1]
        for sequence, (frame, answer) in enumerate(zip(dataset.frames, answers, strict=False)):
            now = RECORDED_LATER_NS + sequence * 10**8
            bag.write_raw(topics.FEATURES, now, serializer.serialize(feature(frame, sequence)))
            bag.write(topics.DETECTIONS, now, answer)
            bag.write(topics.STATUS, now, status(bag, frame, answer.header, sequence))
            times = {'total_ms': 100.0 + sequence, 'stages': ['neck'], 'stage_ms': np.array([80.0], np.float32)}
            bag.write(topics.VEHICLE_TIMES, now, bag.make('emiff/msg/ProcessingTime', header=answer.header, **times))
    return [played, recorded]


def feature(frame: CooperativeFrame, sequence: int) -> FeatureFrame:
    latent = np.zeros((2, 6, 8), np.float32)
    latent[:, 2, 5] = 3.0
    return FeatureFrame.sealed_at(
        frame.T_world_infrastructure_lidar @ transforms.inverse(frame.T_infrastructure_camera_lidar),
        agent_id='pole',
        boot_id=1,
        sequence=sequence,
        stamp_ns=frame.infrastructure_stamp_ns,
        camera_frame='infrastructure_camera',
        model_id='ab' * 32,
        world_frame='map',
        camera=frame.infrastructure_camera,
        scale=(0.5, 0.5),
        latent=encode(latent, CodecConfig('int8')),
    )


def status(bag: BagWriter, frame: CooperativeFrame, header: object, sequence: int) -> object:
    seconds, rest = divmod(frame.infrastructure_stamp_ns, 10**9)
    stamp = bag.make('builtin_interfaces/msg/Time', sec=seconds, nanosec=rest)
    fields = {'agent_id': 'pole', 'boot_id': 1, 'sequence': sequence, 'stamp': stamp, 'age_ms': 30.0}
    use = bag.make('emiff/msg/FeatureUse', **fields, used=True, reason='')
    other = bag.make('emiff/msg/FeatureUse', **(fields | {'agent_id': 'thief'}), used=False, reason='other_model')
    counts = dict.fromkeys(('images_received', 'images_processed', 'images_skipped', 'images_refused'), 1)
    return bag.make('emiff/msg/FusionStatus', header=header, features=[use, other], **counts)


def test_moments_put_together_by_stamp_what_the_data_set_holds(dataset, drive):
    found = list(moments(drive, ViewTopics()))
    assert [moment.stamp_ns for moment in found] == [frame.vehicle_stamp_ns for frame in dataset.frames[:-1]]
    for moment, frame in zip(found, dataset.frames, strict=False):
        vehicle, roadside = moment.views
        assert (vehicle.image == cv2.imread(str(frame.vehicle_image))).all()
        assert (roadside.image == cv2.imread(str(frame.infrastructure_image))).all()
        assert np.allclose(vehicle.T_camera_detection, frame.T_vehicle_camera_lidar, atol=1e-6)
        assert np.allclose(roadside.T_camera_detection, frame.T_infrastructure_camera_vehicle_lidar, atol=1e-6)
        assert np.allclose(moment.truth.centers, frame.truth.boxes.centers)
        assert np.allclose(moment.detections.boxes.centers, frame.truth.boxes.centers)
        assert moment.refused == ('other_model',)
        assert moment.latency_ms >= 100 and moment.stage_ms == {'neck': 80.0}


def test_a_feature_tells_who_how_large_how_old_where_from_and_where_it_is_strong(dataset, drive):
    moment, frame = next(iter(moments(drive, ViewTopics()))), dataset.frames[0]
    (sent,) = moment.features
    assert (sent.agent_id, sent.used) == ('pole', True)
    assert sent.size == len(FeatureFrameSerializer().serialize(feature(frame, 0)))
    assert sent.age_ms == pytest.approx((frame.vehicle_stamp_ns - frame.infrastructure_stamp_ns) / 1e6)
    assert np.allclose(sent.T_camera_detection, frame.T_infrastructure_camera_vehicle_lidar, atol=1e-6)
    assert np.unravel_index(sent.activity.argmax(), sent.activity.shape) == (2, 5) and sent.activity.max() == 1


def test_two_agents_that_expose_together_are_both_shown(dataset):
    assembler, frame = Assembler(ViewTopics(), kept=None), dataset.frames[0]
    types = make_typestore()
    for agent in ('north', 'south'):
        said = replace(feature(frame, 0), agent_id=agent).sealed()
        wire = FeatureFrameSerializer().serialize(said)
        message = types.deserialize_cdr(wire, 'emiff/msg/FeatureFrame')
        assembler.add(topics.FEATURES, message, len(wire))
    assert [sent.agent_id for sent in assembler.moment(frame.vehicle_stamp_ns).features] == ['north', 'south']


@pytest.mark.parametrize('fault', ['numeric_type', 'payload', 'orientation'])
def test_a_feature_that_cannot_be_one_is_left_out_of_the_picture(dataset, fault):
    assembler, frame = Assembler(ViewTopics(), kept=None), dataset.frames[0]
    wire = FeatureFrameSerializer().serialize(feature(frame, 0))
    message = make_typestore().deserialize_cdr(wire, 'emiff/msg/FeatureFrame')
    if fault == 'numeric_type':
        message.numeric_type = 9
    elif fault == 'payload':
        message.payload = message.payload[:5]
    else:
        message.camera_pose.orientation.w = float('nan')
    assembler.add(topics.FEATURES, message, len(wire))
    assert assembler.moment(frame.vehicle_stamp_ns).features == []


def test_the_heat_map_of_a_latent_of_any_shape_is_no_higher_than_wide():
    assert heat_map(np.ones((4_000_000, 1), np.float32), 320).shape == (320, 320, 3)
    assert heat_map(np.ones((24, 60), np.float32), 480).shape == (192, 480, 3)


def test_a_bag_without_boxes_shows_every_image(dataset, drive):
    found = list(moments(drive[:1], ViewTopics()))
    assert len(found) == len(dataset)
    assert all(moment.detections is None and moment.truth is not None for moment in found)


def test_images_that_are_not_there_are_refused_with_those_that_are(drive):
    with pytest.raises(EmiffError, match=r'/front/image.*/vehicle/camera/image/compressed'):
        next(moments(drive, ViewTopics(vehicle_image='/front/image')))


def test_the_picture_shows_the_boxes_in_both_images_and_from_above(drive, tmp_path):
    with_truth = view(drive, tmp_path / 'picture.png')
    assert with_truth.shape == (1080, 1920, 3)
    # detections lie over the truth, so look for the truth alone
    alone = view(drive[:1], tmp_path / 'alone.png')
    green = np.abs(alone.astype(int) - TRUTH).max(axis=-1) < 30
    assert green[:540, :960].sum() > 100 and green[540:, :960].sum() > 100 and green[:800, 960:].sum() > 100


def view(bags: list[Path], out: Path) -> np.ndarray:
    run_view(bags, out)
    return cv2.imread(str(out))


def run_view(bags: list[Path], out: Path, *options: str) -> None:
    arguments = [argument for bag in bags for argument in ('--bag', str(bag))]
    result = CliRunner().invoke(make_app(), ['view', *arguments, '--save', str(out), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_the_video_has_a_frame_a_moment(dataset, drive, tmp_path):
    run_view(drive, tmp_path / 'drive.mp4')
    video = cv2.VideoCapture(str(tmp_path / 'drive.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == len(dataset) - 1
    ok, image = video.read()
    assert ok and image.shape == (1080, 1920, 3) and image.std() > 20


def test_the_rerun_recording_reads_back_and_holds_every_moment(drive, tmp_path):
    path = tmp_path / 'drive.rrd'
    run_view(drive, path, '--frames', '2')
    printed = subprocess.run(
        [sys.executable, '-m', 'rerun', 'rrd', 'print', '-vv', str(path)], capture_output=True, text=True, check=True
    ).stdout
    for entity in ('/world/vehicle', '/world/roadside', '/world/found', '/world/truth', '/features/pole', '/age/pole'):
        assert entity in printed
    assert subprocess.run([sys.executable, '-m', 'rerun', 'rrd', 'verify', str(path)], check=False).returncode == 0


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (['--save', 'x.png'], '--bag BAG or --live'),
        (['--live', '--bag', 'x', '--save', 'x.png'], '--bag BAG or --live'),
        (['--bag', 'x', '--save', 'x.gif'], '.png, .mp4 or .rrd'),
        (['--bag', 'x', '--save', 'nowhere/x.png'], 'nowhere'),
        (['--bag', 'x', '--save', 'x.png'], 'x: expected a rosbag2'),
    ],
)
def test_what_a_user_got_wrong_is_told(monkeypatch, tmp_path, options, words):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(make_app(), ['view', *options])
    assert isinstance(result.exception, EmiffError) and words in str(result.exception)


class Said:
    """A TransformStamped by its fields."""

    def __init__(self, parent: str, child: str, x: float, stamp_ns: int = 0) -> None:
        def fields(**values: object) -> object:
            return type('Fields', (), values)

        seconds, rest = divmod(stamp_ns, 10**9)
        self.header = fields(frame_id=parent, stamp=fields(sec=seconds, nanosec=rest))
        self.child_frame_id = child
        self.transform = fields(translation=fields(x=x, y=0.0, z=0.0), rotation=fields(x=0.0, y=0.0, z=0.0, w=1.0))


def test_transforms_are_chained_up_and_down_and_the_nearest_in_time_is_taken():
    seen = SeenTransforms()
    seen.add([Said('map', 'pole', 30.0), Said('base', 'camera', 1.0)])
    seen.add([Said('map', 'base', 10.0, stamp_ns=100), Said('map', 'base', 12.0, stamp_ns=200)])
    assert seen.lookup('pole', 'camera', 140)[0, 3] == 10 + 1 - 30
    assert seen.lookup('camera', 'pole', 160)[0, 3] == 30 - 1 - 12
    assert seen.lookup('camera', 'camera', 0)[0, 3] == 0
    assert seen.lookup('camera', 'stranger', 0) is None


def test_of_a_drive_that_loops_the_transforms_of_this_lap_are_taken():
    seen = SeenTransforms(kept=30)
    for _ in range(4):  # 10 s at 10 Hz and 10 m/s
        for step in range(100):
            seen.add([Said('map', 'base', float(step), stamp_ns=step * 10**8)])
            assert seen.lookup('map', 'base', step * 10**8)[0, 3] == step


def test_a_circle_on_tf_ends():
    seen = SeenTransforms()
    seen.add([Said('a', 'b', 1.0), Said('b', 'a', 1.0)])
    assert seen.lookup('a', 'stranger', 0) is None


def test_a_chart_rises_with_its_value_and_may_be_empty():
    image = draw_chart('bytes', 'kB', {'pole': [(0.0, 0.0), (1.0, 80.0)]}, (320, 200)).astype(int)
    coloured = np.argwhere(np.ptp(image, axis=-1) > 60)
    left, right = (coloured[np.abs(coloured[:, 1] - x) < 6, 0].mean() for x in (60, 306))
    assert right < left - 80
    assert draw_chart('bytes', 'kB', {}, (320, 200)).shape == (200, 320, 3)


def test_the_charts_of_a_bag_that_loops_begin_anew():
    camera = PinholeCamera(np.diag([100.0, 100.0, 1.0]), 160, 90)
    view = View('vehicle', np.zeros((90, 160, 3), np.uint8), camera, np.eye(4))
    shown = [Moment(stamp_ns, [view], None, None, latency_ms=100.0) for stamp_ns in (0, 10**8, 2 * 10**8)]
    once, looping = (Dashboard(VoxelConfig((0.0, 40.0), (-16.0, 16.0), (-2.4, 1.2), (20, 16, 6))) for _ in range(2))
    expected = [once.draw(moment) for moment in shown[:2]]
    for moment in (*shown, shown[0]):
        looping.draw(moment)
    assert np.array_equal(looping.draw(shown[1]), expected[1])
