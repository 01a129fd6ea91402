"""Quaternions have x, y, z, w order, angles are roll, pitch, yaw about fixed axes."""

import math

import numpy as np
import pytest
from tf_transformations import (
    concatenate_matrices,
    euler_from_quaternion,
    quaternion_from_euler,
    quaternion_from_matrix,
    quaternion_matrix,
    translation_matrix,
)


def test_yaw_turns_about_z_and_w_comes_last():
    half = math.sqrt(0.5)
    assert quaternion_from_euler(0, 0, math.pi / 2) == pytest.approx([0, 0, half, half])


def test_roll_is_applied_first_and_yaw_last():
    matrix = quaternion_matrix(quaternion_from_euler(math.pi / 2, 0, math.pi / 2))
    assert matrix @ [0, 1, 0, 1] == pytest.approx([0, 0, 1, 1])  # y -> z by roll, and yaw leaves z alone
    assert matrix @ [1, 0, 0, 1] == pytest.approx([0, 1, 0, 1])  # roll leaves x alone, and x -> y by yaw


def test_angles_come_back():
    assert euler_from_quaternion(quaternion_from_euler(0.1, -0.2, 3.0)) == pytest.approx((0.1, -0.2, 3.0))


def test_matrix_comes_back():
    quaternion = quaternion_from_euler(0.4, 0.5, -1.0)
    again = quaternion_from_matrix(quaternion_matrix(quaternion))
    assert abs(np.dot(again, quaternion)) == pytest.approx(1.0)


def test_the_last_matrix_is_applied_first():
    turn = quaternion_matrix(quaternion_from_euler(0, 0, math.pi / 2))
    pose = concatenate_matrices(translation_matrix([1, 2, 3]), turn)
    assert pose @ [1, 0, 0, 1] == pytest.approx([1, 3, 3, 1])
