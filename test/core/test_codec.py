"""The codecs: what comes back, and what is refused."""

import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest

from emiff_core.codec import EncodedLatent, NumericType, decode
from emiff_core.codec import encode as encode_with
from emiff_core.config import CodecConfig
from emiff_core.errors import EmiffError


def encode(latent: np.ndarray, numeric_type: NumericType, coding: str = 'plain') -> EncodedLatent:
    return encode_with(latent, CodecConfig(numeric_type.name.lower(), coding))


def some_latent(seed: int = 0) -> np.ndarray:
    latent = np.random.default_rng(seed).normal(0, 3, (2, 5, 7)).astype(np.float32)
    latent[1] *= 0.01  # channels of very different size
    return latent


def test_float32_comes_back_bit_for_bit():
    latent = some_latent()
    assert np.array_equal(decode(encode(latent, NumericType.FLOAT32)), latent)


def test_float16_comes_back_within_its_precision_and_saturates():
    latent = some_latent()
    latent[0, 0, 0] = 1e6
    back = decode(encode(latent, NumericType.FLOAT16))
    assert back[0, 0, 0] == 65504
    assert np.abs(back - latent)[1:].max() <= np.abs(latent[1:]).max() * 2**-11


def test_int8_errs_by_half_a_step_of_its_own_channel():
    latent = some_latent()
    error = np.abs(decode(encode(latent, NumericType.INT8)) - latent).max(axis=(1, 2))
    half_step = np.abs(latent).max(axis=(1, 2)) / 254
    assert (error <= half_step * 1.001).all()


@pytest.mark.parametrize(
    ('numeric_type', 'steps'), [(NumericType.UINT4, 15), (NumericType.UINT2, 3), (NumericType.UINT1, 1)]
)
@pytest.mark.parametrize('width', [5, 6, 7, 8])  # the last byte is full, or not
def test_few_bits_err_by_half_a_step_of_their_own_channel(numeric_type, steps, width):
    latent = np.random.default_rng(width).exponential(3, (3, 3, width)).astype(np.float32)
    latent[1] *= 0.01
    error = np.abs(decode(encode(latent, numeric_type)) - latent).max(axis=(1, 2))
    assert (error <= latent.max(axis=(1, 2)) / (2 * steps) * 1.001).all()


def test_few_bits_are_packed_from_the_lowest_bits_on():
    latent = np.array([3, 0, 1, 2, 1], np.float32).reshape(1, 1, 5)
    assert encode(latent, NumericType.UINT2).payload == np.float32(1).tobytes() + bytes([0b10_01_00_11, 0b01])
    latent = np.array([15, 0, 9], np.float32).reshape(1, 3, 1)
    assert encode(latent, NumericType.UINT4).payload == np.float32(1).tobytes() + bytes([0x0F, 0x09])


@pytest.mark.parametrize('numeric_type', [NumericType.UINT4, NumericType.UINT2, NumericType.UINT1])
def test_negative_numbers_are_not_written_without_a_sign(numeric_type):
    with pytest.raises(EmiffError, match='without negative numbers'):
        encode(some_latent(), numeric_type)


@pytest.mark.parametrize('numeric_type', [t for t in NumericType if t.steps])
def test_an_empty_channel_stays_zero_as_integers(numeric_type):
    latent = np.abs(some_latent())
    latent[0] = 0
    assert np.array_equal(decode(encode(latent, numeric_type))[0], latent[0])


@pytest.mark.parametrize(
    ('numeric_type', 'size'),
    [
        (NumericType.FLOAT32, 280),
        (NumericType.FLOAT16, 140),
        (NumericType.INT8, 2 * 4 + 70),
        (NumericType.UINT4, 2 * 4 + 35),
        (NumericType.UINT2, 2 * 4 + 18),
        (NumericType.UINT1, 2 * 4 + 9),
    ],
)
def test_the_payload_has_the_bytes_that_shape_and_type_imply(numeric_type, size):
    assert len(encode(np.abs(some_latent()), numeric_type).payload) == size


@pytest.mark.parametrize('latent', [np.zeros((3, 4)), np.zeros((1, 0, 2)), np.full((1, 2, 2), np.nan)])
def test_what_is_no_latent_is_not_encoded(latent):
    with pytest.raises(EmiffError):
        encode(latent.astype(np.float32), NumericType.FLOAT32)


def broken(**changes: object) -> EncodedLatent:
    return replace(encode(some_latent(), NumericType.FLOAT32), **changes)


@pytest.mark.parametrize(
    ('encoded', 'word'),
    [
        (broken(codec='huffman'), 'huffman'),
        (broken(version=9), 'version 9'),
        (broken(payload=b'\0' * 279), '280'),
        (broken(shape=(2, 5, 8)), '320'),
        (broken(shape=(2, 0, 7)), 'shape'),
        (broken(shape=(1 << 20, 1 << 20, 1 << 20)), 'shape'),
        (broken(payload=b'\xff' * 280), 'nan'),
    ],
)
def test_a_broken_payload_is_refused_with_what_was_expected(encoded, word):
    with pytest.raises(EmiffError, match=word):
        decode(encoded)


@pytest.mark.parametrize('numeric_type', list(NumericType))
def test_deflating_loses_nothing_and_makes_a_sparse_latent_smaller(numeric_type):
    latent = np.random.default_rng(0).normal(-1, 1, (4, 24, 60)).clip(0).astype(np.float32)
    plain, deflated = (encode(latent, numeric_type, coding) for coding in ('plain', 'deflate'))
    assert np.array_equal(decode(deflated), decode(plain))
    assert len(deflated.payload) < 0.8 * len(plain.payload)


def deflated(content: bytes, end: bytes = b'', cut: int | None = None) -> EncodedLatent:
    encoder = zlib.compressobj(wbits=-15)
    payload = (encoder.compress(content) + encoder.flush())[:cut] + end
    return replace(encode(some_latent(), NumericType.FLOAT32, 'deflate'), payload=payload)


@pytest.mark.parametrize(
    ('encoded', 'word'),
    [
        (deflated(b'\0' * 279), '280'),
        (deflated(b'\0' * 281), '280'),
        (deflated(b'\0' * 280, end=b'more'), '280'),
        (deflated(bytes(range(256)) + b'\0' * 24, cut=-3), '280'),
        (replace(deflated(b''), payload=b'\xff' * 40), 'cannot be inflated'),
        (replace(deflated(b''), payload=b''), '280'),
    ],
)
def test_a_stream_that_is_not_the_latent_is_refused(encoded, word):
    with pytest.raises(EmiffError, match=word):
        decode(encoded)
    assert np.array_equal(decode(deflated(b'\0' * 280)), np.zeros((2, 5, 7)))


def test_a_stream_that_would_fill_the_memory_is_refused_before_it_does():
    bomb = deflated(b'\0' * (1 << 26))
    tracemalloc.start()
    with pytest.raises(EmiffError, match='280'):
        decode(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
