"""What becomes of a sample: mirroring, resizing, a missing roadside, and the boxes drawn into the images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from emiff_core.geometry import Boxes3D, PinholeCamera
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.voxel_fusion import project
from emiff_core.training.augmentation import NO_AUGMENTATION, make_example
from emiff_core.training.auxiliary import auxiliary_loss, draw_boxes
from emiff_core.training.batch import Batch
from emiff_core.training.config import AugmentationConfig
from emiff_core.training.samples import CameraImage, Sample


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def marked(detector, T_camera_detection) -> Sample:
    """A dark image with one bright pixel where the centre of the one truth box is."""
    k = np.array([[150.0, 0.0, 120.0], [0.0, 150.0, 48.0], [0.0, 0.0, 1.0]])
    camera = PinholeCamera(k, 240, 96)
    box = Boxes3D(np.array([[20.0, 4.0, 0.0]]), np.array([[4.0, 2.0, 1.6]]), np.array([0.3]))
    image = np.zeros((96, 240, 3), dtype=np.uint8)
    image[48, 90] = 255  # 120 - 150 * 4 / 20
    side = CameraImage(image, camera, T_camera_detection)
    return Sample(side, side, box, ('car',), np.array([[True, False]]))


def brightest(image: torch.Tensor) -> list[int]:
    position = int(image.sum(dim=0).argmax())
    return [position % image.shape[2], position // image.shape[2]]


@pytest.mark.parametrize('flip', [0.0, 1.0])
@pytest.mark.parametrize('factor', [1.0, 2.0])
def test_boxes_stay_where_the_image_shows_them(detector, marked, flip, factor):
    augmentation = AugmentationConfig(flip=flip, resize=(factor, factor))
    example = make_example(marked, detector, augmentation, rng())
    centre = example.targets.boxes[:, :3] + torch.tensor([0.0, 0.0, 0.8])
    # the camera keeps its pose in a mirrored world, and `project` mirrors points itself
    pixels, _ = project(centre, example.cameras[0])
    assert pixels[0, 0].tolist() == pytest.approx(brightest(example.images[0]), abs=factor / 2)
    assert (example.targets.boxes[0, 1] < 0) == bool(flip)


def test_a_missing_roadside_leaves_the_truth_that_the_vehicle_sees(detector, samples):
    sample = max((samples[i] for i in range(len(samples))), key=lambda s: int((~s.seen[:, 0]).sum()))
    assert (~sample.seen[:, 0]).any()
    whole = make_example(sample, detector, replace(NO_AUGMENTATION, roadside_dropout=0.0), rng())
    alone = make_example(sample, detector, replace(NO_AUGMENTATION, roadside_dropout=1.0), rng())
    assert whole.present
    assert not alone.present
    assert len(whole.visible.boxes) == len(sample.boxes)
    assert len(alone.visible.boxes) == sample.seen[:, 0].sum()
    assert not alone.seen[:, 1].any()


def test_without_augmentation_an_example_is_what_the_engine_sees(detector, samples):
    from emiff_core.data.preprocess import prepare_image

    sample = samples[0]
    example = make_example(sample, detector, NO_AUGMENTATION, rng())
    uncropped = replace(detector.image, crop_top=0.0)
    expected = prepare_image(sample.vehicle.image, sample.vehicle.camera, uncropped)
    assert torch.equal(example.images[0], expected.tensor)


def test_light_changes_the_pixels_and_nothing_else(detector, samples):
    dim = AugmentationConfig(flip=0.0, contrast=0.3, colour=0.1, brightness=20.0)
    plain = make_example(samples[0], detector, NO_AUGMENTATION, rng())
    other = make_example(samples[0], detector, dim, rng())
    assert not torch.equal(plain.images[0], other.images[0])
    assert torch.equal(plain.targets.boxes, other.targets.boxes)
    assert torch.equal(plain.cameras[0].intrinsics, other.cameras[0].intrinsics)


def test_images_of_several_sizes_share_a_batch(detector, samples):
    small = make_example(samples[0], detector, NO_AUGMENTATION, rng())
    large = make_example(samples[0], detector, replace(NO_AUGMENTATION, resize=(1.5, 1.5)), rng())
    batch = Batch.collate([small, large])
    height, width = small.images[0].shape[1:]
    assert batch.images[0].shape[2:] == large.images[0].shape[1:]
    assert torch.equal(batch.images[0][0, :, :height, :width], small.images[0])
    assert not batch.images[0][0, :, :, width:].any()


def test_a_drawn_box_covers_its_centre_and_points_to_its_foot(marked):
    side = marked.vehicle
    camera = CameraBatch.single(side.camera, side.T_camera_detection, (1.0, 1.0))
    boxes = torch.tensor([[20.0, 4.0, -0.8, 4.0, 2.0, 1.6, 0.3]])
    drawn = draw_boxes(boxes, camera, (24, 60))
    row, column = 48 // 4, 90 // 4
    assert drawn[0, row, column] == 1
    assert drawn[0].sum() < 60
    assert drawn[1, row, column] == pytest.approx(0.0, abs=0.01)  # log(20 m / 20 m)
    foot = (90 - (column * 4 + 1.5), 48 + 150 * 0.8 / 20 - (row * 4 + 1.5))
    assert (drawn[2:, row, column] * 32).tolist() == pytest.approx(foot, abs=0.1)
    assert not drawn[:, 0, 0].any()


def test_near_boxes_hide_far_ones_and_those_behind_are_not_drawn(marked):
    side = marked.vehicle
    camera = CameraBatch.single(side.camera, side.T_camera_detection, (1.0, 1.0))
    near, far, behind = ([x, 0.0, -0.8, 4.0, 2.0, 1.6, 0.0] for x in (10.0, 30.0, -10.0))
    both = draw_boxes(torch.tensor([near, far]), camera, (24, 60))
    assert torch.equal(both, draw_boxes(torch.tensor([near]), camera, (24, 60)))
    assert not draw_boxes(torch.tensor([behind]), camera, (24, 60)).any()
    assert not draw_boxes(torch.zeros(0, 7), camera, (24, 60)).any()


def test_the_image_of_an_absent_roadside_is_not_judged(detector, samples):
    examples = [make_example(samples[0], detector, replace(NO_AUGMENTATION, roadside_dropout=1.0), rng())]
    batch = Batch.collate(examples)
    size = (1, 4, 24, 60)
    maps = torch.zeros(size), torch.full(size, 5.0, requires_grad=True)
    auxiliary_loss([maps], batch).backward()
    assert not maps[1].grad.any()
