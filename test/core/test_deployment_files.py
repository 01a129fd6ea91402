"""What goes onto hardware: the security policy and the containers name what there is."""

import re
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize('node', ['vehicle_node', 'infrastructure_node'])
def test_the_policy_allows_each_topic_of_the_nodes_page_and_no_other_of_the_node(node):
    tree = ElementTree.parse(ROOT / 'config' / 'sros2' / 'policy.xml')
    (profile,) = tree.findall(f".//profile[@node='{node}']")
    allowed = {(way, topic.text) for topics in profile.findall('topics') for way, topic in pairs(topics)}
    page = (ROOT / 'docs' / f'{node}.md').read_text().partition('## Parameters')[0]
    rows = '\n'.join(line for line in page.splitlines() if line.startswith('|'))
    on_page = {name.replace('~', f'/{node}') for name in re.findall(r'`(~/(?:input|output|debug)/[\w/]+)`', rows)}
    own = {(way, topic) for way, topic in allowed if re.match(f'/{node}/(input|output|debug)/', topic)}
    assert {topic for _, topic in own} == on_page
    assert all(way == ('subscribe' if '/input/' in topic else 'publish') for way, topic in own)


def pairs(topics: ElementTree.Element) -> list[tuple[str, ElementTree.Element]]:
    ((way, rule),) = topics.attrib.items()
    assert rule == 'ALLOW'
    return [(way, topic) for topic in topics]


def test_the_containers_start_launch_files_with_arguments_that_they_have():
    services = yaml.safe_load((ROOT / 'docker' / 'compose.yaml').read_text())['services']
    assert set(services) == {'infrastructure', 'vehicle'}
    for service in services.values():
        without_options = re.sub(r'\$\{\w+:\+.*?\}\}', '', service['command'])
        words = shlex.split(re.sub(r'\$\{\w+:-(.*?)\}', r'\1', without_options))
        optional = re.findall(r'\$\{(\w+):\+(\w+):=\$\{\1\}\}', service['command'])
        source = ''.join((ROOT / name).read_text() for name in (f'launch/{words[3]}', 'emiff_ros/launching.py'))
        assert words[:3] == ['ros2', 'launch', 'emiff']
        given = [*(word.partition(':=') for word in words[4:]), *((name, ':=', 'x') for _, name in optional)]
        assert len(optional) == 2
        assert all(f"'{name}'" in source and value for name, _, value in given)  # ros2 launch takes no empty values


def test_the_image_copies_files_that_there_are():
    dockerfile = (ROOT / 'docker' / 'Dockerfile').read_text()
    copied = re.findall(r'^COPY (\S+) ', dockerfile, re.MULTILINE)
    assert copied and all((ROOT / path).exists() for path in copied)
    assert (ROOT / 'docker' / 'entrypoint.sh').stat().st_mode & 0o111
