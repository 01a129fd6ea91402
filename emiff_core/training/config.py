"""How a detector is trained: one frozen dataclass a concern, one YAML file a training.

The defaults are the authors' training (EMIFF, section IV-A, and their published configuration), except where a field
says otherwise; config/training_official.yaml spells it out.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from emiff_core import schema
from emiff_core.errors import EmiffError
from emiff_core.schema import Fraction, PositiveInt, Range
from emiff_core.training.assigner import AssignerConfig
from emiff_core.training.losses import LossConfig

NotNegative = Annotated[float, Range(0.0)]
Positive = Annotated[float, Range(1e-12)]


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and what surrounds a step.

    Attributes:
        learning_rate: highest one of the schedule.
        backbone_factor: of the learning rate for both ResNets; below 1 where they start from other weights.
        weight_decay, betas: of AdamW.
        clip_norm: largest norm of all gradients together.
        batch_size: samples a process sees at once.
        accumulate: batches whose gradients are averaged into one step.
        frozen_stages: of the ResNets' four, that keep their weights: 1 is the first, and the stem before it.
        frozen_norms: whether the ResNets' batch norms keep their statistics.
        average_decay: of the exponential moving average of the weights, which is what is validated and written;
            0: none.
        precision: of the network's arithmetic; the loss and the weights are float32 always.
    """

    learning_rate: Positive = 1e-4
    backbone_factor: NotNegative = 0.1
    weight_decay: NotNegative = 1e-4
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    clip_norm: Positive = 35.0
    batch_size: PositiveInt = 2
    accumulate: PositiveInt = 1
    frozen_stages: Annotated[int, Range(0, 4)] = 1
    frozen_norms: bool = True
    average_decay: Fraction = 0.0
    precision: Literal['float32', 'bfloat16'] = 'float32'


@dataclass(frozen=True)
class ScheduleConfig:
    """How long, and how the learning rate goes.

    Attributes:
        epochs: passes over the samples; need not be whole.
        warmup_steps: over which the rate rises from zero.
        shape: 'steps' divides the rate by ten at each milestone, 'cosine' lets it sink to zero.
        milestones: of 'steps', as shares of the whole.
        hold: of 'cosine', share of the whole before the rate sinks.
    """

    epochs: Positive = 36.0
    warmup_steps: Annotated[int, Range(0)] = 0
    shape: Literal['steps', 'cosine'] = 'steps'
    milestones: tuple[Fraction, ...] = (2 / 3, 11 / 12)
    hold: Fraction = 0.0


@dataclass(frozen=True)
class AugmentationConfig:
    """What is drawn anew each time a sample is seen.

    Attributes:
        flip: share of samples mirrored left to right, images and world together.
        resize: range of the factor that both images are resized by; one is drawn for both.
        contrast: a camera's grey levels are multiplied by a factor within 1 +- this.
        colour: and each channel by a factor within 1 +- this.
        brightness: and a number of grey levels within +- this is added.
        roadside_dropout: share of samples whose roadside is absent, so that the vehicle learns to see alone.
    """

    flip: Fraction = 0.5
    resize: tuple[Positive, Positive] = (1.0, 1.0)
    contrast: Fraction = 0.0
    colour: Fraction = 0.0
    brightness: Annotated[float, Range(0.0, 255.0)] = 0.0
    roadside_dropout: Fraction = 0.0

    def __post_init__(self) -> None:
        if self.resize[0] > self.resize[1]:
            raise EmiffError(f'resize: expected [low, high], found {list(self.resize)}')


@dataclass(frozen=True)
class CrossingsConfig:
    """Crossings of the synthetic benchmark's training split (`benchmark`) that are rendered to train on.

    Attributes:
        scenes: crossings to train on; validation_scenes: others of that split to validate on.
        seed: no crossing of one seed, training or validation, is one of another seed.
        picture_width: pixels of the 16:9 picture that is rendered and then fitted to the network's input.
    """

    scenes: Annotated[int, Range(1, 100_000)] = 1024
    validation_scenes: Annotated[int, Range(1, 100_000)] = 40
    seed: Annotated[int, Range(0, 1_000_000)] = 0
    picture_width: Annotated[int, Range(160, 3840)] = 960


@dataclass(frozen=True)
class TrainingConfig:
    """A training without its detector and its data.

    Attributes:
        seed: of the first weights, the order of the samples and the augmentation.
        auxiliary_weight: of the loss in the images (`auxiliary`), not in the paper; 0: none.
        validations: how often the detector is validated in the course, the end included.
        optimizer, schedule, augmentation, assigner, loss, crossings: see there.
    """

    seed: Annotated[int, Range(0)] = 0
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    assigner: AssignerConfig = field(default_factory=AssignerConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    auxiliary_weight: NotNegative = 0.0
    validations: PositiveInt = 4
    crossings: CrossingsConfig = CrossingsConfig()


def load_training_config(path: Path) -> TrainingConfig:
    """Read a training's YAML file.

    Raises:
        EmiffError: the file cannot be read, is no YAML, or does not describe a training; one line names file and key.
    """
    return schema.load(TrainingConfig, path)
