"""The detector in training: forward with its losses, parts of it frozen, and the average of its weights."""

import torch
from torch import Tensor, nn

from emiff_core.config import EmiffConfig
from emiff_core.model.anchor_head import HeadOutput
from emiff_core.model.anchors import make_anchors
from emiff_core.model.backbone import ResNet
from emiff_core.model.baselines import build_detector
from emiff_core.model.emiff import Emiff, RemoteBatch
from emiff_core.training.auxiliary import AuxiliaryHeads, auxiliary_loss
from emiff_core.training.batch import Batch
from emiff_core.training.config import OptimizerConfig, TrainingConfig
from emiff_core.training.losses import detection_loss

TERMS = ('classification', 'box', 'direction', 'auxiliary')


class TrainingNetwork(nn.Module):
    """A detector that answers a batch with its losses."""

    anchors: Tensor

    def __init__(self, detector: Emiff, config: TrainingConfig) -> None:
        super().__init__()
        self.detector = detector
        channels = detector.config.backbone.fpn_channels
        # of the encoders' finest levels, and of the maps that MCA makes, so that the latent carries depth too
        stages = 2 if config.auxiliary_weight else 0
        self.auxiliary = nn.ModuleList(AuxiliaryHeads(channels) for _ in range(stages))
        self._config = config
        self.register_buffer('anchors', make_anchors(detector.config.voxels, detector.config.head), persistent=False)
        for resnet in self._resnets():
            for module in _flat(_frozen(resnet, config.optimizer)):
                module.requires_grad_(False)
        for parameter in self.parameters():
            if parameter.ndim == 4:  # fast on CPUs in bfloat16, and on GPUs
                parameter.data = parameter.data.clone(memory_format=torch.channels_last)

    def forward(self, batch: Batch) -> Tensor:
        """Return the weighted terms of the loss, (4,) in the order of TERMS; their sum is minimised."""
        device = batch.present.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self._config.optimizer.precision == 'bfloat16'):
            roadside = [encoder(batch.images[1], levels=1)[0] for encoder in self.detector.encoders[1:]]
            remotes = [RemoteBatch(self.detector.compress(x), batch.cameras[1], batch.present) for x in roadside]
            levels = self.detector.encode_vehicle(batch.images[0])
            fused = self.detector.attend(levels, remotes)
            output = self.detector.predict(fused, batch.cameras[0], remotes)
            maps = [heads(x) for heads, x in zip(self.auxiliary, ([levels[0], *roadside], fused), strict=False)]
        output = HeadOutput(*(x.float() for x in output))
        loss = detection_loss(*output, self.anchors, batch.targets, self._config.assigner, self._config.loss)
        auxiliary = auxiliary_loss(maps, batch) if maps else output.classes.new_zeros(())
        return torch.stack(
            [loss.classification, loss.box, loss.direction, self._config.auxiliary_weight * auxiliary]
        )

    def train(self, mode: bool = True) -> 'TrainingNetwork':
        """Switch to training, or back; frozen batch norms stay as they are used."""
        super().train(mode)
        for resnet in self._resnets():
            norms = _stages(resnet) if self._config.optimizer.frozen_norms else _frozen(resnet, self._config.optimizer)
            for module in _flat(norms):
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def parameter_groups(self, config: OptimizerConfig) -> list[dict[str, object]]:
        """Return the trained parameters for an optimizer: the ResNets', then all others; 'factor' is of their rate."""
        backbone = {id(p) for resnet in self._resnets() for p in resnet.parameters()}
        trained = [p for p in self.parameters() if p.requires_grad]
        return [
            {'params': [p for p in trained if id(p) in backbone], 'factor': config.backbone_factor},
            {'params': [p for p in trained if id(p) not in backbone], 'factor': 1.0},
        ]

    def _resnets(self) -> tuple[ResNet, ...]:
        return tuple(encoder.resnet for encoder in self.detector.encoders)


class WeightAverage:
    """Exponential moving average of a detector's tensors; it follows quickly at first, then with `decay`."""

    def __init__(self, detector: Emiff, decay: float) -> None:
        self._decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in detector.state_dict().items()}

    @torch.no_grad()
    def update(self, detector: Emiff, step: int) -> None:
        """Take in the detector's tensors after a step, counted from 0."""
        decay = min(self._decay, (step + 1) / (step + 20))
        for name, tensor in detector.state_dict().items():
            average = self.tensors[name]
            if average.is_floating_point():
                average.lerp_(tensor, 1 - decay)
            else:
                average.copy_(tensor)


def detector_of(config: EmiffConfig, tensors: dict[str, Tensor], device: torch.device) -> Emiff:
    """Return a detector with these tensors, ready to infer."""
    detector = build_detector(config)
    detector.load_state_dict(tensors)
    return detector.eval().requires_grad_(False).to(device)


def _stages(resnet: ResNet) -> list[list[nn.Module]]:
    """Return the stem and the four stages."""
    return [[resnet.conv1, resnet.bn1], [resnet.layer1], [resnet.layer2], [resnet.layer3], [resnet.layer4]]


def _frozen(resnet: ResNet, config: OptimizerConfig) -> list[list[nn.Module]]:
    """Return what keeps its weights: with the first stage the stem before it."""
    return _stages(resnet)[: config.frozen_stages + 1] if config.frozen_stages else []


def _flat(stages: list[list[nn.Module]]) -> list[nn.Module]:
    """Return every module in some stages, at any depth."""
    return [module for stage in stages for part in stage for module in part.modules()]
