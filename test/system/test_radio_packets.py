"""The nodes on two sides of a radio that loses packets: what holds for messages holds for packets."""

import pytest

from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.demo.impairment import Impairment
from emiff_core.demo.packet_link import PacketLink
from emiff_core.demo.packets import measure, write_config
from emiff_core.errors import EmiffError

FRAMES = 30


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    try:
        PacketLink().close()
    except EmiffError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp('packets')
    generate(folder / 'data', FRAMES, seed=7, size=(480, 270))
    write_bag(DairV2xDataset(folder / 'data'), folder / 'bag')
    return folder / 'bag'


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'wide.yaml'
    write_config(path)
    return path


@pytest.mark.parametrize('reliability', ['best_effort', 'reliable'])
def test_packets_that_are_lost_late_and_doubled_stop_no_detection(bag, tmp_path, config, reliability):
    radio = Impairment(drop=0.1, delay_ms=30.0, jitter_ms=60.0, duplicate=0.3, seed=1)
    figures = measure(bag, tmp_path / 'run', config, radio, reliability)
    assert figures.packets > 5 * figures.radio.sent  # a feature is many packets
    assert figures.radio.failures() == []
    assert figures.radio.fused > 0


def test_nothing_but_the_radio_connects_the_sides(bag, tmp_path, config):
    figures = measure(bag, tmp_path / 'run', config, Impairment(drop=1.0), 'best_effort')
    assert figures.radio.failures() == []
    assert figures.radio.detection_messages > 0
    assert figures.radio.delivered == figures.radio.fused == 0
