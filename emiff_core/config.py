"""Everything that defines a detector besides its weights: one frozen dataclass a block, one YAML file a detector.

The options that mend a quirk of the authors' implementation are named where they act; config/emiff_official.yaml keeps
every quirk, which an official checkpoint needs. docs/model.md lists them side by side.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml

from emiff_core import schema
from emiff_core.errors import EmiffError
from emiff_core.schema import Fraction, PositiveInt, Range

Interval = tuple[float, float]


@dataclass(frozen=True)
class ImageConfig:
    """From a camera's image to the network's input.

    Attributes:
        width, height: pixels; the image is resized, keeping its proportions, to fit into them.
        mean, std: of the normalisation, in grey levels, in `channel_order`.
        channel_order: order of the channels the network sees.
        pad_divisor: the resized image is padded with zeros at the right and bottom to multiples of it.
        crop_top: share of the image's height cut off above (sky) before it is resized.
        interpolation: of the resize; 'area' avoids aliasing where the camera is much larger than the network.
        ignore_distortion: official: a distorted image is used as it is. False: it is rectified first.
    """

    width: PositiveInt
    height: PositiveInt
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    channel_order: Literal['rgb', 'bgr'] = 'rgb'
    pad_divisor: PositiveInt = 32
    crop_top: Annotated[float, Range(0.0, 0.9)] = 0.0
    interpolation: Literal['linear', 'area'] = 'linear'
    ignore_distortion: bool = False

    def __post_init__(self) -> None:
        if min(self.std) <= 0:
            raise EmiffError(f'std: expected positive numbers, found {list(self.std)}')


@dataclass(frozen=True)
class BackboneConfig:
    """ResNet and feature pyramid, one pair a side.

    Attributes:
        depth: of the ResNet.
        width: channels of its stem (64 in the literature; the stages have 1, 2, 4, 8 times as many planes).
        fpn_channels: channels of all four pyramid levels.
        pretrained: path of a torchvision ResNet state_dict (.pth or .safetensors) that training starts from.
    """

    depth: Literal[18, 34, 50] = 50
    width: PositiveInt = 64
    fpn_channels: PositiveInt = 64
    pretrained: str | None = None


@dataclass(frozen=True)
class CompressionConfig:
    """Feature compression (FC).

    Attributes:
        channel_ratio: pyramid channels over latent channels (c).
        spatial_stages: halvings of the resolution (s): the latent has stride 4 * 2^s.
    """

    channel_ratio: PositiveInt = 64
    spatial_stages: Annotated[int, Range(0, 4)] = 1


@dataclass(frozen=True)
class CrossAttentionConfig:
    """Multi-scale cross attention (MCA).

    Attributes:
        deformable: False replaces each deformable convolution by a plain one, to measure what it brings.
        attention: False weighs the roadside's four scales equally, to measure what the attention brings.
        reach: pixels between the nine taps, before they are displaced; 1: a 3x3 neighbourhood.
    """

    deformable: bool = True
    attention: bool = True
    reach: Annotated[int, Range(1, 8)] = 1


@dataclass(frozen=True)
class ChannelMaskingConfig:
    """Camera-aware channel masking (CCM).

    Attributes:
        hidden_channels: of the MLP over the 16 camera parameters and of the reduced map.
        out_channels: of the enhanced map, hence of the voxel volume.
        gate: False leaves out the mask, to measure what it brings.
    """

    hidden_channels: PositiveInt = 64
    out_channels: PositiveInt = 64
    gate: bool = True


@dataclass(frozen=True)
class VoxelConfig:
    """The voxel space, in the detection frame.

    Attributes:
        x_range, y_range, z_range: metres.
        shape: cells along x, y, z.
        sampling: of the image features at a voxel's centre.
    """

    x_range: Interval
    y_range: Interval
    z_range: Interval
    shape: tuple[PositiveInt, PositiveInt, PositiveInt]
    sampling: Literal['nearest', 'bilinear'] = 'nearest'

    def __post_init__(self) -> None:
        for name in ('x_range', 'y_range', 'z_range'):
            low, high = getattr(self, name)
            if low >= high:
                raise EmiffError(f'{name}: expected [low, high], found {[low, high]}')


@dataclass(frozen=True)
class FusionConfig:
    """How the cameras' views of a voxel become one; each field names an official quirk and its remedy.

    Attributes:
        mask_points_behind: True: a voxel behind a camera gets zeros from it. Official, False: it samples the
            mirrored pixel.
        mean_over: 'seen': of each voxel, mean over the cameras that see it. 'present': mean over the cameras that are
            there. Official, 'two': the sum is halved, a missing camera counts as zeros.
        per_camera_scale: True: each camera's own resize and mirroring. Official, False: the vehicle image's for all.
        align_pixel_centers: True: pixel u lies at (u + 1/2) / stride - 1/2 of the feature map. Official, False:
            at u / padded width * (feature width - 1).
    """

    mask_points_behind: bool = True
    mean_over: Literal['seen', 'present', 'two'] = 'present'
    per_camera_scale: bool = True
    align_pixel_centers: bool = True


@dataclass(frozen=True)
class NeckConfig:
    """3D neck: from the voxel volume to a bird's-eye-view map.

    Attributes:
        channels: of each stage (a residual block); each stage but the first halves the height. What is left of the
            height must be 3 cells, which the last convolution folds.
        out_channels: of the bird's-eye-view map.
        bev_channels: not in the paper; widths of the coarser levels of a U-Net over that map, each at half the
            resolution. Empty: none.
    """

    channels: tuple[PositiveInt, ...] = (64, 128, 256)
    out_channels: PositiveInt = 256
    bev_channels: tuple[PositiveInt, ...] = ()


@dataclass(frozen=True)
class HeadConfig:
    """Anchor head and what becomes of its output.

    Attributes:
        class_names: the detections' labels.
        anchor_sizes: length, width, height, metres; one for each class.
        anchor_bottom: z of the anchors' bottom face, metres.
        anchor_yaws: radians. Official: 0 and 1.57 rather than pi / 2.
        prior: score that untrained weights give to every anchor.
        nms_pre: highest scores that are decoded.
        score_threshold: boxes need more than this.
        nms_iou: boxes that overlap a better one by more than this (bird's-eye view) go.
        max_boxes: boxes an image, at most.
    """

    class_names: tuple[str, ...] = ('car',)
    anchor_sizes: tuple[tuple[float, float, float], ...] = ((3.9, 1.6, 1.56),)
    anchor_bottom: float = -1.78
    anchor_yaws: tuple[float, ...] = (0.0, 1.5707963267948966)
    prior: Annotated[float, Range(1e-6, 0.5)] = 0.01
    nms_pre: PositiveInt = 100
    score_threshold: Fraction = 0.1
    nms_iou: Fraction = 0.01
    max_boxes: PositiveInt = 50

    def __post_init__(self) -> None:
        if not self.class_names or len(self.anchor_sizes) != len(self.class_names):
            raise EmiffError(
                f'anchor_sizes: expected {len(self.class_names)} (one a class), found {len(self.anchor_sizes)}'
            )
        if any(min(size) <= 0 for size in self.anchor_sizes):
            raise EmiffError(f'anchor_sizes: expected positive metres, found {[list(s) for s in self.anchor_sizes]}')
        if not self.anchor_yaws:
            raise EmiffError('anchor_yaws: expected at least one')


Numbers = Literal['float32', 'float16', 'int8', 'uint4', 'uint2', 'uint1']


@dataclass(frozen=True)
class CodecConfig:
    """How the latent goes on the wire.

    Attributes:
        numbers: how each is written (see `codec.NumericType`); integers quantise each channel by its own scale.
        coding: of all their bytes: as they are, or deflated, which loses nothing.
    """

    numbers: Numbers = 'float16'
    coding: Literal['plain', 'deflate'] = 'deflate'


@dataclass(frozen=True)
class EmiffConfig:
    """A detector without its weights.

    Attributes:
        design: 'emiff', or what it is compared with (`model.baselines`): 'single_side', one camera in the vehicle's
            place; 'early_fusion', images sent, without FC, MCA and CCM.
        The others are documented by their own classes.
    """

    image: ImageConfig
    voxels: VoxelConfig
    backbone: BackboneConfig = BackboneConfig()
    compression: CompressionConfig = CompressionConfig()
    cross_attention: CrossAttentionConfig = CrossAttentionConfig()
    channel_masking: ChannelMaskingConfig = ChannelMaskingConfig()
    fusion: FusionConfig = FusionConfig()
    neck: NeckConfig = NeckConfig()
    head: HeadConfig = HeadConfig()
    codec: CodecConfig = CodecConfig()
    design: Literal['emiff', 'single_side', 'early_fusion'] = 'emiff'

    def __post_init__(self) -> None:
        channels, ratio = self.backbone.fpn_channels, self.compression.channel_ratio
        if channels % ratio:
            raise EmiffError(f'compression.channel_ratio: expected a divisor of {channels} fpn_channels, found {ratio}')
        if self.design == 'early_fusion' and self.compression != CompressionConfig(1, 0):
            raise EmiffError(
                'compression: expected channel_ratio 1 and spatial_stages 0, since early_fusion compresses nothing'
            )
        height = self.voxels.shape[2]
        for _ in self.neck.channels[1:]:
            height = (height + 1) // 2
        if not self.neck.channels or height != 3:
            raise EmiffError(
                f'neck.channels: expected stages that bring {self.voxels.shape[2]} voxels of height to 3, found '
                f'{len(self.neck.channels)} stages that leave {height}'
            )
        smallest = 32 * 2 ** max(self.compression.spatial_stages - 3, 0)  # strides of pyramid and latent
        if self.image.pad_divisor % smallest:
            raise EmiffError(f'image.pad_divisor: expected a multiple of {smallest}, found {self.image.pad_divisor}')

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = 'config') -> 'EmiffConfig':
        """Build a config from nested mappings.

        Raises:
            EmiffError: as `emiff_core.schema.read`; the message names `source` and the dotted key.
        """
        return schema.read(cls, values, source)

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values (dict, list, str, numbers) that `from_dict` reads back."""
        values: dict[str, Any] = schema.plain(self)
        return values


def load_config(path: Path) -> EmiffConfig:
    """Read a detector's YAML file.

    Raises:
        EmiffError: the file cannot be read, is no YAML, or does not describe a detector; one line names file and key.
    """
    return schema.load(EmiffConfig, path)


def save_config(config: EmiffConfig, path: Path) -> None:
    """Write a detector's YAML file, which `load_config` reads back equal."""
    path.write_text(yaml.safe_dump(config.to_dict(), sort_keys=False, default_flow_style=None), encoding='utf-8')
