"""CameraInfo to camera: region of interest, binning, distortion."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, RegionOfInterest

from emiff_core.bag.cameras import camera_of
from emiff_core.errors import EmiffError
from emiff_ros.calibration import Transforms, check_size
from emiff_ros.gate import Gate

K = [1000.0, 0.0, 960.0, 0.0, 1100.0, 540.0, 0.0, 0.0, 1.0]


def info(**changes: object) -> CameraInfo:
    return CameraInfo(**({'width': 1920, 'height': 1080, 'k': K, 'distortion_model': 'plumb_bob'} | changes))


def test_a_plain_camera_info_is_the_camera():
    camera = camera_of(info(d=[0.0] * 5))
    assert (camera.width, camera.height, camera.is_distorted) == (1920, 1080, False)
    assert camera.intrinsics == pytest.approx(np.array(K).reshape(3, 3))


def test_distortion_is_handed_on():
    assert camera_of(info(d=[-0.3, 0.1, 0.0, 0.0, 0.0])).distortion == (-0.3, 0.1, 0, 0, 0)


def test_region_of_interest_and_binning_move_the_calibration_to_the_image():
    roi = RegionOfInterest(x_offset=160, y_offset=40, width=1600, height=1000)
    camera = camera_of(info(roi=roi, binning_x=2, binning_y=2))
    assert (camera.width, camera.height) == (800, 500)
    assert camera.project([[0, 0, 1]])[0] == pytest.approx(np.array([[400, 250]]))
    assert camera.intrinsics[0, 0] == 500
    check_size(camera, np.zeros((500, 800, 3), np.uint8))


def test_binning_an_odd_size_drops_the_rest():
    camera = camera_of(info(width=1921, height=1081, binning_x=2, binning_y=2))
    assert (camera.width, camera.height) == (960, 540)


@pytest.mark.parametrize(
    ('changes', 'word'),
    [
        ({'distortion_model': 'equidistant'}, 'equidistant'),
        ({'k': [0.0] * 9}, 'calibrated'),
        ({'d': [0.1] * 3}, 'camera_info.*coefficients'),
        ({'width': 0}, 'camera_info.*size'),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(changes, word):
    with pytest.raises(EmiffError, match=word):
        camera_of(info(**changes))


def test_another_image_size_is_refused_with_both_sizes():
    with pytest.raises(EmiffError, match=r'960x540.*1920x1080'):
        check_size(camera_of(info()), np.zeros((540, 960, 3), np.uint8))


def test_a_stamp_of_zero_is_refused_where_tf_would_take_the_newest_transform(ros):
    gate = Gate()
    gate.open()
    transforms = Transforms(ros.node('placed'), gate, wait_s=0.0)
    assert transforms.lookup('map', 'map', Time(sec=1), arrived=0.0) == pytest.approx(np.eye(4))
    with pytest.raises(EmiffError, match='found 0'):
        transforms.lookup('map', 'map', Time(), arrived=0.0)
