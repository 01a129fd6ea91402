import copy

import pytest
import yaml

from emiff_core.config import EmiffConfig, load_config, save_config
from emiff_core.errors import EmiffError
from emiff_core.resources import config_dir

DETECTORS = ['emiff_official', 'emiff_r50', 'emiff_demo']


@pytest.fixture
def values() -> dict:
    return yaml.safe_load((config_dir() / 'emiff_r50.yaml').read_text())


@pytest.mark.parametrize('name', DETECTORS)
def test_each_file_that_comes_along_survives_a_round_trip(name, tmp_path):
    config = load_config(config_dir() / f'{name}.yaml')
    assert EmiffConfig.from_dict(config.to_dict()) == config
    save_config(config, tmp_path / 'copy.yaml')
    assert load_config(tmp_path / 'copy.yaml') == config


def test_official_keeps_every_quirk_and_r50_mends_them_all():
    official, mended = (load_config(config_dir() / f'emiff_{name}.yaml') for name in ('official', 'r50'))
    assert official.image.ignore_distortion and not mended.image.ignore_distortion
    assert not official.fusion.mask_points_behind and mended.fusion.mask_points_behind
    assert (official.fusion.mean_over, mended.fusion.mean_over) == ('two', 'present')
    assert not official.fusion.per_camera_scale and mended.fusion.per_camera_scale
    assert not official.fusion.align_pixel_centers and mended.fusion.align_pixel_centers
    assert official.head.anchor_yaws[1] == 1.57 != mended.head.anchor_yaws[1]


@pytest.mark.parametrize(
    ('section', 'key', 'value', 'message'),
    [
        (
            'neck',
            'chanels',
            [1],
            r'x.yaml: neck.chanels: unknown key; did you mean channels\? expected one of channels',
        ),
        ('image', 'width', 'wide', "x.yaml: image.width: expected a whole number, found 'wide'"),
        ('image', 'width', True, 'x.yaml: image.width: expected a whole number, found True'),
        ('image', 'width', 0, 'x.yaml: image.width: expected at least 1, found 0'),
        ('image', 'width', 96.5, 'x.yaml: image.width: expected a whole number, found 96.5'),
        ('image', 'mean', [1.0, 2.0], r'x.yaml: image.mean: expected a list of 3, found \[1.0, 2.0\]'),
        ('image', 'std', [1.0, 0.0, 1.0], 'x.yaml: image.std: expected positive numbers'),
        ('image', 'pad_divisor', 16, 'x.yaml: image.pad_divisor: expected a multiple of 32, found 16'),
        ('image', 'ignore_distortion', 1, 'x.yaml: image.ignore_distortion: expected true or false, found 1'),
        ('backbone', 'depth', 101, 'x.yaml: backbone.depth: expected one of 18, 34, 50, found 101'),
        ('compression', 'channel_ratio', 7, 'x.yaml: compression.channel_ratio: expected a divisor of 64'),
        ('voxels', 'x_range', [5, 5], 'x.yaml: voxels.x_range: expected .low, high.'),
        ('voxels', 'x_range', [0, float('inf')], r'x.yaml: voxels.x_range\[1\]: expected a number, found inf'),
        ('voxels', 'shape', 12, 'x.yaml: voxels.shape: expected a list, found 12'),
        ('neck', 'channels', [64, 128], 'x.yaml: neck.channels: expected stages that bring 12 voxels of height to 3'),
        ('head', 'score_threshold', 1.5, 'x.yaml: head.score_threshold: expected at least 0, at most 1, found 1.5'),
        ('head', 'class_names', ['car', 'bus'], 'x.yaml: head.anchor_sizes: expected 2'),
        ('codec', 'coding', 'zip', "x.yaml: codec.coding: expected one of plain, deflate, found 'zip'"),
    ],
)
def test_a_mistake_is_named_with_file_key_expectation_and_finding(values, section, key, value, message):
    values[section][key] = value
    with pytest.raises(EmiffError, match=message):
        EmiffConfig.from_dict(values, source='x.yaml')


def test_missing_and_misplaced_sections_are_named(values):
    without = copy.deepcopy(values)
    del without['voxels']['shape']
    with pytest.raises(EmiffError, match=r'x\.yaml: voxels\.shape: missing key'):
        EmiffConfig.from_dict(without, source='x.yaml')
    with pytest.raises(EmiffError, match=r'x\.yaml: neck: expected a mapping, found None'):
        EmiffConfig.from_dict(values | {'neck': None}, source='x.yaml')
    with pytest.raises(EmiffError, match=r'x\.yaml: expected a mapping, found None'):
        EmiffConfig.from_dict(None, source='x.yaml')


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(EmiffError, match=r'gone.yaml: cannot read the config: .*No such file'):
        load_config(tmp_path / 'gone.yaml')
    broken = tmp_path / 'broken.yaml'
    broken.write_text('image: [')
    with pytest.raises(EmiffError, match=r'broken\.yaml: expected YAML: [^\n]*$'):
        load_config(broken)
    broken.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(EmiffError, match=r'broken\.yaml: cannot read'):
        load_config(broken)
