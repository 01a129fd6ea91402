"""Golden kind `full`: the whole network on one pair of images, from the pixels to the boxes.

The tolerances of the fused volume and of what follows depend on one thing: whether voxels sampled another pixel than
the recording's. A voxel's projection that lies within rounding of a pixel's border may fall to either side on another
machine, and a single such voxel moves logits by up to 0.04.
"""

import zlib

import numpy as np
import torch
from torch import Tensor

from emiff_core.errors import EmiffError
from emiff_core.model import anchors as box_coder
from emiff_core.model import voxel_fusion
from emiff_core.model.anchor_head import HeadOutput
from emiff_core.model.box_decoding import decode_detections
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.cross_attention import MultiScaleCrossAttention
from emiff_core.model.emiff import Emiff, RemoteBatch
from emiff_core.parity import rules
from emiff_core.parity.cameras import camera_batch, project_unscaled
from emiff_core.parity.golden import statistics
from emiff_core.parity.official import filled_model
from emiff_core.parity.recording import INPUT, recorded
from emiff_core.parity.report import EXACT, RELATIVE, Report, Tolerance

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
    with torch.inference_mode(), recorded(model, _recorded_names()) as seen:
        latent = model.encode_infrastructure(images[1:])
        logits = model.detect(model.encode_vehicle(images[:1]), cameras[0], [RemoteBatch(latent, cameras[1])])
        model.infrastructure(images[1:])  # its coarser levels are recorded too, although nothing uses them
        _compare_backbones(report, seen)
        _compare_compression(report, latent, seen)
        _compare_attention(report, seen)
        _compare_masking(report, seen)
        report.whole('vox.n', len(model.voxel_centres), EXACT)
        report.whole('vox.xyz', model.voxel_centres[report.golden['vox.index']])
        moved = 0
        for side, enhanced, camera in zip(_SIDES, seen['channel_masking'].split(1), cameras, strict=True):
            moved += _compare_sampling(report, model, side, enhanced, camera)
        dense = _DENSE_MOVED if moved else _DENSE
        report.add('volume', seen['neck' + INPUT], dense)
        report.add('neck3d', seen['neck'], dense)
        for name, maps in zip(('cls', 'reg', 'dir'), logits, strict=True):
            report.add(f'head.{name}', maps, dense)
        _compare_boxes(report, model, logits, moved > 0)


def _images(report: Report) -> Tensor:
    golden = report.golden
    height, width = golden.info['img_hw']
    images = [rules.image_u8(seed, height, width) for seed in golden.info['seeds']]
    for name, image in zip(('u8_veh.crop', 'u8_inf.crop'), images, strict=True):
        report.add(name, image, EXACT)
    report.whole('u8.sum', [image.sum() for image in images], EXACT)
    report.whole('u8.crc32', [zlib.crc32(image.tobytes()) for image in images], EXACT)
    tensor = torch.stack([rules.network_input(image, tuple(golden.info['pad_hw'])) for image in images])
    report.add('img', tensor[None])
    return tensor


def _cameras(report: Report) -> list[CameraBatch]:
    golden = report.golden
    info = golden.info
    intrinsics = np.stack([rules.intrinsics(*info[name]) for name in ('Kv', 'Ki')])
    extrinsics = np.stack([rules.extrinsics(*info[name]) for name in ('pose_v', 'pose_i')])
    report.whole('intrinsic', intrinsics, RELATIVE)
    report.whole('extrinsic', extrinsics)
    flip = bool(golden['flip'] if 'flip' in golden else info.get('flip'))
    if flip != (info.get('transformation_3d_flow') == ['HF']):
        raise EmiffError(f'{golden.path}: info_json: expected transformation_3d_flow ["HF"] exactly where flip is true')
    scale = golden['scale_factor'].tolist() if 'scale_factor' in golden else None
    meta = {'scale_factor': scale, 'flip': flip, 'img_shape': info['img_hw']}
    return [camera_batch(intrinsics[k : k + 1], extrinsics[k : k + 1], [meta]) for k in (0, 1)]


def _recorded_names() -> list[str]:
    names = ['compression.encoder.reduce', 'compression.decoder.up', 'compression.decoder', 'channel_masking', 'neck']
    names += [f'compression.multi_scale.{k}' for k in _LEVELS]
    names += [f'channel_masking.{part}' for part in ('camera_bn', 'camera_mlp', 'excite', 'reduce')]
    for side in _SIDES.values():
        names += [f'{side}.resnet', f'{side}.fpn', f'cross_attention.{side}']
        for k in _LEVELS:
            correct = f'cross_attention.{side}.correct.{k}'
            names += [correct, f'{correct}.offset']
    return names


def _compare_backbones(report: Report, seen: dict[str, Tensor]) -> None:
    for short, side in _SIDES.items():
        for k in _LEVELS:
            report.add(f'resnet_{short}.c{k + 2}', seen[f'{side}.resnet'][k])
            report.add(f'fpn_{short}.p{k}', seen[f'{side}.fpn'][k])


def _compare_compression(report: Report, latent: Tensor, seen: dict[str, Tensor]) -> None:
    report.add('comp.encoder', seen['compression.encoder.reduce'])
    report.add('latent_full', latent)
    report.whole('latent.stats', statistics(latent.numpy()), RELATIVE)
    report.whole('latent.nbytes', latent.numel() * latent.element_size(), EXACT)
    report.add('comp.upsampled', seen['compression.decoder.up'])
    report.add('comp.decoded', seen['compression.decoder'])
    for k in _LEVELS:
        report.add(f'ms_i.{k}', seen[f'compression.multi_scale.{k}'])


def _compare_attention(report: Report, seen: dict[str, Tensor]) -> None:
    for short, side in _SIDES.items():
        aligned = seen[f'cross_attention.{side}']
        for k in _LEVELS:
            correct = f'cross_attention.{side}.correct.{k}'
            report.add(f'dcn_{short}.offset{k}', seen[f'{correct}.offset'])
            report.add(f'dcn_{short}.out{k}', seen[correct])
            report.add(f'up_{short}.{k}', aligned[:, k])
    aligned = seen['cross_attention.infrastructure']
    vehicle, infrastructure = seen['channel_masking' + INPUT].split(1)
    report.add('att.query', vehicle.mean(dim=(2, 3))[:, None])
    report.add('att.key', aligned.mean(dim=(3, 4)))
    report.add('att.weights', MultiScaleCrossAttention.scale_weights(aligned, vehicle)[:, None])
    report.add('fused2d_v', vehicle)
    report.add('fused2d_i', infrastructure)


def _compare_masking(report: Report, seen: dict[str, Tensor]) -> None:
    gate, reduced = seen['channel_masking.excite'].sigmoid(), seen['channel_masking.reduce']
    report.add('ccm.mlp_input', seen['channel_masking.camera_bn' + INPUT], RELATIVE)
    report.add('ccm.bn_out', seen['channel_masking.camera_bn'])
    report.add('ccm.mlp_out', seen['channel_masking.camera_mlp'])
    report.add('ccm.gate', gate)
    report.add('ccm.reduce', reduced)
    report.add('ccm.se', reduced * gate[:, :, None, None])
    for short, enhanced in zip(_SIDES, seen['channel_masking'].split(1), strict=True):
        report.add(f'ccm.out_{short}', enhanced)


def _compare_sampling(report: Report, model: Emiff, side: str, enhanced: Tensor, camera: CameraBatch) -> int:
    """Compare what one camera's voxels sample; return how many are known to sample another pixel."""
    golden = report.golden
    if f'sampled_{side}' not in golden:
        return 0
    points, config = model.voxel_centres, model.config
    volume, _ = voxel_fusion.sample_volume(enhanced, camera, points, config.voxels, config.fusion)
    samples = volume[0].permute(3, 2, 1, 0).flatten(0, 2).numpy()  # (Z * Y * X, C): the order of the points
    seen = (samples != 0).any(axis=1)
    index = golden['vox.index']
    k4 = torch.eye(4)
    k4[:3, :3] = camera.intrinsics[0]
    report.whole(f'proj_{side}', k4 @ camera.extrinsics[0], RELATIVE)
    uv, depth = project_unscaled(points, camera)
    behind = (depth < 0).numpy()
    report.whole(f'diag_depth_{side}', depth[index])
    report.whole(f'diag_uv_{side}', uv[index], RELATIVE)
    report.whole(f'diag_behind_{side}', behind.sum(), _FEW)
    report.whole(f'diag_behind_and_nonzero_{side}', (behind & seen).sum(), _FEW)
    report.whole(f'sampled_{side}.nonzero_rows', seen.sum(), _FEW)
    report.whole(f'sampled_{side}.stats', statistics(samples), RELATIVE)

    moved: set[int] = set()
    if f'sampled_{side}.nonzero_mask_packed' in golden:
        mask = np.unpackbits(golden[f'sampled_{side}.nonzero_mask_packed'], count=len(samples)).astype(bool)
        moved |= set(np.flatnonzero(mask != seen).tolist())
    step = golden[f'sampled_{side}.stride']
    every = np.arange(0, len(samples), step[0])
    for name, voxels, ours in (
        (f'sampled_{side}.rows', index, samples[index]),
        (f'sampled_{side}', every, samples[every][:, :: step[1]]),
    ):
        theirs = golden[name]
        elsewhere = np.abs(ours - theirs).max(axis=1) > _SAME_PIXEL
        moved |= set(voxels[elsewhere].tolist())
        report.pair(name, ours[~elsewhere], theirs[~elsewhere])
    listed = ', '.join(map(str, sorted(moved)[:_LISTED])) + (' ...' if len(moved) > _LISTED else '')
    note = f'these sample another pixel: {listed}' if moved else ''
    report.pair(f'sampled_{side}.moved_voxels', len(moved), 0, _FEW, note)
    return len(moved)


def _compare_boxes(report: Report, model: Emiff, logits: HeadOutput, moved: bool) -> None:
    golden, head = report.golden, model.config.head
    anchors = box_coder.make_anchors(model.config.voxels, head)
    per_cell = logits.directions.shape[1] // 2
    cls, residuals, directions = (box_coder.per_anchor(maps, per_cell)[0] for maps in logits)
    scores = cls.sigmoid().max(dim=1).values
    boxes = decode_detections(*logits, anchors, head)[0]
    corner_tolerance = _CORNERS_MOVED if moved else _CORNERS
    score_tolerance = _SCORES_MOVED if moved else _SCORES
    report.whole('n_score_gt_0.1', (scores > head.score_threshold).sum(), _FEW if moved else EXACT)
    if 'top100.index' in golden:
        best = torch.from_numpy(golden['top100.index'])
        decoded = box_coder.decode(anchors[best], residuals[best])
        report.whole('top100.score', scores[best], score_tolerance)
        report.whole('top100.reg', residuals[best], _DENSE)
        report.whole('top100.dir_logits', directions[best], _DENSE)
        report.whole('top100.anchor', anchors[best])
        report.whole('top100.decoded', decoded, corner_tolerance)
        if not moved:  # otherwise the hundredth and the next may change places
            found = scores.topk(len(best)).indices
            ranks = (decoded[None, :, :6] == boxes.boxes[:, None, :6]).all(dim=2).int().argmax(dim=1)
            report.pair('top100.index', found.sort().values, best.sort().values, EXACT, 'as a set')
            report.whole('kept_top100_rank', ranks, EXACT)
    theirs = box_coder.to_boxes3d(torch.from_numpy(golden['boxes'])).corners()
    ours = box_coder.to_boxes3d(boxes.boxes).corners()
    report.pair('boxes', ours, theirs, corner_tolerance, f'corners of {len(theirs)} boxes, in order')
    report.whole('scores', boxes.scores, score_tolerance)
    report.whole('labels', boxes.labels, EXACT)
