"""The message packages have the fields of the real ones, so nodes on both kinds of machine understand each other."""

import json
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_share_directory

# Computed by rosidl from the real packages' definitions.
REAL_HASHES = {
    ('tf2_msgs', 'TFMessage'): 'RIHS01_e369d0f0',
    ('vision_msgs', 'Detection3DArray'): 'RIHS01_793f5eab',
}


@pytest.mark.parametrize(('package', 'name'), REAL_HASHES)
def test_type_hash_is_the_real_one(package, name):
    description = Path(get_package_share_directory(package), 'msg', f'{name}.json')
    hashes = {each['type_name']: each['hash_string'] for each in json.loads(description.read_text())['type_hashes']}
    assert hashes[f'{package}/msg/{name}'].startswith(REAL_HASHES[package, name])
