"""The anchor grid and the box coder: 7 numbers between an anchor and a box, there and back.

A box here is the head's tensor [x, y, z, length, width, height, yaw]: metres and radians in the detection frame, z of
the BOTTOM face, yaw about +z. (`geometry.Boxes3D` speaks of centres; `box_decoding` is where the two meet.)

Source: EMIFF's head is SECOND's (Yan et al. 2018, section 3.2): residuals over the anchor's diagonal and height,
logarithms of sizes, an additive yaw.
"""

import math

import numpy as np
import torch
from torch import Tensor

from emiff_core.config import HeadConfig, VoxelConfig
from emiff_core.geometry import Boxes3D

_DIRECTION_OFFSET = -math.pi / 2  # direction 0 spans yaw [-pi/2, pi/2): headings with the x axis, not against it


def make_anchors(voxels: VoxelConfig, head: HeadConfig) -> Tensor:
    """Lay the head's anchors on the centres of the bird's-eye-view cells.

    Args:
        voxels: extent (metres, detection frame) and number of cells along x and y.
        head: the anchors' sizes, bottom and yaws; every cell has each size at each yaw.

    Returns:
        (Y * X * A, 7) float32 boxes, A = sizes * yaws, at index ((iy * X + ix) * sizes + size) * yaws + yaw.
    """
    x, y = cell_centres(*voxels.x_range, voxels.shape[0]), cell_centres(*voxels.y_range, voxels.shape[1])
    kinds = torch.tensor([(head.anchor_bottom, *size, yaw) for size in head.anchor_sizes for yaw in head.anchor_yaws])
    anchors = torch.empty(len(y), len(x), len(kinds), 7)
    anchors[..., 0] = x[None, :, None]
    anchors[..., 1] = y[:, None, None]
    anchors[..., 2:] = kinds
    return anchors.reshape(-1, 7)


def encode(anchors: Tensor, boxes: Tensor) -> Tensor:
    """Return the (N, 7) residuals that `decode` turns into `boxes`.

    Args:
        anchors, boxes: (N, 7) each, in pairs.
    """
    diagonal = anchors[:, 3:5].norm(dim=1, keepdim=True)
    height = anchors[:, 5]
    xy = (boxes[:, :2] - anchors[:, :2]) / diagonal
    z = (boxes[:, 2] + boxes[:, 5] / 2 - anchors[:, 2] - height / 2) / height
    sizes = (boxes[:, 3:6] / anchors[:, 3:6]).log()
    return torch.cat([xy, z[:, None], sizes, (boxes[:, 6] - anchors[:, 6])[:, None]], dim=1)


def decode(anchors: Tensor, residuals: Tensor) -> Tensor:
    """Return the (N, 7) boxes that the regression branch's (N, 7) residuals describe."""
    diagonal = anchors[:, 3:5].norm(dim=1, keepdim=True)
    sizes = residuals[:, 3:6].exp() * anchors[:, 3:6]
    xy = residuals[:, :2] * diagonal + anchors[:, :2]
    centre_z = residuals[:, 2] * anchors[:, 5] + anchors[:, 2] + anchors[:, 5] / 2
    bottom = centre_z - sizes[:, 2] / 2
    return torch.cat([xy, bottom[:, None], sizes, (residuals[:, 6] + anchors[:, 6])[:, None]], dim=1)


def to_boxes3d(boxes: Tensor) -> Boxes3D:
    """Return (N, 7) boxes by their centres, float64."""
    values = boxes.double().cpu().numpy()
    centers = values[:, :3].copy()
    centers[:, 2] += values[:, 5] / 2
    return Boxes3D(centers, values[:, 3:6], values[:, 6])


def from_boxes3d(boxes: Boxes3D) -> Tensor:
    """Return (N, 7) float32 boxes by their bottom faces: the inverse of `to_boxes3d`."""
    bottoms = boxes.centers[:, 2] - boxes.sizes[:, 2] / 2
    columns = np.column_stack([boxes.centers[:, :2], bottoms, boxes.sizes, boxes.yaws])
    return torch.from_numpy(columns.astype(np.float32))


def per_anchor(maps: Tensor, per_cell: int) -> Tensor:
    """Bring one of the head's maps, (B, A * K, Y, X), A anchors a cell, into the order of the anchors: (B, N, K)."""
    return maps.permute(0, 2, 3, 1).reshape(len(maps), -1, maps.shape[1] // per_cell)


def direction_of(yaws: Tensor) -> Tensor:
    """Return the (N,) int64 direction classes of (N,) yaws: 0 where the box heads to +x, 1 where it heads to -x."""
    turned = (yaws - _DIRECTION_OFFSET).remainder(2 * math.pi)
    return (turned / math.pi).floor().long().clamp(0, 1)


def with_direction(yaws: Tensor, directions: Tensor) -> Tensor:
    """Turn (N,) yaws, whose regression cannot tell front from back, by half turns into their (N,) direction classes."""
    turned = yaws - _DIRECTION_OFFSET
    turned = turned - (turned / math.pi).floor() * math.pi
    return turned + _DIRECTION_OFFSET + math.pi * directions.to(yaws.dtype)


def cell_centres(start: float, stop: float, cells: int) -> Tensor:
    """Return the (cells,) float32 centres of equal cells from `start` to `stop`, metres.

    Rounded step by step as the authors' (torch.linspace of torch 1.9 on AVX2, sixteen at a time and the rest singly).
    The last bit matters twice: a truth box that lies inside several anchors meets all of them by the same IoU but for
    rounding, and `assigner.assign` takes exactly the highest; a voxel between two pixels samples one or the other.
    """
    low, high = np.float32(start), np.float32(stop)
    step = (high - low) / np.float32(cells)
    edge = np.arange(cells)
    lane = np.where(edge < (cells + 1) // 16 * 16, edge % 8, 0)
    first = (edge - lane).astype(np.float64)  # the float64 products below are exact: they stand for fused ones
    upwards = (np.float64(low) + np.float64(step) * first).astype(np.float32)
    downwards = (np.float64(high) - np.float64(step) * (cells - first)).astype(np.float32)
    edges = np.where(first < (cells + 1) // 2, upwards, downwards) + step * lane.astype(np.float32)
    half_cell = (edges[1] - edges[0]) / np.float32(2) if cells > 1 else step / np.float32(2)
    return torch.from_numpy(edges + half_cell)
