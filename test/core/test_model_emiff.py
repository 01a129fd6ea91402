from dataclasses import replace

import pytest
import torch

from emiff_core.config import EmiffConfig, FusionConfig
from emiff_core.model import weights
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.emiff import Emiff, RemoteBatch


def build(config: EmiffConfig, seed: int = 0) -> Emiff:
    model = Emiff(config)
    weights.initialise(model, seed)
    with torch.no_grad():  # offsets of zero would hide how they are used
        for block in (model.cross_attention.vehicle, model.cross_attention.infrastructure):
            for correct in block.correct:
                correct.offset.bias.uniform_(-1, 1, generator=torch.Generator().manual_seed(seed))
    return model.eval()


@pytest.fixture
def cameras(camera, T_camera_detection, T_roadside_detection):
    return [
        CameraBatch.single(camera, T_camera_detection, (0.5, 0.5)),
        CameraBatch.single(camera, T_roadside_detection, (0.4, 0.5)),
    ]


def images(count: int = 1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(count, 3, 64, 128, generator=generator) for _ in range(2)]


def assert_close(one, other, **tolerance):
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, **tolerance)


def differs(one, other) -> bool:
    return any((a - b).abs().max() > 1e-6 for a, b in zip(one, other, strict=True))


@torch.no_grad()
def test_the_heads_maps_cover_the_voxel_columns(tiny_config, cameras):
    vehicle, roadside = images()
    output = build(tiny_config)(vehicle, cameras[0], roadside, cameras[1])
    assert [tuple(x.shape) for x in output] == [(1, 2, 16, 20), (1, 14, 16, 20), (1, 4, 16, 20)]


@torch.no_grad()
def test_the_halves_alone_equal_the_whole(tiny_config, cameras):
    vehicle, roadside = images()
    whole = build(tiny_config)(vehicle, cameras[0], roadside, cameras[1])
    latent = build(tiny_config).keep('infrastructure').encode_infrastructure(roadside)
    half = build(tiny_config).keep('vehicle')
    output = half.detect(half.encode_vehicle(vehicle), cameras[0], [RemoteBatch(latent, cameras[1])])
    assert_close(whole, output, rtol=0, atol=0)


def test_the_halves_hold_nothing_of_the_others(tiny_config):
    whole, roadside, vehicle = (
        set(build(tiny_config).keep(s).state_dict()) for s in ('both', 'infrastructure', 'vehicle')
    )
    assert roadside | vehicle == whole
    assert not roadside & vehicle


@torch.no_grad()
def test_batched_equals_single(tiny_config, cameras):
    model = build(tiny_config)
    vehicle, roadside = images(3)
    shifted = [replace(c, extrinsics=c.extrinsics + 0.1) for c in cameras]
    rows = [cameras, shifted, cameras]
    batched = model(vehicle, CameraBatch.stack([r[0] for r in rows]), roadside, CameraBatch.stack([r[1] for r in rows]))
    for i, row in enumerate(rows):
        single = model(vehicle[i : i + 1], row[0], roadside[i : i + 1], row[1])
        assert_close([x[i : i + 1] for x in batched], single, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_an_absent_roadside_leaves_what_the_vehicle_sees_alone(tiny_config, cameras):
    model = build(tiny_config)
    vehicle, roadside = images(2)
    two = [CameraBatch.stack([c, c]) for c in cameras]
    output = model(vehicle, two[0], roadside, two[1], present=torch.tensor([True, False]))
    levels = model.encode_vehicle(vehicle)
    alone = model.detect(levels, two[0], [])
    assert_close([x[1] for x in output], [x[1] for x in alone], rtol=1e-4, atol=1e-5)
    assert differs([x[0] for x in output], [x[0] for x in alone])


@torch.no_grad()
def test_the_order_of_remote_cameras_does_not_matter(tiny_config, cameras):
    model = build(tiny_config)
    vehicle, roadside = images(2)
    first, second = (RemoteBatch(model.encode_infrastructure(x[None]), cameras[1]) for x in roadside)
    levels = model.encode_vehicle(vehicle[:1])
    one_way, other_way, single = (
        model.detect(levels, cameras[0], remotes) for remotes in ([first, second], [second, first], [first])
    )
    assert_close(one_way, other_way, rtol=1e-4, atol=1e-5)
    assert differs(one_way, single)


@torch.no_grad()
def test_a_remote_of_other_proportions_fits_in(tiny_config, cameras):
    model = build(tiny_config)
    vehicle, _ = images()
    square = model.encode_infrastructure(torch.randn(1, 3, 64, 64))
    output = model.detect(model.encode_vehicle(vehicle), cameras[0], [RemoteBatch(square, cameras[1])])
    assert all(torch.isfinite(x).all() for x in output)


@pytest.mark.parametrize(
    'quirk',
    [
        {'mask_points_behind': False},
        {'mean_over': 'two'},
        {'per_camera_scale': False},
        {'align_pixel_centers': False},
    ],
)
@torch.no_grad()
def test_every_fusion_option_changes_the_result(tiny_config, cameras, quirk):
    vehicle, roadside = images()
    options = FusionConfig(**quirk)
    outputs = []
    for config in (tiny_config, replace(tiny_config, fusion=options)):
        model = build(config)
        remote = RemoteBatch(model.encode_infrastructure(roadside), cameras[1])
        remotes = [] if 'mean_over' in quirk else [remote]  # with both cameras there the means agree
        outputs.append(model.detect(model.encode_vehicle(vehicle), cameras[0], remotes))
    assert differs(*outputs)


@torch.no_grad()
def test_official_vehicle_only_halves_the_volume(tiny_official_config, cameras):
    model = build(tiny_official_config)
    seen = []
    model.neck.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    vehicle, _ = images()
    model.detect(model.encode_vehicle(vehicle), cameras[0], [])
    mended = build(replace(tiny_official_config, fusion=replace(tiny_official_config.fusion, mean_over='present')))
    mended.neck.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    mended.detect(mended.encode_vehicle(vehicle), cameras[0], [])
    torch.testing.assert_close(seen[0] * 2, seen[1])


def test_every_weight_that_is_used_learns(tiny_config, cameras):
    model = build(tiny_config).train()
    vehicle, roadside = images(2)
    two = [CameraBatch.stack([c, c]) for c in cameras]
    loss = sum(x.square().mean() for x in model(vehicle, two[0], roadside, two[1]))
    loss.backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    # the roadside sends its finest level alone
    assert {name for name in idle if not name.startswith('infrastructure.fpn.output.')} == set()


@torch.no_grad()
def test_the_bev_unet_keeps_the_grid_even_where_it_does_not_halve(tiny_config, cameras):
    odd = replace(
        tiny_config,
        neck=replace(tiny_config.neck, bev_channels=(24, 32)),
        voxels=replace(tiny_config.voxels, shape=(21, 15, 6)),
    )
    vehicle, roadside = images()
    output = build(odd)(vehicle, cameras[0], roadside, cameras[1])
    assert output.classes.shape == (1, 2, 15, 21)
