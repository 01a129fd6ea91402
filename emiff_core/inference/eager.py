"""The reference engine: the PyTorch model as it stands, on the CPU or on a GPU."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.config import EmiffConfig
from emiff_core.data.preprocess import PreparedImage, input_size, prepare_image
from emiff_core.errors import EmiffError
from emiff_core.geometry import Detections, PinholeCamera
from emiff_core.inference.stages import StageClock, StageTimes
from emiff_core.model import weights as model_weights
from emiff_core.model.anchor_head import HeadOutput
from emiff_core.model.anchors import make_anchors
from emiff_core.model.backbone import STRIDE
from emiff_core.model.baselines import build_detector
from emiff_core.model.box_decoding import decode_detections
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.emiff import RemoteBatch, Side
from emiff_core.resources import RANDOM


@dataclass(frozen=True, eq=False)
class VehicleFeatures:
    """The vehicle's half of a frame, ready to meet any remote features.

    Attributes:
        levels: four maps (1, C, h / 2^k, w / 2^k).
        prepared: the image that they are of.
        stage_ms: milliseconds by stage.
    """

    levels: list[Tensor]
    prepared: PreparedImage
    stage_ms: StageTimes


@dataclass(frozen=True, eq=False)
class InfrastructureFeature:
    """The roadside's half of a frame: what is sent.

    Attributes:
        latent: (C / c, h, w) float32.
        camera: what the network looked through, `PreparedImage.camera`.
        scale: (x, y) network pixels per camera pixel.
        stage_ms: milliseconds by stage.
    """

    latent: NDArray[np.float32]
    camera: PinholeCamera
    scale: tuple[float, float]
    stage_ms: StageTimes


@dataclass(frozen=True, eq=False)
class RemoteFeature:
    """A roadside's feature, decoded and placed.

    Attributes:
        latent: (C / c, h, w) float32.
        camera: the roadside's `PreparedImage.camera`.
        scale: (x, y) network pixels per camera pixel.
        T_camera_detection: (4, 4) float64, from the vehicle's detection frame to the roadside camera's optical frame.
    """

    latent: NDArray[np.float32]
    camera: PinholeCamera
    scale: tuple[float, float]
    T_camera_detection: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DetectionResult:
    """What came of one frame.

    Attributes:
        detections: boxes in the detection frame.
        logits: the head's dense output, one sample.
        stage_ms: milliseconds by stage, the vehicle's own stages included.
    """

    detections: Detections
    logits: HeadOutput
    stage_ms: StageTimes


@contextmanager
def _reference_precision() -> Iterator[None]:
    """Infer in float32 on a GPU too, where convolutions would otherwise round to TF32's ten bits."""
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


class EagerEngine:
    """A detector with weights, for one frame at a time. One thread may use it at a time.

    Attributes:
        model_id: 64 hexadecimal digits; both halves of a weights file have the whole file's.
        weights_name: the weights file, or 'random'.
    """

    def __init__(
        self,
        config: EmiffConfig,
        weights: Path | None = None,
        device: str = 'auto',
        side: Side = 'both',
        seed: int = 0,
    ) -> None:
        """Build the model.

        Args:
            config: the detector.
            weights: safetensors file; None: random weights drawn from `seed`, the same on every machine.
            device: 'auto' (a GPU where there is one), 'cpu', 'cuda' or 'cuda:N'.
            side: which half to keep.
            seed: of the random weights.

        Raises:
            EmiffError: the weights file is missing or does not fit the config, or the device is not there.
        """
        self.config = config
        self.device = select_device(device)
        # one that was made for one camera has no half that sends
        self.side: Side = 'vehicle' if side == 'both' and config.design == 'single_side' else side
        model = build_detector(config)
        if weights is None:
            model_weights.initialise(model, seed)
            self.model_id = model_weights.model_id(model.state_dict())
            self.weights_name = RANDOM
        else:
            self.model_id = model_weights.load(model, weights)
            self.weights_name = Path(weights).name
        self.model = model.keep(side).eval().requires_grad_(False).to(self.device)
        self._anchors = make_anchors(config.voxels, config.head).to(self.device)

    @property
    def takes_features(self) -> bool:
        """Whether the model has a place for what another camera sees."""
        return self.config.design != 'single_side'

    @_reference_precision()
    def encode_infrastructure(self, image: NDArray[np.uint8], camera: PinholeCamera) -> InfrastructureFeature:
        """Compress a roadside image into the latent that is sent.

        Args:
            image: (H, W, 3) uint8, BGR.
            camera: of this image.

        Raises:
            EmiffError: the image does not fit the camera, or this engine holds the vehicle's half.
        """
        self._require('infrastructure')
        clock = StageClock(self.device)
        prepared, tensor = self._prepare(image, camera, clock)
        latent = self.model.encode_infrastructure(tensor, clock)[0].cpu().numpy()
        return InfrastructureFeature(latent, prepared.camera, prepared.scale, clock.times)

    def latent_shape(self, view: PinholeCamera) -> tuple[int, int, int]:
        """Return the (C / c, h, w) of the latent of a camera as `PreparedImage.camera` gives it."""
        height, width = input_size(view, self.config.image)
        compression = self.config.compression
        stride = STRIDE * 2**compression.spatial_stages
        return self.config.backbone.fpn_channels // compression.channel_ratio, height // stride, width // stride

    @_reference_precision()
    def encode_vehicle(self, image: NDArray[np.uint8], camera: PinholeCamera) -> VehicleFeatures:
        """Encode a vehicle image.

        Args:
            image: (H, W, 3) uint8, BGR.
            camera: of this image.

        Raises:
            EmiffError: the image does not fit the camera, or this engine holds the roadside's half.
        """
        self._require('vehicle')
        clock = StageClock(self.device)
        prepared, tensor = self._prepare(image, camera, clock)
        return VehicleFeatures(self.model.encode_vehicle(tensor, clock), prepared, clock.times)

    @_reference_precision()
    def detect(
        self, vehicle: VehicleFeatures, T_camera_detection: NDArray[np.float64], remotes: Sequence[RemoteFeature]
    ) -> DetectionResult:
        """Detect with what the vehicle sees and any number of remote features, none included.

        Args:
            vehicle: what `encode_vehicle` returned.
            T_camera_detection: (4, 4) float64, from the detection frame to the vehicle camera's optical frame.
            remotes: decoded features with their cameras.

        Raises:
            EmiffError: a latent has not the channels of this model, the model takes none, or this engine holds the
                roadside's half.
        """
        self._require('vehicle')
        if remotes and not self.takes_features:
            raise EmiffError(f'design: expected one that takes features in, found {self.config.design}')
        clock = StageClock(self.device)
        clock.times.update(vehicle.stage_ms)
        prepared = vehicle.prepared
        camera = CameraBatch.single(prepared.camera, T_camera_detection, prepared.scale).to(self.device)
        logits = self.model.detect(vehicle.levels, camera, [self._remote_batch(r) for r in remotes], clock)
        with clock('boxes'):
            boxes = decode_detections(*logits, self._anchors, self.config.head)[0]
            detections = boxes.to_detections(self.config.head.class_names)
        return DetectionResult(detections, logits, clock.times)

    def _prepare(
        self, image: NDArray[np.uint8], camera: PinholeCamera, clock: StageClock
    ) -> tuple[PreparedImage, Tensor]:
        with clock('preprocess'):
            prepared = prepare_image(image, camera, self.config.image)
            return prepared, prepared.tensor[None].to(self.device)

    def _remote_batch(self, remote: RemoteFeature) -> RemoteBatch:
        expected = self.latent_shape(remote.camera)
        if remote.latent.shape != expected:
            raise EmiffError(f'expected a latent of shape {expected}, found {remote.latent.shape}')
        latent = torch.as_tensor(remote.latent, dtype=torch.float32)[None].to(self.device)
        camera = CameraBatch.single(remote.camera, remote.T_camera_detection, remote.scale)
        return RemoteBatch(latent, camera.to(self.device))

    def _require(self, side: Side) -> None:
        if self.side not in ('both', side):
            raise EmiffError(f'expected an engine with the {side} half, found one for {self.side}')


def select_device(device: str) -> torch.device:
    """Return the torch device of 'auto', 'cpu', 'cuda' or 'cuda:N'.

    Raises:
        EmiffError: there is no such device here.
    """
    if device == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        selected = torch.device(device)
    except RuntimeError:
        raise EmiffError(f'device: expected auto, cpu, cuda or cuda:N, found {device!r}') from None
    if selected.type not in ('cpu', 'cuda') or str(selected) == f'cpu:{selected.index}':
        raise EmiffError(f'device: expected auto, cpu, cuda or cuda:N, found {device!r}')
    if selected.type == 'cuda' and (selected.index or 0) >= torch.cuda.device_count():
        raise EmiffError(f'device: expected one of {torch.cuda.device_count()} GPUs, found {device!r}')
    return selected
