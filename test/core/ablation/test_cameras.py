"""More masts at one crossing: each on an arm of its own, all answered against one truth."""

import numpy as np

from emiff_core.ablation.cameras import looks, run_with_more_masts
from emiff_core.data.synthetic.benchmark import draw_scene
from emiff_core.data.synthetic.scene import with_more_masts

SIZE = (320, 180)


def test_four_masts_stand_on_four_arms_and_nothing_else_differs():
    scene = draw_scene('val', 0).scene
    scenes = with_more_masts(scene)
    assert scenes[0].roadside_rig is scene.roadside_rig
    places = np.array([s.roadside_rig.T_scene_lidar[:2, 3] for s in scenes])
    arms = [max(range(4), key=lambda arm, p=p: p @ scene.crossing.direction(arm)) for p in places]
    assert sorted(arms) == [0, 1, 2, 3]
    assert all(s.static_meshes == scenes[0].static_meshes and s.tracks is scene.tracks for s in scenes)


def test_every_number_of_units_meets_the_same_truth_and_pays_for_itself(engine, tmp_path, monkeypatch):
    rendered = list(looks(2, SIZE))
    assert all(len(look.roadside) == 3 and len(look.T_camera_lidar) == 4 for look in rendered)
    monkeypatch.setattr('emiff_core.ablation.cameras.looks', lambda frames: iter(rendered[:frames]))
    found = run_with_more_masts(engine, tmp_path, {}, 2, lambda done, of: None)
    assert [len(frames) for frames in found] == [2, 2, 2, 2]
    assert len({id(frames[0].truth) for frames in found}) == 1 and len(found[0][0].truth) > 0
    sent = [frames[0].result.sent for frames in found]
    assert sent[0] is None
    assert [s.numbers for s in sent[1:]] == [n * sent[1].numbers for n in (1, 2, 3)]
    assert sent[1].payload_bytes < sent[2].payload_bytes < sent[3].payload_bytes
    assert all(s.message_bytes > s.payload_bytes for s in sent[1:])
    scores = [tuple(frames[0].detections.scores) for frames in found]
    assert len(set(scores)) == 4
    # a second run finds all of it in the journals
    again = run_with_more_masts(None, tmp_path, {}, 2, lambda done, of: None)
    assert [tuple(frames[0].detections.scores) for frames in again] == scores
