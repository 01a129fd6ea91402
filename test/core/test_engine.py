from dataclasses import replace

import numpy as np
import pytest
import torch

from emiff_core.errors import EmiffError
from emiff_core.inference.benchmark import measure
from emiff_core.inference.eager import EagerEngine, RemoteFeature, select_device
from emiff_core.inference.warm_up import warm_up
from emiff_core.model import weights

ROADSIDE_STAGES = {'preprocess', 'backbone', 'compression'}
VEHICLE_STAGES = ROADSIDE_STAGES | {'cross_attention', 'channel_masking', 'voxel_fusion', 'neck', 'head', 'boxes'}


@pytest.fixture
def engine(tiny_config) -> EagerEngine:
    return EagerEngine(tiny_config, device='cpu')


def remote(feature, T_camera_detection) -> RemoteFeature:
    return RemoteFeature(feature.latent, feature.camera, feature.scale, T_camera_detection)


def test_a_frame_from_images_to_boxes(engine, image, camera, T_camera_detection, T_roadside_detection):
    sent = engine.encode_infrastructure(image, camera)
    assert sent.latent.dtype == np.float32
    assert sent.latent.shape == engine.latent_shape(sent.camera) == (4, 8, 16)
    assert set(sent.stage_ms) == ROADSIDE_STAGES
    vehicle = engine.encode_vehicle(image, camera)
    result = engine.detect(vehicle, T_camera_detection, [remote(sent, T_roadside_detection)])
    assert set(result.stage_ms) == VEHICLE_STAGES
    assert all(ms > 0 for ms in result.stage_ms.values())
    detections = result.detections
    assert 0 < len(detections) <= engine.config.head.max_boxes
    assert (np.diff(detections.scores) <= 0).all()
    assert set(detections.labels) == {'car'}
    assert (detections.boxes.sizes > 0).all()


def test_the_engine_is_the_model(engine, image, camera, T_camera_detection, T_roadside_detection):
    """What the nodes get is what training sees: one preprocessing, one forward."""
    from emiff_core.data.preprocess import prepare_image
    from emiff_core.model.camera_batch import CameraBatch

    sent = engine.encode_infrastructure(image, camera)
    result = engine.detect(
        engine.encode_vehicle(image, camera), T_camera_detection, [remote(sent, T_roadside_detection)]
    )
    prepared = prepare_image(image, camera, engine.config.image)
    with torch.no_grad():
        expected = engine.model(
            prepared.tensor[None],
            CameraBatch.single(prepared.camera, T_camera_detection, prepared.scale),
            prepared.tensor[None],
            CameraBatch.single(prepared.camera, T_roadside_detection, prepared.scale),
        )
    for ours, theirs in zip(result.logits, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_vehicle_features_serve_many_detections(engine, image, camera, T_camera_detection, T_roadside_detection):
    sent = engine.encode_infrastructure(image, camera)
    vehicle = engine.encode_vehicle(image, camera)
    alone = engine.detect(vehicle, T_camera_detection, [])
    fused = engine.detect(vehicle, T_camera_detection, [remote(sent, T_roadside_detection)] * 3)
    again = engine.detect(vehicle, T_camera_detection, [])
    assert not torch.equal(alone.logits.classes, fused.logits.classes)
    assert torch.equal(alone.logits.classes, again.logits.classes)
    assert 'compression' not in alone.stage_ms


def test_both_halves_carry_the_whole_files_id(tiny_config, engine, image, camera, tmp_path):
    path = tmp_path / 'w.safetensors'
    weights.save(engine.model, path)
    halves = [EagerEngine(tiny_config, path, 'cpu', side) for side in ('vehicle', 'infrastructure')]
    assert {half.model_id for half in halves} == {engine.model_id}
    assert halves[0].weights_name == 'w.safetensors' and engine.weights_name == 'random'
    np.testing.assert_array_equal(
        halves[1].encode_infrastructure(image, camera).latent, engine.encode_infrastructure(image, camera).latent
    )
    with pytest.raises(EmiffError, match='expected an engine with the infrastructure half, found one for vehicle'):
        halves[0].encode_infrastructure(image, camera)
    with pytest.raises(EmiffError, match='expected an engine with the vehicle half, found one for infrastructure'):
        halves[1].encode_vehicle(image, camera)


def test_random_halves_of_one_seed_fit_together(tiny_config, engine, image, camera):
    half = EagerEngine(tiny_config, device='cpu', side='infrastructure')
    assert half.model_id == engine.model_id
    np.testing.assert_array_equal(
        half.encode_infrastructure(image, camera).latent, engine.encode_infrastructure(image, camera).latent
    )
    assert EagerEngine(tiny_config, device='cpu', seed=1).model_id != engine.model_id


def test_a_latent_of_another_shape_is_refused(engine, image, camera, T_camera_detection):
    sent = engine.encode_infrastructure(image, camera)
    vehicle = engine.encode_vehicle(image, camera)
    for latent in (sent.latent[:2], sent.latent[:, :4], sent.latent[0]):
        wrong = RemoteFeature(latent, sent.camera, sent.scale, T_camera_detection)
        with pytest.raises(EmiffError, match=r'expected a latent of shape \(4, 8, 16\), found'):
            engine.detect(vehicle, T_camera_detection, [wrong])


def test_a_model_of_one_camera_is_warmed_up_and_takes_no_features(tiny_config, image, camera, T_camera_detection):
    alone = EagerEngine(replace(tiny_config, design='single_side'), device='cpu')
    warm_up(alone)
    vehicle = alone.encode_vehicle(image, camera)
    remote = RemoteFeature(np.zeros((4, 8, 16), np.float32), camera, (1.0, 1.0), T_camera_detection)
    with pytest.raises(EmiffError, match='found single_side'):
        alone.detect(vehicle, T_camera_detection, [remote])


def test_devices_are_checked():
    assert select_device('cpu').type == 'cpu'
    assert select_device('auto').type in ('cpu', 'cuda')
    for wrong in ('gpu', 'cuda:99', 'xyz:0', 'mps', 'meta', 'cpu:3'):
        with pytest.raises(EmiffError, match='device: expected'):
            select_device(wrong)


def test_the_benchmark_times_both_sides(engine):
    (times,) = measure(engine, frames=1)
    assert set(times.roadside_ms) == ROADSIDE_STAGES
    assert set(times.vehicle_ms) == VEHICLE_STAGES
    assert times.total_ms >= max(*times.roadside_ms.values(), *times.vehicle_ms.values())
    assert times.latent_numbers == 4 * 8 * 16


def test_a_gpu_would_not_round_to_tf32(engine, image, camera, T_camera_detection):
    before, seen = torch.backends.cudnn.allow_tf32, []
    engine.model.neck.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    engine.detect(engine.encode_vehicle(image, camera), T_camera_detection, [])
    assert seen == [False]
    assert torch.backends.cudnn.allow_tf32 == before
