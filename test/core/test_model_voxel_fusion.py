from dataclasses import replace

import numpy as np
import pytest
import torch

from emiff_core.config import FusionConfig, VoxelConfig
from emiff_core.geometry import PinholeCamera, transforms
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.voxel_fusion import fuse_volumes, project, sample_volume, voxel_centres

VOXELS = VoxelConfig((0.0, 40.0), (-16.0, 16.0), (-2.0, 2.0), (20, 16, 4))
MENDED = FusionConfig()


def test_centres_run_x_fastest_and_lie_in_the_middle_of_their_cells():
    centres = voxel_centres(VOXELS).reshape(4, 16, 20, 3)
    torch.testing.assert_close(centres[0, 0, 0], torch.tensor([1.0, -15.0, -1.5]))
    torch.testing.assert_close(centres[3, 2, 5], torch.tensor([11.0, -11.0, 1.5]))


def test_projection_is_the_cameras_at_the_networks_scale(camera, T_roadside_detection):
    points = np.random.default_rng(0).uniform([0, -10, -2], [20, 10, 2], (50, 3))
    batch = CameraBatch.single(camera, T_roadside_detection, (0.5, 0.4))
    pixels, depth = project(torch.tensor(points, dtype=torch.float32), batch)
    expected, expected_depth = camera.project(transforms.apply(T_roadside_detection, points))
    np.testing.assert_allclose(pixels[0], expected * (0.5, 0.4), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(depth[0], expected_depth, rtol=1e-5)


def test_a_mirrored_camera_sees_the_mirrored_world(camera, T_camera_detection):
    points = torch.tensor([[10.0, 3.0, -1.0], [25.0, -4.0, 0.5]])
    plain, _ = project(points, CameraBatch.single(camera, T_camera_detection, (0.5, 0.5)))
    mirrored, _ = project(
        points * torch.tensor([1.0, -1.0, 1.0]), CameraBatch.single(camera, T_camera_detection, (0.5, 0.5), 128.0)
    )
    torch.testing.assert_close(mirrored[..., 0], 128 - plain[..., 0])
    torch.testing.assert_close(mirrored[..., 1], plain[..., 1])


@pytest.mark.parametrize('sampling', ['nearest', 'bilinear'])
def test_what_stands_in_a_pixel_fills_the_voxels_on_its_ray(camera, T_camera_detection, sampling):
    voxels = replace(VOXELS, sampling=sampling)
    points = voxel_centres(voxels)
    features = torch.zeros(1, 1, 16, 32)
    features[0, 0, 6, 20] = 1.0
    batch = CameraBatch.single(camera, T_camera_detection, (0.5, 0.5))
    volume, _ = sample_volume(features, batch, points, voxels, MENDED)
    assert volume.shape == (1, 1, 20, 16, 4)
    pixels = project(points, batch)[0][0].reshape(4, 16, 20, 2).permute(2, 1, 0, 3)
    distance = ((pixels + 0.5) / 4 - 0.5 - torch.tensor([20.0, 6.0])).abs()
    if sampling == 'nearest':
        clear = (distance - 0.5).abs().amin(-1) > 1e-3  # ties may fall either way
        expected = (distance < 0.5).all(-1).float()
    else:
        clear = torch.ones(distance.shape[:-1], dtype=torch.bool)
        expected = (1 - distance).clamp(min=0).prod(-1)
    assert expected[clear].sum() > 1
    torch.testing.assert_close(volume[0, 0][clear], expected[clear], rtol=0, atol=1e-4)


def test_points_behind_are_masked_or_in_the_official_mode_mirrored(camera):
    looking_back = transforms.rigid([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], [0, 0, 0])
    batch = CameraBatch.single(camera, looking_back, (0.5, 0.5))
    features = torch.ones(1, 2, 16, 32)
    points = voxel_centres(VOXELS)
    assert (sample_volume(features, batch, points, VOXELS, MENDED)[0] == 0).all()
    quirky = replace(MENDED, mask_points_behind=False)
    assert (sample_volume(features, batch, points, VOXELS, quirky)[0] == 1).any()


def test_points_in_the_cameras_plane_give_no_nan():
    camera = PinholeCamera(np.eye(3) * [100, 100, 1], 256, 128)
    beside = transforms.rigid([[0, -1, 0], [0, 0, -1], [1, 0, 0]], [0, 0, -1.0])  # depth 0 at the first cells' centres
    batch = CameraBatch.single(camera, beside, (0.5, 0.5))
    points, features = voxel_centres(VOXELS), torch.ones(1, 1, 16, 32)
    assert (project(points, batch)[1] == 0).any()
    for sampling in ('nearest', 'bilinear'):
        for fusion in (MENDED, replace(MENDED, mask_points_behind=False)):
            volume, _ = sample_volume(features, batch, points, replace(VOXELS, sampling=sampling), fusion)
            assert ((volume >= 0) & (volume <= 1.001)).all()


def test_the_mean_counts_present_cameras_or_always_two():
    ones = torch.ones(3, 1, 2, 2, 2)
    volumes = [ones, 3 * ones, 8 * ones]
    everywhere = [ones[:, 0] > 0] * 3
    present = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
    mean = fuse_volumes(volumes, everywhere, present, MENDED)[:, 0, 0, 0, 0]
    torch.testing.assert_close(mean, torch.tensor([1.0, 2.0, 4.0]))
    official = replace(MENDED, mean_over='two')
    alone = fuse_volumes(volumes[:1], everywhere[:1], present[:, :1], official)[:, 0, 0, 0, 0]
    torch.testing.assert_close(alone, torch.tensor([0.5, 0.5, 0.5]))
    pair = fuse_volumes(volumes[:2], everywhere[:2], present[:, :2], official)[:, 0, 0, 0, 0]
    torch.testing.assert_close(pair, torch.tensor([0.5, 2.0, 2.0]))


def test_the_mean_over_those_who_see_a_voxel(camera, T_roadside_detection):
    points, batch = voxel_centres(VOXELS), CameraBatch.single(camera, T_roadside_detection, (0.5, 0.5))
    ones = torch.ones(1, 1, camera.height // 8, camera.width // 8)
    volume, seen = sample_volume(ones, batch, points, VOXELS, MENDED)
    assert seen.any() and not seen.all()
    assert (volume[:, 0][~seen] < 1).all()  # at most the edge's half of it
    everywhere, present = torch.ones_like(seen), torch.tensor([[True, True]])
    mean = replace(MENDED, mean_over='seen')
    fused = fuse_volumes([torch.full_like(volume, 5.0), volume], [everywhere, seen], present, mean)[:, 0]
    torch.testing.assert_close(fused[seen], (5 + volume[:, 0][seen]) / 2)
    assert (fused[~seen] == 5).all()
    absent = torch.tensor([[True, False]])
    alone = fuse_volumes([torch.full_like(volume, 5.0), volume], [everywhere, seen], absent, mean)
    assert (alone == 5).all()
    unseen = fuse_volumes([volume], [torch.zeros_like(seen)], torch.tensor([[True]]), mean)
    assert (unseen == 0).all()


def test_padding_is_not_seen(camera, T_camera_detection):
    points, batch = voxel_centres(VOXELS), CameraBatch.single(camera, T_camera_detection, (0.5, 0.5))
    height, width = camera.height // 8, camera.width // 8
    _, exact = sample_volume(torch.ones(1, 1, height, width), batch, points, VOXELS, MENDED)
    _, padded = sample_volume(torch.ones(1, 1, height + 8, width + 8), batch, points, VOXELS, MENDED)
    assert exact.any() and torch.equal(exact, padded)


def test_autocast_does_not_touch_the_projection(camera, T_roadside_detection):
    points, batch = voxel_centres(VOXELS), CameraBatch.single(camera, T_roadside_detection, (0.5, 0.5))
    expected, _ = project(points, batch)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        under_autocast, _ = project(points, batch)
    assert torch.equal(under_autocast.nan_to_num(), expected.nan_to_num())
