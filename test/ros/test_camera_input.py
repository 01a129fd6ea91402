"""One camera's input inside a node: pairing, counting, and a worker that no image can stop."""

import array
import threading

import pytest
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from emiff_core.stamps import nanoseconds
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.gate import Gate
from emiff_ros.messages import time_of

SECOND = 1_000_000_000


class Notes:
    """Stands for Reports: keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, key: str, text: str) -> None:
        self.lines.append(text)


class User:
    """Does with an image what the test says."""

    def __init__(self, process) -> None:
        self.process = process
        self.told: list[tuple[int, str]] = []

    def refused(self, header, reason: str) -> None:
        self.told.append((nanoseconds(header.stamp), reason))

    def time_jumped(self) -> None:
        """Know nothing that could be forgotten."""


class Camera:
    """A camera input whose work is a function of the test, and the camera that feeds it."""

    def __init__(self, ros, process) -> None:
        self.ros = ros
        self.notes = Notes()
        self.node = ros.node('listener')
        self.gate = Gate()
        self.gate.open()
        self.user = User(process)
        self.input = CameraInput(self.node, self.gate, self.notes, self.user, 'raw', QoSProfile(depth=50))
        camera = ros.node('camera')
        self._image = camera.create_publisher(Image, '/listener/input/image', 50)
        self._info = camera.create_publisher(CameraInfo, '/listener/input/camera_info', 50)
        ros.spin_until(lambda: self._image.get_subscription_count() and self._info.get_subscription_count())

    def image(self, stamp_ns: int) -> None:
        message = Image(height=2, width=3, encoding='bgr8', step=9, data=array.array('B', bytes(18)))
        message.header.stamp = time_of(stamp_ns)
        self._image.publish(message)

    def info(self, stamp_ns: int) -> None:
        k = [3.0, 0.0, 1.0, 0.0, 3.0, 1.0, 0.0, 0.0, 1.0]
        message = CameraInfo(width=3, height=2, k=k, distortion_model='plumb_bob')
        message.header.stamp = time_of(stamp_ns)
        self._info.publish(message)

    def counts(self) -> tuple[int, int, int, int]:
        """Return received, processed, skipped, refused."""
        counts = self.input.counts
        return counts.received, counts.processed, counts.skipped, counts.refused

    def show(self, stamp_ns: int) -> None:
        """Publish an image with its camera_info and wait until it has met its fate."""
        received = self.input.counts.received
        self.info(stamp_ns)
        self.image(stamp_ns)
        self.ros.spin_until(lambda: self.input.counts.received > received and sum(self.counts()[1:]) > received)


@pytest.fixture
def camera(ros):
    made = []

    def make(process) -> Camera:
        made.append(Camera(ros, process))
        return made[-1]

    yield make
    for one in made:
        one.input.close()


def test_an_image_on_which_the_work_fails_in_any_way_is_refused_and_the_next_is_processed(camera):
    seen = []

    def process(image: CameraImage) -> None:
        seen.append(image.stamp_ns)
        if len(seen) == 1:
            raise RuntimeError('out of memory')

    one = camera(process)
    for second in (1, 2):
        one.show(second * SECOND)
    assert seen == [SECOND, 2 * SECOND]
    assert one.counts() == (2, 1, 0, 1)
    assert [stamp for stamp, _ in one.user.told] == [SECOND]
    assert any('RuntimeError' in line and 'out of memory' in line for line in one.notes.lines)


def test_images_whose_camera_info_never_comes_are_refused_so_that_the_counts_add_up(camera):
    one = camera(lambda image: None)
    for second in (1, 2, 3):
        one.image(second * SECOND)
    one.show(4 * SECOND)
    one.ros.spin_until(lambda: one.counts() == (4, 1, 0, 3))
    assert [stamp for stamp, _ in one.user.told] == [SECOND, 2 * SECOND, 3 * SECOND]
    assert all('camera_info' in reason for _, reason in one.user.told)


def test_of_images_that_wait_for_their_camera_info_as_many_are_kept_as_can_be_paired(camera):
    one = camera(lambda image: None)
    for second in range(1, 13):
        one.image(second * SECOND)
    one.ros.spin_until(lambda: one.counts() == (12, 0, 0, 2))


def test_an_image_that_comes_twice_counts_once(camera):
    one = camera(lambda image: None)
    for _ in range(2):
        one.image(SECOND)
    one.ros.spin_until(lambda: one.counts() == (2, 0, 0, 1))
    one.info(SECOND)
    one.ros.spin_until(lambda: one.counts() == (2, 1, 0, 1))


def test_a_topic_without_a_publisher_is_named(ros):
    notes, node = Notes(), ros.node('lonely')
    gate = Gate()
    gate.open()
    lonely = CameraInput(node, gate, notes, User(lambda image: None), 'raw', QoSProfile(depth=5))
    try:
        ros.spin_until(lambda: any('/lonely/input/image' in line for line in notes.lines))
    finally:
        lonely.close()


def test_stamps_before_1970_cost_their_own_image_and_nothing_else(camera):
    one = camera(lambda image: None)
    one.info(-SECOND)
    one.image(-SECOND)
    one.ros.spin_until(lambda: one.counts() == (1, 0, 0, 1))
    assert one.user.told == [(-SECOND, 'its stamp lies before 1970')]
    one.show(SECOND)
    assert one.counts() == (2, 1, 0, 1)


def test_what_began_before_the_clock_jumped_back_does_not_leave_after_it(camera):
    begun, go_on, left = threading.Event(), threading.Event(), []

    def process(image: CameraImage) -> None:
        begun.set()
        assert go_on.wait(10)
        one.gate.send(lambda: left.append(image.stamp_ns), image.session)

    one = camera(process)
    for second in (5, 6):
        one.info(second * SECOND)
        one.image(second * SECOND)
    one.ros.spin_until(lambda: begun.is_set() and one.input.counts.received == 2 and not one.input._unpaired)
    one.input._clock_jumped(None)  # one image is in work, one waits for the worker
    go_on.set()
    one.ros.spin_until(lambda: one.counts() == (2, 0, 2, 0))
    one.show(SECOND)
    assert left == [SECOND]
