"""The layouts for RViz and Foxglove show topics and fields that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from emiff_core.demo import topics
from emiff_ros.types import message_class

ROOT = Path(__file__).resolve().parents[2]
NODES = ('vehicle_node', 'infrastructure_node')


def declared() -> dict[str, str]:
    """Return type by topic of what the nodes' pages and the demo's bag hold."""
    found = dict(topics.RECORDED)
    for camera in (topics.VEHICLE_IMAGE, topics.INFRASTRUCTURE_IMAGE):
        found[camera] = 'sensor_msgs/msg/CompressedImage'
    for node in NODES:
        page = (ROOT / 'docs' / f'{node}.md').read_text()
        for name, kind in re.findall(r'^\| `(~/[^`]+)` \| (\w+/\w+) \|', page, re.MULTILINE):
            found[name.replace('~', f'/{node}')] = kind.replace('/', '/msg/')
    return found


def rviz_displays() -> list[dict]:
    layout = yaml.safe_load((ROOT / 'rviz' / 'emiff.rviz').read_text())
    return layout['Visualization Manager']['Displays']


def test_rviz_shows_both_images_the_boxes_and_the_frames():
    shown = {display['Topic']['Value']: display['Class'] for display in rviz_displays() if 'Topic' in display}
    kinds = {'rviz_default_plugins/Image': ('Image', 'CompressedImage'),
             'rviz_default_plugins/MarkerArray': ('MarkerArray',)}  # fmt: skip
    assert len(shown) >= 3
    for topic, display in shown.items():
        assert declared()[topic].rpartition('/')[2] in kinds[display], topic
    assert 'rviz_default_plugins/TF' in {display['Class'] for display in rviz_displays()}


def foxglove() -> dict:
    return json.loads((ROOT / 'foxglove' / 'emiff.json').read_text())


def leaves(layout: dict | str) -> Iterator[str]:
    if isinstance(layout, str):
        yield layout
    else:
        yield from leaves(layout['first'])
        yield from leaves(layout['second'])


def test_foxglove_places_every_panel_that_it_configures():
    layout = foxglove()
    assert sorted(leaves(layout['layout'])) == sorted(layout['configById'])


def paths() -> list[str]:
    found = []
    for name, panel in foxglove()['configById'].items():
        if name.startswith('Image!'):
            found.append(panel['imageMode']['imageTopic'])
        elif name.startswith('3D!'):
            found += panel['topics']
        elif name.startswith('Plot!'):
            found += [path['value'] for path in panel['paths']]
        else:
            found.append(panel['topicPath'])
    return found


@pytest.mark.parametrize('path', paths())
def test_what_foxglove_shows_exists(path):
    topic, *fields = path.split('.')
    kind = message_class(declared()[topic])
    for field in fields:
        assert field in kind.get_fields_and_field_types(), f'{path}: no {field} in {kind.__name__}'
