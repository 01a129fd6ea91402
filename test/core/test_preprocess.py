from dataclasses import replace

import cv2
import numpy as np
import pytest

from emiff_core.config import ImageConfig
from emiff_core.data.preprocess import input_size, network_view, prepare_image
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera

CONFIG = ImageConfig(width=128, height=64)


def blob(camera: PinholeCamera, u: float, v: float) -> np.ndarray:
    """A black image with a soft white spot at pixel (u, v)."""
    x, y = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    spot = 255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 3.0**2))
    return np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)


def brightest(prepared) -> tuple[float, float]:
    """Return the centre of brightness (u, v) of the input, pixels."""
    weight = prepared.tensor.double().sum(0).numpy()
    weight = np.where(weight == 0, weight.min(), weight)  # the padding is grey, not black
    weight = weight - weight.min()
    v, u = np.indices(weight.shape)
    return (u * weight).sum() / weight.sum(), (v * weight).sum() / weight.sum()


def test_normalises_in_the_configured_order_and_pads_with_zeros(camera):
    image = np.zeros((128, 256, 3), np.uint8)
    image[:] = (10, 20, 30)  # BGR
    prepared = prepare_image(image, camera, ImageConfig(width=100, height=50))
    assert prepared.tensor.shape == (3, 64, 128)
    assert prepared.content == (50, 100)
    mean, std = np.array(CONFIG.mean), np.array(CONFIG.std)
    expected = (np.array([30, 20, 10]) - mean) / std
    np.testing.assert_allclose(prepared.tensor[:, 49, 99], expected, rtol=1e-6)
    assert (prepared.tensor[:, 50:] == 0).all() and (prepared.tensor[:, :, 100:] == 0).all()
    swapped = prepare_image(image, camera, ImageConfig(width=100, height=50, channel_order='bgr'))
    np.testing.assert_allclose(swapped.tensor[:, 0, 0], (np.array([10, 20, 30]) - mean) / std, rtol=1e-6)


@pytest.mark.parametrize(('width', 'height'), [(1920, 1080), (1280, 960), (640, 480), (720, 1280), (333, 77)])
def test_keeps_the_proportions_of_any_camera(width, height):
    camera = PinholeCamera(np.eye(3), width, height)
    prepared = prepare_image(np.zeros((height, width, 3), np.uint8), camera, CONFIG)
    content_height, content_width = prepared.content
    assert content_width <= 128 and content_height <= 64
    assert content_width == 128 or content_height == 64
    assert prepared.scale == (content_width / width, content_height / height)
    assert abs(content_width * height - content_height * width) <= max(width, height)  # within a pixel
    assert prepared.tensor.shape[1:] == input_size(prepared.camera, CONFIG)
    assert all(size % 32 == 0 for size in prepared.tensor.shape[1:])


@pytest.mark.parametrize('interpolation', ['linear', 'area'])
@pytest.mark.parametrize('crop_top', [0.0, 0.25])
def test_a_point_is_where_camera_and_scale_say(camera, crop_top, interpolation):
    config = replace(CONFIG, crop_top=crop_top, interpolation=interpolation)
    point = np.array([0.2, 0.1, 2.0])
    uv, _ = camera.project(point)
    prepared = prepare_image(blob(camera, *uv), camera, config)
    expected = prepared.camera.project(point)[0] * prepared.scale
    # the authors' convention puts pixel u at u * scale, half a pixel of the smaller image off at most
    np.testing.assert_allclose(brightest(prepared), expected, atol=0.5)
    assert prepared.camera.height == camera.height - round(crop_top * camera.height)


def test_a_distorted_image_is_rectified_unless_told_otherwise(camera):
    distorted = replace(camera, distortion=(-0.3, 0.1, 0.001, -0.001, 0.0))
    point = np.array([-0.9, 0.35, 2.0])
    seen, _ = cv2.projectPoints(
        point[None], np.zeros(3), np.zeros(3), camera.intrinsics, np.array(distorted.distortion)
    )
    image = blob(camera, *seen[0, 0])
    ideal = camera.project(point)[0] * (0.5, 0.5)
    assert np.linalg.norm(seen[0, 0] * 0.5 - ideal) > 2
    rectified = prepare_image(image, distorted, CONFIG)
    np.testing.assert_allclose(brightest(rectified), ideal, atol=0.5)
    assert not rectified.camera.is_distorted
    as_it_is = prepare_image(image, distorted, replace(CONFIG, ignore_distortion=True))
    np.testing.assert_allclose(brightest(as_it_is), seen[0, 0] * 0.5, atol=0.5)


def test_mirroring_turns_the_content_and_leaves_the_padding_at_the_right(camera, image):
    config = ImageConfig(width=100, height=50)
    plain, mirrored = (prepare_image(image, camera, config, mirrored=m) for m in (False, True))
    # halving by 2.56 is not symmetric to the last grey level
    difference = (mirrored.tensor[:, :50, :100] - plain.tensor[:, :50, :100].flip(-1)).abs()
    assert difference.max() < 2 / 57
    assert (mirrored.tensor[:, :, 100:] == 0).all()


def test_the_view_alone_equals_the_prepared_images(camera, image):
    config = replace(CONFIG, crop_top=0.3)
    prepared, view = prepare_image(image, camera, config), network_view(camera, config)
    np.testing.assert_array_equal(prepared.camera.intrinsics, view.intrinsics)
    assert (prepared.camera.width, prepared.camera.height) == (view.width, view.height)


def test_an_image_that_is_not_the_cameras_is_refused(camera, image):
    for wrong in (image[:-1], image[..., 0], image.astype(np.float32)):
        with pytest.raises(EmiffError, match=r'expected an image of shape \(128, 256, 3\) and type uint8, found'):
            prepare_image(wrong, camera, CONFIG)
