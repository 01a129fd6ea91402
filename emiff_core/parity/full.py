"""Golden kind `full`: the whole network on one pair of images, from the pixels to the boxes.

The tolerances of the fused volume and of what follows depend on one thing: whether voxels sampled another pixel than
the recording's. A voxel's projection that lies within rounding of a pixel's border may fall to either side on another
machine, and a single such voxel moves logits by up to 0.04.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emiff_core.model import anchors as box_coder
from emiff_core.model import voxel_fusion
from emiff_core.model.anchor_head import HeadOutput
from emiff_core.model.box_decoding import decode_detections
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.cross_attention import MultiScaleCrossAttention
from emiff_core.model.emiff import Emiff, RemoteBatch
from emiff_core.parity import rules
from emiff_core.parity.modules_ccm import camera_batch
from emiff_core.parity.official import filled_model
from emiff_core.parity.report import EXACT, RELATIVE, Report, Tolerance

Seen = dict[str, Any]

_SIDES = {'v': 'vehicle', 'i': 'infrastructure'}
_LEVELS = range(4)
_SAME_PIXEL = 1e-3  # a voxel's sample that is further off comes from another pixel
_FEW = Tolerance(20)  # voxels of a camera that may; the authors' own projection in float64 moves up to ten
_LISTED = 10

# While every voxel samples the recording's pixel ...
_DENSE = Tolerance(0.05, percentile=99.9, at_percentile=1e-3)
_CORNERS, _SCORES = Tolerance(1e-3), Tolerance(1e-5)
# ... and when some do not.
_DENSE_MOVED = Tolerance(0.05, percentile=99, at_percentile=1e-3)
_CORNERS_MOVED, _SCORES_MOVED = Tolerance(1e-2), Tolerance(1e-3)


def compare_full(report: Report) -> None:
    """Rebuild images, cameras and parameters; run the network once; compare every recorded stage."""
    images, cameras = _images(report), _cameras(report)
    model = filled_model(float(report.golden.info.get('cls_bias_const', rules.CLS_BIAS_SHIFT)))
    with torch.inference_mode(), _recorded(model) as seen:
        latent = model.encode_infrastructure(images[1:])
        logits = model.detect(model.encode_vehicle(images[:1]), cameras[0], [RemoteBatch(latent, cameras[1])])
        model.infrastructure(images[1:])  # its coarser levels are recorded too, although nothing uses them
        _compare_backbones(report, seen)
        _compare_compression(report, latent, seen)
        _compare_attention(report, seen)
        _compare_masking(report, seen)
        moved = [
            voxel
            for (side, enhanced), camera in zip(zip(_SIDES, seen['channel_masking'].split(1)), cameras)
            for voxel in _compare_sampling(report, model, side, enhanced, camera)
        ]
        dense = _DENSE_MOVED if moved else _DENSE
        report.add('volume', seen['neck.input'], dense)
        report.add('neck3d', seen['neck'], dense)
        for name, maps in zip(('cls', 'reg', 'dir'), logits, strict=True):
            report.add(f'head.{name}', maps, dense)
        _compare_boxes(report, model, logits, bool(moved))


def _images(report: Report) -> Tensor:
    golden = report.golden
    height, width = golden.info['img_hw']
    images = [rules.image_u8(seed, height, width) for seed in golden.info['seeds']]
    for name, image in zip(('u8_veh.crop', 'u8_inf.crop'), images, strict=True):
        rows, columns = golden[name].shape[:2]
        report.add_pair(name, image[:rows, :columns], golden[name], EXACT)
    report.add_pair('u8.sum', [image.sum() for image in images], golden['u8.sum'], EXACT)
    report.add_pair('u8.crc32', [zlib.crc32(image.tobytes()) for image in images], golden['u8.crc32'], EXACT)
    tensor = torch.stack([rules.network_input(image, tuple(golden.info['pad_hw'])) for image in images])
    report.add('img', tensor[None])
    return tensor


def _cameras(report: Report) -> list[CameraBatch]:
    golden = report.golden
    info = golden.info
    intrinsics = np.stack([rules.intrinsics(*info[name]) for name in ('Kv', 'Ki')])
    extrinsics = np.stack([rules.extrinsics(*info[name]) for name in ('pose_v', 'pose_i')])
    report.add_pair('intrinsic', intrinsics, golden['intrinsic'], RELATIVE)
    report.add_pair('extrinsic', extrinsics, golden['extrinsic'])
    meta = {
        'scale_factor': golden['scale_factor'].tolist() if 'scale_factor' in golden else None,
        'flip': info.get('flip'),
        'img_shape': golden['img_shape'],
    }
    return [camera_batch(intrinsics[k : k + 1], extrinsics[k : k + 1], [meta]) for k in (0, 1)]


@contextmanager
def _recorded(model: Emiff) -> Iterator[Seen]:
    """Keep what the named modules return while the network runs, and the neck's input as 'neck.input'."""
    names = ['compression.encoder.reduce', 'compression.decoder.up', 'compression.decoder', 'channel_masking', 'neck']
    names += [f'compression.multi_scale.{k}' for k in _LEVELS]
    names += [f'channel_masking.{part}' for part in ('camera_bn', 'camera_mlp', 'excite', 'reduce')]
    for side in _SIDES.values():
        names += [f'{side}.resnet', f'{side}.fpn', f'cross_attention.{side}']
        for k in _LEVELS:
            correct = f'cross_attention.{side}.correct.{k}'
            names += [correct, f'{correct}.offset']
    seen: Seen = {}

    def keep(name: str) -> Any:
        def hook(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
            seen[name], seen[f'{name}.input'] = output, inputs[0]

        return hook

    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _compare_backbones(report: Report, seen: Seen) -> None:
    for short, side in _SIDES.items():
        for k in _LEVELS:
            report.add(f'resnet_{short}.c{k + 2}', seen[f'{side}.resnet'][k])
            report.add(f'fpn_{short}.p{k}', seen[f'{side}.fpn'][k])


def _compare_compression(report: Report, latent: Tensor, seen: Seen) -> None:
    golden = report.golden
    report.add('comp.encoder', seen['compression.encoder.reduce'])
    report.add('latent_full', latent)
    report.add_pair('latent.nbytes', latent.numel() * latent.element_size(), golden['latent.nbytes'], EXACT)
    report.add('comp.upsampled', seen['compression.decoder.up'])
    report.add('comp.decoded', seen['compression.decoder'])
    for k in _LEVELS:
        report.add(f'ms_i.{k}', seen[f'compression.multi_scale.{k}'])


def _compare_attention(report: Report, seen: Seen) -> None:
    for short, side in _SIDES.items():
        aligned = seen[f'cross_attention.{side}']
        for k in _LEVELS:
            correct = f'cross_attention.{side}.correct.{k}'
            report.add(f'dcn_{short}.offset{k}', seen[f'{correct}.offset'])
            report.add(f'dcn_{short}.out{k}', seen[correct])
            report.add(f'up_{short}.{k}', aligned[:, k])
    aligned = seen['cross_attention.infrastructure']
    vehicle, infrastructure = seen['channel_masking.input'].split(1)
    report.add('att.query', vehicle.mean(dim=(2, 3))[:, None])
    report.add('att.key', aligned.mean(dim=(3, 4)))
    report.add('att.weights', MultiScaleCrossAttention.scale_weights(aligned, vehicle)[:, None])
    report.add('fused2d_v', vehicle)
    report.add('fused2d_i', infrastructure)


def _compare_masking(report: Report, seen: Seen) -> None:
    gate, reduced = seen['channel_masking.excite'].sigmoid(), seen['channel_masking.reduce']
    report.add('ccm.mlp_input', seen['channel_masking.camera_bn.input'], RELATIVE)
    report.add('ccm.bn_out', seen['channel_masking.camera_bn'])
    report.add('ccm.mlp_out', seen['channel_masking.camera_mlp'])
    report.add('ccm.gate', gate)
    report.add('ccm.reduce', reduced)
    report.add('ccm.se', reduced * gate[:, :, None, None])
    for short, enhanced in zip(_SIDES, seen['channel_masking'].split(1), strict=True):
        report.add(f'ccm.out_{short}', enhanced)


def _compare_sampling(report: Report, model: Emiff, side: str, enhanced: Tensor, camera: CameraBatch) -> list[int]:
    """Compare what one camera's voxels sample; return those that are known to sample another pixel."""
    golden = report.golden
    points, config = model.voxel_centres, model.config
    volume = voxel_fusion.sample_volume(enhanced, camera, points, config.voxels, config.fusion)
    samples = volume[0].permute(3, 2, 1, 0).flatten(0, 2).numpy()  # (Z * Y * X, C): the order of the points
    seen = (samples != 0).any(axis=1)
    index = golden['vox.index']
    if side == 'v':
        report.add_pair('vox.n', len(points), golden['vox.n'], EXACT)
        report.add_pair('vox.xyz', points[index], golden['vox.xyz'])

    k4 = torch.eye(4)
    k4[:3, :3] = camera.intrinsics[0]
    report.add_pair(f'proj_{side}', k4 @ camera.extrinsics[0], golden[f'proj_{side}'], RELATIVE)
    uv, depth = (each[0].numpy() for each in voxel_fusion.project(points, camera))
    behind = depth < 0
    report.add_pair(f'diag_depth_{side}', depth[index], golden[f'diag_depth_{side}'])
    report.add_pair(f'diag_uv_{side}', uv[index], golden[f'diag_uv_{side}'], RELATIVE)
    report.add_pair(f'diag_behind_{side}', behind.sum(), golden[f'diag_behind_{side}'], _FEW)
    name = f'diag_behind_and_nonzero_{side}'
    report.add_pair(name, (behind & seen).sum(), golden[name], _FEW)

    name = f'sampled_{side}'
    rows, steps = golden[f'{name}.rows'], [int(step) for step in golden[f'{name}.stride']]
    strided = samples[:: steps[0], :: steps[1]]
    mask = np.unpackbits(golden[f'{name}.nonzero_mask_packed'], count=len(samples)).astype(bool)
    moved_rows = np.abs(samples[index] - rows).max(axis=1) > _SAME_PIXEL
    moved_strided = np.abs(strided - golden[name]).max(axis=1) > _SAME_PIXEL
    moved = sorted(
        {
            *np.flatnonzero(mask != seen).tolist(),
            *index[moved_rows].tolist(),
            *(np.flatnonzero(moved_strided) * steps[0]).tolist(),
        }
    )
    listed = ', '.join(map(str, moved[:_LISTED])) + (' ...' if len(moved) > _LISTED else '')
    report.add_pair(f'{name}.moved_voxels', len(moved), 0, _FEW, f'sample another pixel: {listed}' if moved else '')
    report.add_pair(f'{name}.rows', samples[index][~moved_rows], rows[~moved_rows])
    report.add_pair(name, strided[~moved_strided], golden[name][~moved_strided])
    report.add_pair(f'{name}.nonzero_rows', seen.sum(), golden[f'{name}.nonzero_rows'], _FEW)
    return moved


def _compare_boxes(report: Report, model: Emiff, logits: HeadOutput, moved: bool) -> None:
    golden = report.golden
    config = model.config
    anchors = box_coder.make_anchors(config.voxels, config.head)
    per_cell = logits.directions.shape[1] // 2
    cls, residuals, directions = (box_coder.per_anchor(maps, per_cell)[0] for maps in logits)
    scores = cls.sigmoid().max(dim=1).values
    best = torch.from_numpy(golden['top100.index'])
    decoded = box_coder.decode(anchors[best], residuals[best])
    if not moved:  # otherwise the hundredth and the next may change places
        found = scores.topk(len(best)).indices.sort().values
        report.add_pair('top100.index', found, best.sort().values, EXACT, 'as a set')
    scores_tolerance = _SCORES_MOVED if moved else _SCORES
    report.add_pair('top100.score', scores[best], golden['top100.score'], scores_tolerance)
    report.add_pair('top100.reg', residuals[best], golden['top100.reg'], _DENSE)
    report.add_pair('top100.dir_logits', directions[best], golden['top100.dir_logits'], _DENSE)
    report.add_pair('top100.anchor', anchors[best], golden['top100.anchor'])
    report.add_pair('top100.decoded', decoded, golden['top100.decoded'], _CORNERS_MOVED if moved else _CORNERS)
    above = int((scores > config.head.score_threshold).sum())
    report.add_pair('n_score_gt_0.1', above, golden['n_score_gt_0.1'], _FEW if moved else EXACT)

    boxes = decode_detections(*logits, anchors, config.head)[0]
    ours, theirs = box_coder.to_boxes3d(boxes.boxes), box_coder.to_boxes3d(torch.from_numpy(golden['boxes']))
    corners = _CORNERS_MOVED if moved else _CORNERS
    report.add_pair('boxes', ours.corners(), theirs.corners(), corners, f'corners of {len(theirs)} boxes, in order')
    report.add_pair('scores', boxes.scores, golden['scores'], scores_tolerance)
    report.add_pair('labels', boxes.labels, golden['labels'], EXACT)
