"""The demo's figures, from what was recorded."""

from emiff_core.demo.summary import _median_stages


def test_a_stage_that_only_some_images_have_is_the_median_of_theirs():
    alone, fused = {'backbone': 2.0, 'neck': 5.0}, {'backbone': 4.0, 'compression': 1.0, 'neck': 7.0}
    for rows in ([alone, fused], [fused, alone]):
        assert _median_stages(rows) == {'backbone': 3.0, 'compression': 1.0, 'neck': 6.0}
    assert _median_stages([]) == {}
