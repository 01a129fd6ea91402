"""Anchors, the box coder, and the way from dense maps to boxes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from emiff_core.config import HeadConfig, VoxelConfig
from emiff_core.geometry import Boxes3D
from emiff_core.model import anchors as box_coder
from emiff_core.model.box_decoding import decode_detections

VOXELS = VoxelConfig((0.0, 8.0), (-2.0, 2.0), (-2.0, 1.0), (4, 2, 3))
HEAD = HeadConfig()


def maps(head: HeadConfig = HEAD, voxels: VoxelConfig = VOXELS) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return maps that predict nothing: (1, A * classes, Y, X), (1, A * 7, Y, X), (1, A * 2, Y, X)."""
    per_cell = len(head.anchor_sizes) * len(head.anchor_yaws)
    shape = (voxels.shape[1], voxels.shape[0])
    cls = torch.full((1, per_cell * len(head.class_names), *shape), -10.0)
    return cls, torch.zeros(1, per_cell * 7, *shape), torch.zeros(1, per_cell * 2, *shape)


def test_anchors_lie_on_cell_centres_x_fastest_but_for_the_yaw():
    anchors = box_coder.make_anchors(VOXELS, HEAD)
    assert anchors.shape == (4 * 2 * 2, 7)
    expected = [1.0, -1.0, -1.78, 3.9, 1.6, 1.56]
    torch.testing.assert_close(anchors[0], torch.tensor([*expected, 0.0]))
    torch.testing.assert_close(anchors[1], torch.tensor([*expected, math.pi / 2]))
    torch.testing.assert_close(anchors[2, :2], torch.tensor([3.0, -1.0]))
    torch.testing.assert_close(anchors[8, :2], torch.tensor([1.0, 1.0]))


@pytest.mark.parametrize('cells', [1, 7, 80, 249])
def test_anchor_centres_are_right_for_any_number_of_cells(cells):
    anchors = box_coder.make_anchors(replace(VOXELS, shape=(cells, 1, 3)), HEAD)
    expected = (np.arange(cells) + 0.5) * 8 / cells
    np.testing.assert_allclose(anchors[::2, 0], expected, atol=2e-6)


def test_coding_there_and_back():
    torch.manual_seed(0)
    anchors = box_coder.make_anchors(VOXELS, HEAD)
    residuals = torch.randn(len(anchors), 7)
    boxes = box_coder.decode(anchors, residuals)
    torch.testing.assert_close(box_coder.encode(anchors, boxes), residuals, atol=1e-5, rtol=1e-5)


def test_boxes_by_bottom_and_by_centre():
    boxes = Boxes3D([[1.0, 2.0, 3.0]], [[4.0, 2.0, 1.5]], [0.3])
    tensor = box_coder.from_boxes3d(boxes)
    torch.testing.assert_close(tensor, torch.tensor([[1.0, 2.0, 2.25, 4.0, 2.0, 1.5, 0.3]]))
    np.testing.assert_allclose(box_coder.to_boxes3d(tensor).centers, boxes.centers, atol=1e-6)


@pytest.mark.parametrize('yaw', np.linspace(-7, 7, 29))
def test_the_direction_class_restores_a_yaw_from_either_half_turn(yaw):
    wanted = torch.tensor([yaw], dtype=torch.float64)
    direction = box_coder.direction_of(wanted)
    assert direction.item() == int(math.cos(yaw) < 0)
    for regressed in (wanted, wanted + math.pi, wanted - math.pi):
        restored = box_coder.with_direction(regressed, direction)
        assert math.cos(restored.item() - yaw) == pytest.approx(1.0, abs=1e-9)


def test_one_loud_anchor_becomes_one_box():
    cls, reg, direction = maps()
    cls[0, 1, 1, 2] = 2.0  # the second yaw in row 1, column 2
    reg[0, 7 + 5, 1, 2] = math.log(2)  # twice as high
    reg[0, 7 + 6, 1, 2] = 0.2  # turned on, past +y
    direction[0, 2 + 1, 1, 2] = 1.0  # heading to -x
    boxes = decode_detections(cls, reg, direction, box_coder.make_anchors(VOXELS, HEAD), HEAD)[0]
    found = boxes.to_detections(('car',))
    assert found.labels == ('car',)
    assert found.scores[0] == pytest.approx(1 / (1 + math.exp(-2)))
    np.testing.assert_allclose(found.boxes.centers[0], [5.0, 1.0, -1.78 + 1.56 / 2], atol=1e-5)
    np.testing.assert_allclose(found.boxes.sizes[0], [3.9, 1.6, 3.12], atol=1e-5)
    assert found.boxes.yaws[0] == pytest.approx(math.pi / 2 + 0.2, abs=1e-5)


def test_nothing_above_the_threshold_is_no_box():
    found = decode_detections(*maps(), box_coder.make_anchors(VOXELS, HEAD), HEAD)[0]
    assert found.boxes.shape == (0, 7)
    assert len(found.to_detections(('car',))) == 0


def test_overlapping_boxes_of_a_class_go_and_those_of_another_stay():
    head = HeadConfig(class_names=('car', 'cyclist'), anchor_sizes=((3.9, 1.6, 1.56), (1.8, 0.6, 1.7)))
    cls, reg, direction = maps(head)
    per_class = cls.reshape(1, 4, 2, 2, 4)  # anchor, class, Y, X
    per_class[0, 0, 0, 0, 1] = 3.0
    per_class[0, 0, 0, 0, 2] = 2.0  # 2 m beside it, a car as well
    per_class[0, 2, 1, 0, 1] = 1.0  # a cyclist in the first car's place
    found = decode_detections(cls, reg, direction, box_coder.make_anchors(VOXELS, head), head)[0]
    assert found.labels.tolist() == [0, 1]
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)


def test_max_boxes_and_nms_pre_bound_the_list():
    cls, reg, direction = maps()
    cls[:] = torch.linspace(1, 2, cls.numel()).reshape(cls.shape)
    reg[:, [3, 4, 10, 11]] = -5.0  # tiny boxes, that do not meet
    anchors = box_coder.make_anchors(VOXELS, HEAD)
    assert len(decode_detections(cls, reg, direction, anchors, HEAD)[0].boxes) == 8  # two yaws share each centre
    assert len(decode_detections(cls, reg, direction, anchors, replace(HEAD, max_boxes=3))[0].boxes) == 3
    best = decode_detections(cls, reg, direction, anchors, replace(HEAD, nms_pre=1))[0]
    assert best.scores.tolist() == pytest.approx([torch.tensor(2.0).sigmoid().item()])


def test_a_batch_is_its_samples():
    torch.manual_seed(1)
    cls, reg, direction = torch.randn(3, 2, 2, 4), torch.randn(3, 14, 2, 4) / 5, torch.randn(3, 4, 2, 4)
    anchors = box_coder.make_anchors(VOXELS, HEAD)
    together = decode_detections(cls, reg, direction, anchors, HEAD)
    for i, sample in enumerate(together):
        alone = decode_detections(cls[i : i + 1], reg[i : i + 1], direction[i : i + 1], anchors, HEAD)[0]
        assert torch.equal(sample.boxes, alone.boxes)
        assert torch.equal(sample.scores, alone.scores)
