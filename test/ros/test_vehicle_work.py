"""The vehicle's work where its model fails: what was sent never costs an image."""

from types import SimpleNamespace

import pytest

from emiff_core.cooperation.refusal import Refusal
from emiff_ros.vehicle_work import VehicleWork
from test.ros.test_camera_input import Notes


@pytest.fixture
def work():
    """The part of a vehicle's work that detects, with a model that has no memory for features."""
    found = SimpleNamespace(detections=[])

    def detect(vehicle, T_camera_detection, remotes):
        if remotes or vehicle == 'broken':
            raise MemoryError('none left')
        return found

    made = object.__new__(VehicleWork)
    made._engine, made._reports, made.refused_frames = SimpleNamespace(detect=detect), Notes(), []
    made._refuse_frame = lambda admitted, reason, image: made.refused_frames.append((admitted, reason))
    return made


def test_a_model_that_fails_with_features_answers_without_them_and_tells_why(work):
    used, result = work._detect('image', None, [('north', object()), ('south', object())], None)
    assert used == [] and result.detections == []
    assert work.refused_frames == [('north', Refusal.FUSION_FAILED), ('south', Refusal.FUSION_FAILED)]
    assert any('MemoryError' in line and 'alone' in line for line in work._reports.lines)


def test_a_model_that_fails_on_the_vehicles_own_image_is_told_once(work):
    with pytest.raises(MemoryError):
        work._detect('broken', None, [], None)
    assert work.refused_frames == []
