"""The player and the recorder, each with the other side played by the test."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import String
from vision_msgs.msg import Detection3DArray

from emiff.msg import ImageRefusal
from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.bag.reader import BagReader
from emiff_core.bag.writer import BagWriter
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.demo import topics
from emiff_core.demo.processes import NodeGroup
from emiff_core.stamps import stamp_of

FRAMES = 4
KEEP_ALL = QoSProfile(depth=500)


@pytest.fixture(scope='module')
def dataset(tmp_path_factory) -> DairV2xDataset:
    root = tmp_path_factory.mktemp('data') / 'set'
    generate(root, FRAMES, seed=5, size=(480, 270))
    return DairV2xDataset(root)


@pytest.fixture(scope='module')
def bags(tmp_path_factory, dataset) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp('bags')
    for storage in ('mcap', 'sqlite3'):
        write_bag(dataset, folder / storage, storage)
    return {storage: folder / storage for storage in ('mcap', 'sqlite3')}


@pytest.fixture
def group(tmp_path):
    with NodeGroup(tmp_path / 'logs', {}) as nodes:
        yield nodes


class Listener:
    """Collects what the player publishes, in the order of its arrival."""

    def __init__(self, ros) -> None:
        self.node = ros.node('listener')
        self.images: list[int] = []
        self.clock: list[int] = []
        self.infos: list[int] = []
        self.truths: list[int] = []
        for kind, topic, stamps in (
            (CompressedImage, topics.VEHICLE_IMAGE, self.images),
            (CameraInfo, topics.VEHICLE_INFO, self.infos),
            (Detection3DArray, topics.GROUND_TRUTH, self.truths),
        ):
            self.node.create_subscription(kind, topic, lambda m, to=stamps: to.append(stamp_of(m)), KEEP_ALL)
        self.node.create_subscription(
            Clock, '/clock', lambda m: self.clock.append(m.clock.sec * 10**9 + m.clock.nanosec), KEEP_ALL
        )

    def wait_for(self) -> list[str]:
        return [f'{topic}=1' for topic in (topics.VEHICLE_IMAGE, topics.VEHICLE_INFO, topics.GROUND_TRUTH, '/clock')]


def stamp_in(bag: BagWriter, seconds: int) -> object:
    return bag.make('builtin_interfaces/msg/Time', sec=seconds, nanosec=0)


def empty_camera_info(bag: BagWriter, header: object) -> object:
    roi = {'x_offset': 0, 'y_offset': 0, 'height': 0, 'width': 0, 'do_rectify': False}
    return bag.make(
        'sensor_msgs/msg/CameraInfo', header=header, height=1, width=1, distortion_model='plumb_bob', d=np.zeros(0),
        k=np.eye(3).ravel(), r=np.eye(3).ravel(), p=np.zeros(12), binning_x=0, binning_y=0,
        roi=bag.make('sensor_msgs/msg/RegionOfInterest', **roi),
    )  # fmt: skip


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_bag_is_played_whole_and_in_order_whatever_its_storage(ros, group, bags, dataset, storage):
    listener = Listener(ros)
    player = group.start('emiff_ros.player_node', {'bag': bags[storage], 'wait_for': listener.wait_for(), 'rate': 2.0})
    ros.spin_until(lambda: player.process.poll() is not None, 60)
    assert player.process.returncode == 0, player.log.read_text()
    ros.spin_until(lambda: len(listener.truths) == FRAMES)
    stamps = [frame.vehicle_stamp_ns for frame in dataset.frames]
    assert listener.images == listener.infos == listener.truths == stamps
    assert listener.clock == sorted(listener.clock)
    assert listener.clock[-1] >= stamps[-1]


def test_a_looping_bag_starts_again_and_its_clock_jumps_back(ros, group, bags, dataset):
    listener = Listener(ros)
    parameters = {'bag': bags['mcap'], 'wait_for': listener.wait_for(), 'rate': 5.0, 'loop': True}
    player = group.start('emiff_ros.player_node', parameters)
    ros.spin_until(lambda: len(listener.images) > 2 * FRAMES, 60)
    stamps = [frame.vehicle_stamp_ns for frame in dataset.frames]
    assert listener.images[: 2 * FRAMES] == stamps * 2
    assert any(later < earlier for earlier, later in zip(listener.clock, listener.clock[1:], strict=False))
    player.process.send_signal(signal.SIGINT)
    assert player.process.wait(timeout=60) == 0


def test_the_pace_holds_the_clock_until_the_answer_comes(ros, group, bags, dataset):
    listener = Listener(ros)
    answers = listener.node.create_publisher(Detection3DArray, '/answers', 10)
    parameters = {
        'bag': bags['mcap'],
        'wait_for': listener.wait_for(),
        'pace': [f'{topics.VEHICLE_IMAGE}=/answers'],
        'rate': 20.0,
    }
    player = group.start('emiff_ros.player_node', parameters)
    for number, frame in enumerate(dataset.frames, 1):
        ros.spin_until(lambda number=number: len(listener.images) == number, 60)
        ros.spin_until(lambda stamp=frame.vehicle_stamp_ns: listener.clock[-1] == stamp)
        asked = len(listener.clock)
        ros.spin_until(lambda asked=asked: len(listener.clock) > asked + 5)  # time is said, and stands still
        assert set(listener.clock[asked:]) == {frame.vehicle_stamp_ns}
        assert len(listener.images) == number
        answer = Detection3DArray()
        answer.header.stamp.sec, answer.header.stamp.nanosec = divmod(frame.vehicle_stamp_ns, 10**9)
        answers.publish(answer)
    ros.spin_until(lambda: player.process.poll() is not None, 60)
    assert player.process.returncode == 0


def test_chosen_topics_are_played_at_the_time_that_was_set_as_far_behind_the_bags_begin_as_they_lie(
    ros, group, bags, dataset, tmp_path
):
    listener = Listener(ros)
    parameters = {
        'bag': bags['mcap'],
        'topics': [topics.VEHICLE_INFO],
        'wait_for': [f'{topics.VEHICLE_INFO}=1', '/clock=1'],
        'start_file': tmp_path / 'start',
    }
    player = group.start('emiff_ros.player_node', parameters)
    ros.spin_until(lambda: 'ready to play' in player.log.read_text(), 60)
    assert not listener.clock
    start_at = time.time() + 1.0
    (tmp_path / 'soon').write_text(str(start_at))
    (tmp_path / 'soon').rename(tmp_path / 'start')
    ros.spin_until(lambda: listener.clock, 60)
    assert time.time() >= start_at
    ros.spin_until(lambda: player.process.poll() is not None, 60)
    assert listener.infos == [frame.vehicle_stamp_ns for frame in dataset.frames]
    assert listener.images == listener.truths == []
    assert listener.clock[0] < dataset.frames[0].vehicle_stamp_ns  # the roadside was first


def test_of_a_recording_made_elsewhere_the_clock_is_left_out_and_a_camera_info_may_follow_its_image(
    ros, group, tmp_path
):
    info_topic = topics.VEHICLE_INFO
    with BagWriter(tmp_path / 'bag') as bag:
        bag.add_topic('/clock', 'rosgraph_msgs/msg/Clock')
        bag.add_topic(topics.VEHICLE_IMAGE, 'sensor_msgs/msg/CompressedImage')
        bag.add_topic(info_topic, 'sensor_msgs/msg/CameraInfo')
        for second in (10, 11):
            now = second * 10**9
            bag.write('/clock', now, bag.make('rosgraph_msgs/msg/Clock', clock=stamp_in(bag, 5)))
            header = bag.make('std_msgs/msg/Header', stamp=stamp_in(bag, second), frame_id='camera')
            data = np.zeros(3, np.uint8)
            image = bag.make('sensor_msgs/msg/CompressedImage', header=header, format='jpeg', data=data)
            bag.write(topics.VEHICLE_IMAGE, now, image)
            bag.write(info_topic, now + 5_000_000, empty_camera_info(bag, header))
    listener = Listener(ros)
    answers = listener.node.create_publisher(Detection3DArray, '/answers', 10)
    parameters = {
        'bag': tmp_path / 'bag',
        'wait_for': [f'{topics.VEHICLE_IMAGE}=1', f'{info_topic}=1', '/clock=1'],
        'pace': [f'{topics.VEHICLE_IMAGE}=/answers'],
    }
    player = group.start('emiff_ros.player_node', parameters)
    for number, second in enumerate((10, 11), 1):
        ros.spin_until(lambda number=number: len(listener.infos) == number, 60)  # though nobody has answered
        assert len(listener.images) == number
        answer = Detection3DArray()
        answer.header.stamp.sec = second
        answers.publish(answer)
    ros.spin_until(lambda: player.process.poll() is not None, 60)
    assert player.process.returncode == 0
    assert min(listener.clock) >= 10 * 10**9


def test_a_refusal_lets_the_player_go_on_as_an_answer_does(ros, group, bags, dataset):
    listener = Listener(ros)
    listener.node.create_publisher(Detection3DArray, '/answers', 10)
    refusals = listener.node.create_publisher(ImageRefusal, '/refusals', 10)
    parameters = {
        'bag': bags['mcap'],
        'wait_for': listener.wait_for(),
        'pace': [f'{topics.VEHICLE_IMAGE}=/answers,/refusals'],
        'rate': 20.0,
    }
    player = group.start('emiff_ros.player_node', parameters)
    for number, frame in enumerate(dataset.frames, 1):
        ros.spin_until(lambda number=number: len(listener.images) == number, 60)
        ros.spin_until(lambda stamp=frame.vehicle_stamp_ns: listener.clock[-1] == stamp)
        refusal = ImageRefusal(reason='broken')
        refusal.header.stamp.sec, refusal.header.stamp.nanosec = divmod(frame.vehicle_stamp_ns, 10**9)
        refusals.publish(refusal)
    ros.spin_until(lambda: player.process.poll() is not None, 30)
    assert player.process.returncode == 0


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({}, ['bag']),
        ({'bag': '/no/such/bag'}, ['/no/such/bag']),
        ({'bag': 'BAG', 'wait_for': ['/vehicle/camera/camera_info']}, ['wait_for', 'topic=']),
        ({'bag': 'BAG', 'wait_for': ['/vehicle/camera/camera_info=all']}, ['wait_for', 'all']),
        ({'bag': 'BAG', 'pace': ['/vehicle/camera/image/compressed']}, ['pace', 'topic=']),
        ({'bag': 'BAG', 'wait_for': ['/vehicle/camera/camera_info=3'], 'wait_s': 0.5}, ['camera_info', '0 of 3']),
        ({'bag': 'BAG', 'rate': 0.0}, ['rate']),
        ({'bag': 'BAG', 'start_file': 'PAST'}, ['start', 'ago']),
        ({'bag': 'BAG', 'start_file': __file__}, ['seconds since 1970']),
    ],
)
def test_what_cannot_be_played_is_told_and_ends_with_exit_code_1(group, bags, tmp_path, parameters, words):
    (tmp_path / 'start').write_text('1e9')
    files = {'BAG': bags['mcap'], 'PAST': tmp_path / 'start'}
    given = {
        name: files[value] if isinstance(value, str) and value in files else value for name, value in parameters.items()
    }
    player = group.start('emiff_ros.player_node', given)
    assert player.process.wait(timeout=60) == 1
    said = player.log.read_text()
    assert 'Traceback' not in said and all(word in said for word in words), said


def test_a_bag_without_messages_is_told(group, tmp_path):
    with BagWriter(tmp_path / 'empty'):
        pass
    player = group.start('emiff_ros.player_node', {'bag': tmp_path / 'empty'})
    assert player.process.wait(timeout=60) == 1
    assert 'with messages' in player.log.read_text()


def test_the_recorder_keeps_what_was_said_byte_for_byte_and_completes_its_bag_on_a_signal(ros, group, tmp_path):
    parameters = {'out': tmp_path / 'bag', 'topics': ['/said sensor_msgs/msg/CameraInfo'], 'progress_topic': '/said'}
    recorder = group.start('emiff_ros.recorder_node', parameters)
    node = ros.node('speaker')
    publisher = node.create_publisher(CameraInfo, '/said', 10)
    ros.spin_until(publisher.get_subscription_count, 60)
    for number in range(5):
        publisher.publish(CameraInfo(width=number, height=7, distortion_model='plumb_bob', d=[0.1] * 5))
    ros.spin_until(lambda: recorder.log.read_text().count('/said') == 5)
    recorder.process.send_signal(signal.SIGTERM)
    assert recorder.process.wait(timeout=60) == 0
    with BagReader(tmp_path / 'bag') as bag:
        messages = [message for _, _, message in bag.messages()]
    assert [message.width for message in messages] == list(range(5))
    assert messages[0].distortion_model == 'plumb_bob' and list(messages[0].d) == [0.1] * 5


@pytest.mark.parametrize(
    ('parameters', 'word'),
    [
        ({}, 'out'),
        ({'out': 'OUT', 'topics': ['/x no_msgs/msg/No']}, 'no_msgs'),
        ({'out': 'OUT', 'topics': ['/x-y std_msgs/msg/String']}, '/x-y'),
        ({'out': 'OUT'}, 'topics'),
        ({'out': '/', 'topics': ['/x std_msgs/msg/String']}, '/'),
    ],
)
def test_what_cannot_be_recorded_is_told_and_ends_with_exit_code_1(group, tmp_path, parameters, word):
    given = {name: tmp_path / 'bag' if value == 'OUT' else value for name, value in parameters.items()}
    recorder = group.start('emiff_ros.recorder_node', given)
    assert recorder.process.wait(timeout=60) == 1
    said = recorder.log.read_text()
    assert 'Traceback' not in said and word in said, said


def test_the_recorder_ends_though_its_topics_go_on(ros, group, tmp_path):
    recorder = group.start('emiff_ros.recorder_node', {'out': tmp_path / 'bag', 'topics': ['/on std_msgs/msg/String']})
    node = ros.node('endless')
    publisher = node.create_publisher(String, '/on', 10)
    node.create_timer(0.02, lambda: publisher.publish(String(data='on')))
    ros.spin_until(publisher.get_subscription_count, 60)
    recorder.process.send_signal(signal.SIGINT)
    ros.spin_until(lambda: recorder.process.poll() is not None)
    assert recorder.process.returncode == 0
    with BagReader(tmp_path / 'bag') as bag:
        assert bag.topics == {'/on': 'std_msgs/msg/String'}


@pytest.mark.parametrize(
    'arguments',
    [['-p', 'out:=['], ['--params-file', '/no/such.yaml'], ['-r', '__node:=a/b'], ['--log-level', 'silly']],
)
def test_arguments_that_ros_cannot_read_are_told_in_one_line(arguments):
    command = [sys.executable, '-m', 'emiff_ros.recorder_node', '--ros-args', *arguments]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 1
    said = [line for line in process.stderr.splitlines() if line.strip() and '[rcl]' not in line]
    assert len(said) == 1 and said[0].startswith('error:') and arguments[1] in said[0], process.stderr
