"""What EMIFF is compared with: one side alone, and early fusion of images. The same encoders, voxels, neck and head.

Source: EMIFF, table I: ImVoxelNet_M fuses the images' features in voxel space, without FC, MCA and CCM; its late fusion
is of EMIFF's model with one camera.
"""

from collections.abc import Sequence

from torch import Tensor

from emiff_core.config import EmiffConfig
from emiff_core.errors import EmiffError
from emiff_core.model.backbone import ImageEncoder
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.emiff import Emiff, RemoteBatch, Side, Stage, untimed
from emiff_core.model.neck3d import Neck3d


class _Whole(Emiff):
    """A detector that sends no features, so that the vehicle's half is all of it."""

    def keep(self, side: Side) -> '_Whole':
        """Return itself.

        Raises:
            EmiffError: the half that sends features is asked for.
        """
        if side == 'infrastructure':
            raise EmiffError(f'design: expected emiff for a side that sends features, found {self.config.design}')
        return self


class SingleSide(_Whole):
    """EMIFF with one camera, in the vehicle's place: its own MCA and CCM, and nothing that could take in another's."""

    def __init__(self, config: EmiffConfig) -> None:
        super().__init__(config)
        del self.infrastructure, self.compression, self.cross_attention.infrastructure

    @property
    def encoders(self) -> tuple[ImageEncoder, ...]:
        """The one."""
        return (self.vehicle,)


class EarlyFusion(_Whole):
    """ImVoxelNet_M: the vehicle has both images; each finest pyramid level goes into the voxels as it is."""

    def __init__(self, config: EmiffConfig) -> None:
        super().__init__(config)
        del self.compression, self.cross_attention, self.channel_masking
        self.neck = Neck3d(config.backbone.fpn_channels, config.neck)

    def compress(self, level0: Tensor) -> Tensor:
        """Return (B, C, h, w) as it is."""
        return level0

    def attend(self, levels: list[Tensor], remotes: Sequence[RemoteBatch], stage: Stage = untimed) -> list[Tensor]:
        """Return the cameras' finest levels (B, C, h, w) as they are."""
        return [levels[0], *(remote.latent for remote in remotes)]

    def mask_channels(self, maps: Sequence[Tensor], cameras: Sequence[CameraBatch]) -> list[Tensor]:
        """Return the maps (B, C, h, w) as they are."""
        return list(maps)


def build_detector(config: EmiffConfig) -> Emiff:
    """Return the detector of `config.design`, its weights undefined."""
    return {'emiff': Emiff, 'single_side': SingleSide, 'early_fusion': EarlyFusion}[config.design](config)
