"""Image messages to BGR arrays: every accepted encoding, padded rows, and what is refused."""

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from emiff_core.errors import EmiffError
from emiff_ros.images import to_bgr

RNG = np.random.default_rng(3)
BGR = RNG.integers(0, 256, (6, 10, 3), dtype=np.uint8)


def message(pixels: np.ndarray, encoding: str, padding: int = 0) -> Image:
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    rows = np.concatenate([rows, np.full((height, padding), 77, np.uint8)], axis=1)
    data = array.array('B')
    data.frombytes(rows.tobytes())
    return Image(height=height, width=width, encoding=encoding, step=rows.shape[1], data=data)


@pytest.mark.parametrize('padding', [0, 6])
@pytest.mark.parametrize(
    ('encoding', 'pixels', 'expected'),
    [
        ('bgr8', BGR, BGR),
        ('8UC3', BGR, BGR),
        ('rgb8', BGR[..., ::-1], BGR),
        ('bgra8', np.dstack([BGR, BGR[..., 0]]), BGR),
        ('rgba8', np.dstack([BGR[..., ::-1], BGR[..., 0]]), BGR),
        ('mono8', BGR[..., 0], np.dstack([BGR[..., 0]] * 3)),
        ('8UC1', BGR[..., 0], np.dstack([BGR[..., 0]] * 3)),
    ],
)
def test_each_encoding_becomes_bgr_with_and_without_padded_rows(encoding, pixels, expected, padding):
    assert np.array_equal(to_bgr(message(np.ascontiguousarray(pixels), encoding, padding)), expected)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_a_bayer_mosaic_of_one_colour_becomes_that_colour(pattern):
    color = {'b': 40, 'g': 120, 'r': 230}
    tile = np.array([[color[pattern[0]], color[pattern[1]]], [color[pattern[2]], color[pattern[3]]]], np.uint8)
    found = to_bgr(message(np.tile(tile, (8, 8)), f'bayer_{pattern}8'))
    assert np.array_equal(found[4:-4, 4:-4], np.full((8, 8, 3), (40, 120, 230), np.uint8))


def test_an_unpadded_bgr_message_is_not_copied():
    image = message(BGR, 'bgr8')
    assert np.shares_memory(to_bgr(image), np.frombuffer(image.data, np.uint8))


@pytest.mark.parametrize('encoding', ['mono16', '16UC1', '32FC1', 'yuv422', ''])
def test_an_encoding_that_would_lose_something_is_refused_by_name(encoding):
    with pytest.raises(EmiffError, match='expected an encoding'):
        to_bgr(message(BGR, encoding))


def test_a_truncated_raw_image_is_refused():
    image = message(BGR, 'bgr8')
    image.data = image.data[:-1]
    with pytest.raises(EmiffError, match='truncated'):
        to_bgr(image)
    with pytest.raises(EmiffError, match='step 3'):
        to_bgr(Image(height=6, width=10, encoding='bgr8', step=3, data=image.data))
    with pytest.raises(EmiffError):
        to_bgr(Image(encoding='bgr8'))


def encoded(extension: str, **changes: object) -> CompressedImage:
    data = cv2.imencode(extension, cv2.GaussianBlur(BGR, (0, 0), 3))[1].tobytes()
    return CompressedImage(format=extension[1:], data=array.array('B', changes.get('data', data)))


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
def test_compressed_images_decode_to_what_opencv_reads_from_the_same_bytes(extension):
    image = encoded(extension)
    expected = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(to_bgr(image), expected)


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
def test_a_grey_camera_is_seen_in_grey(extension):
    image = CompressedImage(format=extension[1:])
    grey = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (16, 1))
    image.data = array.array('B', cv2.imencode(extension, grey)[1].tobytes())
    pixels = to_bgr(image)
    assert pixels.shape == (16, 48, 3)
    assert np.abs(pixels.astype(int) - grey[..., None]).max() <= 4


def test_a_cut_jpeg_is_refused_although_the_decoder_would_fill_it_with_grey():
    image = encoded('.jpg')
    image.data = image.data[: len(image.data) * 2 // 3]
    with pytest.raises(EmiffError, match='truncated'):
        to_bgr(image)


@pytest.mark.parametrize('data', [b'', b'no image at all', b'\xff\xd8\xff\xd9'])
def test_bytes_that_are_no_image_are_refused(data):
    with pytest.raises(EmiffError, match=r'do not decode|truncated'):
        to_bgr(encoded('.jpg', data=data))
