"""Assignment of anchors and the detection loss; the numbers themselves are held by the golden files."""

from dataclasses import replace

import pytest
import torch

from emiff_core.config import HeadConfig, VoxelConfig
from emiff_core.geometry import Boxes3D
from emiff_core.model import anchors as box_coder
from emiff_core.training.assigner import BACKGROUND, IGNORED, AssignerConfig, Targets, assign, make_targets
from emiff_core.training.losses import LossConfig, detection_loss

VOXELS = VoxelConfig((0.0, 40.0), (-20.0, 20.0), (-2.0, 1.0), (40, 40, 3))
HEAD = HeadConfig()
ANCHORS = box_coder.make_anchors(VOXELS, HEAD)


def targets(*rows: list[float]) -> Targets:
    return Targets(torch.tensor(rows).reshape(-1, 7), torch.zeros(len(rows), dtype=torch.int64))


CAR = [20.3, 3.4, -1.7, 4.0, 1.7, 1.5, 0.1]


def predictions(batch: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    cls, reg, direction = (
        torch.randn(batch, 2, 40, 40) - 3,
        torch.randn(batch, 14, 40, 40),
        torch.randn(batch, 4, 40, 40),
    )
    return cls.requires_grad_(), reg.requires_grad_(), direction.requires_grad_()


def loss_of(maps, truth, **options):
    return detection_loss(*maps, ANCHORS, truth, AssignerConfig(), LossConfig(**options))


def test_the_anchor_on_a_box_answers_for_it_and_far_ones_are_background():
    assigned = assign(ANCHORS, torch.tensor([CAR]), AssignerConfig())
    positive = (assigned == 0).nonzero()[:, 0]
    assert len(positive) >= 1
    assert (ANCHORS[positive, :2] - torch.tensor(CAR[:2])).abs().max() < 1.5
    assert (ANCHORS[positive, 6] == 0).all()  # not the one across
    assert (assigned == BACKGROUND).sum() > 3000
    assert (assigned == IGNORED).any()


def test_a_box_across_takes_the_anchor_across():
    across = [*CAR[:6], 1.6]
    positive = assign(ANCHORS, torch.tensor([across]), AssignerConfig()) == 0
    assert (ANCHORS[positive, 6] > 1).all()


def test_a_box_that_no_anchor_meets_well_takes_its_best():
    config = replace(AssignerConfig(), positive_iou=0.99)
    assert (assign(ANCHORS, torch.tensor([CAR]), config) == 0).sum() >= 1
    assert not (assign(ANCHORS, torch.tensor([CAR]), replace(config, best_anchor_iou=0.99)) == 0).any()


def test_no_boxes_make_all_anchors_background():
    assert (assign(ANCHORS, torch.zeros(0, 7), AssignerConfig()) == BACKGROUND).all()


def test_targets_keep_what_training_can_learn_from():
    truth = Boxes3D([[10, 0, 0], [50, 0, 0], [10, 30, 0], [12, 1, 0]], [[4, 2, 1.5]] * 4, [0.0] * 4)
    kept = make_targets(truth, ('car', 'car', 'car', 'ignore'), ('car',), (0, 40), (-20, 20))
    assert kept.boxes[:, 0].tolist() == [10]
    assert kept.labels.tolist() == [0]
    assert len(make_targets(Boxes3D.empty(), (), ('car',), (0, 40), (-20, 20)).labels) == 0


def test_mirroring_twice_changes_nothing():
    once = targets(CAR).mirrored()
    assert once.boxes[0, 1] == -targets(CAR).boxes[0, 1]
    assert torch.equal(once.mirrored().boxes, targets(CAR).boxes)


def test_an_empty_scene_has_only_a_classification_loss_and_gradients_stay_finite():
    maps = predictions(1)
    loss = loss_of(maps, [targets()])
    loss.total.backward()
    assert loss.n_positives == 0
    assert loss.box == loss.direction == 0
    assert loss.classification > 0
    assert torch.isfinite(maps[0].grad).all()


@pytest.mark.parametrize(('official', 'ratio'), [(True, None), (False, 1.0)])
def test_an_empty_neighbour_dilutes_a_scene_only_officially(official, ratio):
    maps = predictions(2)
    alone = loss_of([m[:1] for m in maps], [targets(CAR)], count_empty_samples=official)
    beside_empty = loss_of(maps, [targets(CAR), targets()], count_empty_samples=official)
    ratio = ratio or alone.n_positives / (alone.n_positives + 1)
    assert (beside_empty.box / alone.box).item() == pytest.approx(ratio, rel=1e-5)


def test_the_right_answer_costs_next_to_nothing_and_a_half_turn_only_its_direction():
    truth = targets(CAR)
    assigned = assign(ANCHORS, truth.boxes, AssignerConfig())
    cls = torch.where(assigned >= 0, 20.0, -20.0)
    reg = box_coder.encode(ANCHORS, truth.boxes.expand(len(ANCHORS), 7))
    direction = torch.tensor([20.0, 0.0]).expand(len(ANCHORS), 2)

    def loss_with(reg: torch.Tensor):
        maps = [x.reshape(1, 40, 40, -1).permute(0, 3, 1, 2) for x in (cls, reg, direction)]
        return loss_of(maps, [truth])

    assert loss_with(reg).total.item() == pytest.approx(0, abs=1e-5)
    turned = reg.clone()
    turned[:, 6] += torch.pi
    assert loss_with(turned).box.item() == pytest.approx(0, abs=1e-5)
    turned[:, 6] -= torch.pi / 2
    assert loss_with(turned).box.item() > 0.5


def test_each_sample_meets_its_own_truth():
    maps = predictions(2)
    other = [8.2, -5.1, -1.6, 4.2, 1.8, 1.6, 1.4]
    together = loss_of(maps, [targets(CAR), targets(other, CAR)])
    apart = [loss_of([m[i : i + 1] for m in maps], [t]) for i, t in enumerate([targets(CAR), targets(other, CAR)])]
    counts = [each.n_positives for each in apart]
    assert together.n_positives == sum(counts)
    weighted = sum(each.total * count for each, count in zip(apart, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(together.total, weighted)
