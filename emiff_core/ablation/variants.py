"""What is trained and compared: each variant differs from EMIFF in what its name says, and in nothing else."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from emiff_core import schema
from emiff_core.config import CodecConfig, CompressionConfig, EmiffConfig
from emiff_core.errors import EmiffError
from emiff_core.evaluation.baseline_roads import BoxRoad, ImageRoad
from emiff_core.evaluation.road import CooperativeRoad, Road
from emiff_core.inference.eager import EagerEngine
from emiff_core.training.config import TrainingConfig
from emiff_core.training.one_side import Labels

_WIDE_REACH = 2
# channel ratio and halvings of the resolution: the points of the paper's compression figure
_PAPER_COMPRESSION = ((1, 0), (1, 1), (4, 1), (16, 1), (64, 1), (64, 2), (64, 3), (64, 4))


@dataclass(frozen=True)
class Learner:
    """A detector that is trained once, whatever it is compared with.

    Attributes:
        name: of its folder.
        detector, training: what is trained, and how; `training.seed` is set for each training.
        side: whose images it sees.
        labels: what it is taught, where it sees one side.
    """

    name: str
    detector: EmiffConfig
    training: TrainingConfig
    side: Literal['both', 'vehicle', 'infrastructure'] = 'both'
    labels: Labels = 'cooperative'

    @property
    def shared_blocks(self) -> dict[str, str]:
        """Which blocks it has in common with EMIFF: its block -> EMIFF's (see `model.weights.load_blocks`).

        Neither FC nor MCA nor CCM is: those are what variants differ in.
        """
        camera = 'infrastructure' if self.side == 'infrastructure' else 'vehicle'
        encoders = {'vehicle': camera}
        if self.detector.design != 'single_side':
            encoders['infrastructure'] = 'infrastructure'
        return {**encoders, 'neck': 'neck', 'head': 'head'}

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits of all settings of a training but the seed: another has another folder."""
        training = replace(self.training, seed=0)
        detector = replace(self.detector, codec=CodecConfig())  # nothing is sent in training
        settings = [schema.plain(detector), schema.plain(training), self.side, self.labels]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Variant:
    """A line of a table.

    Attributes:
        name: of its folder.
        title: as it is printed.
        learners: one detector; of late fusion the vehicle's, then the roadside's.
        values: what it varies, by name, where that is a number.
        published: its name among the published figures, where it has any.
    """

    name: str
    title: str
    learners: tuple[Learner, ...]
    values: tuple[tuple[str, float], ...] = ()
    published: str | None = None

    def road(self, engines: Sequence[EagerEngine]) -> Road:
        """Return the road on which it detects, given its learners' engines."""
        first = self.learners[0]
        if first.detector.design == 'early_fusion':
            return ImageRoad(engines[0])
        if first.side == 'both':
            return CooperativeRoad(engines[0])
        of_side = {learner.side: engine for learner, engine in zip(self.learners, engines, strict=True)}
        own_frame = first.labels == 'own'
        return BoxRoad(of_side.get('vehicle'), of_side.get('infrastructure'), own_frame)


def emiff(detector: EmiffConfig, training: TrainingConfig) -> Variant:
    """Return the whole of it."""
    return Variant('emiff', 'EMIFF', (Learner('emiff', detector, training),), published='EMIFF')


def comparison(detector: EmiffConfig, training: TrainingConfig) -> list[Variant]:
    """Return the baselines, EMIFF, and EMIFF without each of its blocks."""
    images = replace(detector, design='early_fusion', compression=CompressionConfig(1, 0))
    sides = {(side, labels): _one_side(detector, training, side, labels) for side, labels in _SIDES}
    vehicle, roadside = sides['vehicle', 'cooperative'], sides['infrastructure', 'cooperative']
    own = (sides['vehicle', 'own'], sides['infrastructure', 'own'])
    return [
        Variant('vehicle_only', 'vehicle only', (vehicle,), published='vehicle only, ImVoxelNet'),
        Variant('infrastructure_only', 'infrastructure only', (roadside,), published='infrastructure only, ImVoxelNet'),
        Variant(
            'late_fusion',
            'late fusion, cooperative labels',
            (vehicle, roadside),
            published="late fusion, EMIFF's single-side model",
        ),
        Variant('late_fusion_own', "late fusion, each side's own labels", own, published='late fusion, OpenDAIRV2X'),
        Variant(
            'early_fusion',
            'early fusion of images',
            (Learner('early_fusion', images, training),),
            published='early fusion, ImVoxelNet_M',
        ),
        emiff(detector, training),
        _changed('emiff_without_fc', 'EMIFF without FC (1x)', _compressed(detector, 1, 0), training),
        _changed('emiff_without_mca', 'EMIFF without MCA', _attention(detector, False, False, 1), training),
        _changed('emiff_without_ccm', 'EMIFF without CCM', _ungated(detector), training),
    ]


def fusions(detector: EmiffConfig, training: TrainingConfig) -> list[Variant]:
    """Return what of `comparison` has both sides whole: boxes sent, images sent, and EMIFF's features."""
    return [v for v in comparison(detector, training) if v.name in ('late_fusion', 'early_fusion', 'emiff')]


def mca(detector: EmiffConfig, training: TrainingConfig) -> list[Variant]:
    """Return MCA on, off, and with offsets of no, ordinary and larger reach."""
    wide = _attention(detector, True, True, _WIDE_REACH)
    fixed = _attention(detector, False, True, 1)
    unweighted = _attention(detector, True, False, 1)
    return [
        emiff(detector, training),
        _changed('emiff_without_mca', 'without MCA', _attention(detector, False, False, 1), training),
        _changed('emiff_fixed_taps', 'offsets of 0', fixed, training),
        _changed('emiff_unweighted_scales', 'scales unweighted', unweighted, training),
        _changed('emiff_wide_taps', f'taps {_WIDE_REACH} pixels apart', wide, training),
    ]


def ccm(detector: EmiffConfig, training: TrainingConfig) -> list[Variant]:
    """Return CCM on and off."""
    return [emiff(detector, training), _changed('emiff_without_ccm', 'without CCM', _ungated(detector), training)]


def fc(detector: EmiffConfig, training: TrainingConfig) -> list[Variant]:
    """Return the paper's compressions, as far as this detector's channels and image allow."""
    channels = detector.backbone.fpn_channels
    variants: list[Variant] = []
    for ratio, stages in _PAPER_COMPRESSION:
        nearest = max(r for r in range(1, channels + 1) if channels % r == 0 and r <= ratio)
        name, values = f'emiff_c{nearest}_s{stages}', (('compression', float(nearest * 4**stages)),)
        try:
            config = _compressed(detector, nearest, stages)
        except EmiffError:  # the input is no multiple of so large a stride
            continue
        title = f'{nearest * 4**stages}x ({nearest} by channels, {4**stages} by space)'
        same = config.compression == detector.compression
        learner_name = 'emiff' if same else 'emiff_without_fc' if (nearest, stages) == (1, 0) else name
        learner = Learner(learner_name, detector if same else config, training)
        if name not in {variant.name for variant in variants}:
            variants.append(Variant(name, title, (learner,), values, published=f'{ratio * 4**stages}x'))
    return variants


_SIDES: tuple[tuple[Literal['vehicle', 'infrastructure'], Labels], ...] = (
    ('vehicle', 'cooperative'),
    ('infrastructure', 'cooperative'),
    ('vehicle', 'own'),
    ('infrastructure', 'own'),
)


def _one_side(
    detector: EmiffConfig, training: TrainingConfig, side: Literal['vehicle', 'infrastructure'], labels: Labels
) -> Learner:
    # what one side sees is never absent
    always = replace(training, augmentation=replace(training.augmentation, roadside_dropout=0.0))
    return Learner(f'{side}_{labels}_labels', replace(detector, design='single_side'), always, side, labels)


def _changed(name: str, title: str, detector: EmiffConfig, training: TrainingConfig) -> Variant:
    return Variant(name, title, (Learner(name, detector, training),))


def _compressed(detector: EmiffConfig, ratio: int, stages: int) -> EmiffConfig:
    """Return a detector of another compression; without any, numbers are sent as they are."""
    codec = CodecConfig('float32') if (ratio, stages) == (1, 0) else detector.codec
    return replace(detector, compression=CompressionConfig(ratio, stages), codec=codec)


def _attention(detector: EmiffConfig, deformable: bool, attention: bool, reach: int) -> EmiffConfig:
    changed = replace(detector.cross_attention, deformable=deformable, attention=attention, reach=reach)
    return replace(detector, cross_attention=changed)


def _ungated(detector: EmiffConfig) -> EmiffConfig:
    return replace(detector, channel_masking=replace(detector.channel_masking, gate=False))
