"""The authors' 1 095 tensor names and ours: one table, both ways."""

import re

from emiff_core.errors import EmiffError

# Ours, theirs. {k} stands for a number and occurs equally often on both sides; what follows the prefix is the same.
# A prefix that ends without a dot is a whole name.
_TABLE = (
    ('vehicle.resnet.', 'backbone_v.'),
    ('infrastructure.resnet.', 'backbone_i.'),
    ('vehicle.fpn.lateral.{k}.', 'neck_v.lateral_convs.{k}.conv.'),
    ('vehicle.fpn.output.{k}.', 'neck_v.fpn_convs.{k}.conv.'),
    ('infrastructure.fpn.lateral.{k}.', 'neck_i.lateral_convs.{k}.conv.'),
    ('infrastructure.fpn.output.{k}.', 'neck_i.fpn_convs.{k}.conv.'),
    ('compression.encoder.reduce.', 'inf_compressor.compressor0.encoder.'),
    ('compression.encoder.down.{k}.', 'inf_compressor.compressor0.downsamples.down{k}.conv.'),
    ('compression.decoder.up.{k}.', 'inf_compressor.compressor0.upsamples.up{k}.upsample.'),
    ('compression.decoder.expand.', 'inf_compressor.compressor0.decoder.'),
    ('compression.multi_scale.{k}.', 'ms_block_inf.conv{k}.'),
    ('cross_attention.vehicle.correct.{k}.offset.', 'dcn_up_conv_v.dcn{k}.conv.conv_offset.'),
    ('cross_attention.vehicle.correct.{k}.convolution.weight', 'dcn_up_conv_v.dcn{k}.conv.weight'),
    ('cross_attention.vehicle.correct.{k}.bn.', 'dcn_up_conv_v.dcn{k}.actf.0.'),
    ('cross_attention.vehicle.refine.{k}.{k}.', 'dcn_up_conv_v.upconv{k}.{k}.conv.'),
    ('cross_attention.infrastructure.correct.{k}.offset.', 'dcn_up_conv_i.dcn{k}.conv.conv_offset.'),
    ('cross_attention.infrastructure.correct.{k}.convolution.weight', 'dcn_up_conv_i.dcn{k}.conv.weight'),
    ('cross_attention.infrastructure.correct.{k}.bn.', 'dcn_up_conv_i.dcn{k}.actf.0.'),
    ('cross_attention.infrastructure.refine.{k}.{k}.', 'dcn_up_conv_i.upconv{k}.{k}.conv.'),
    ('channel_masking.reduce.', 'ccmnet.reduce_conv.'),
    ('channel_masking.camera_bn.', 'ccmnet.bn.'),
    ('channel_masking.camera_mlp.0.', 'ccmnet.context_mlp.fc1.'),
    ('channel_masking.camera_mlp.2.', 'ccmnet.context_mlp.fc2.'),
    ('channel_masking.excite.0.', 'ccmnet.context_se.conv_reduce.'),
    ('channel_masking.excite.2.', 'ccmnet.context_se.conv_expand.'),
    ('channel_masking.output.', 'ccmnet.context_conv.'),
    ('neck.layers.', 'neck_3d.model.'),
    ('head.classes.', 'bbox_head.conv_cls.'),
    ('head.boxes.', 'bbox_head.conv_reg.'),
    ('head.directions.', 'bbox_head.conv_dir_cls.'),
)


def to_official(name: str) -> str:
    """Return the authors' name of one of our tensors.

    Raises:
        EmiffError: the authors' model has no such tensor.
    """
    return _translate(name, _TO_OFFICIAL, "the authors' model")


def from_official(name: str) -> str:
    """Return our name of one of the authors' tensors.

    Raises:
        EmiffError: no such tensor is known.
    """
    return _translate(name, _FROM_OFFICIAL, 'this model')


def _compile(pairs: list[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    rules = []
    for source, target in pairs:
        pattern = re.escape(source).replace(r'\{k\}', r'(\d+)')
        ending = '(.+)' if source.endswith('.') else '()'
        rules.append((re.compile(f'^{pattern}{ending}$'), target.replace('{k}', '{}') + '{}'))
    return rules


def _translate(name: str, rules: list[tuple[re.Pattern[str], str]], other: str) -> str:
    for pattern, target in rules:
        if match := pattern.match(name):
            return target.format(*match.groups())
    raise EmiffError(f'{name}: expected a tensor that {other} has too')


_TO_OFFICIAL = _compile([(ours, theirs) for ours, theirs in _TABLE])
_FROM_OFFICIAL = _compile([(theirs, ours) for ours, theirs in _TABLE])
