"""The synthetic world: what is drawn is what is labelled, nothing overlaps, and a seed says it all."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import build_scene, cooperative_truth, generate, render_pair
from emiff_core.data.synthetic.bodies import build_mesh
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.exposures import plan_drives
from emiff_core.data.synthetic.light import draw_light
from emiff_core.data.synthetic.mesh import MeshBuilder, clip
from emiff_core.data.synthetic.render import STATIC, Drawable, render
from emiff_core.data.synthetic.rig import camera_pose
from emiff_core.data.synthetic.road_surface import paint_crossing
from emiff_core.data.synthetic.roads import draw_crossing
from emiff_core.data.synthetic.scene import EGO
from emiff_core.data.synthetic.signals import find_conflicts, plan_signals
from emiff_core.data.synthetic.traffic import simulate
from emiff_core.data.synthetic.vehicles import draw_spec
from emiff_core.data.synthetic.view import View
from emiff_core.data.synthetic.write import system_error_offset, write_frames
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera, transforms

SIZE = (480, 270)
GROUND = paint_crossing(draw_crossing(np.random.default_rng(0)), np.random.default_rng(0))


@pytest.fixture(scope='module')
def scene():
    return build_scene(12, duration=2.0)


@pytest.fixture(scope='module')
def pair(scene):
    return render_pair(scene, 1.0, SIZE, roadside_earlier_by=0.05)


@pytest.mark.parametrize('kind', ['Car', 'Van', 'Truck', 'Bus'])
@pytest.mark.parametrize('seed', range(5))
def test_a_vehicle_fills_its_box(kind, seed):
    spec = draw_spec(np.random.default_rng(seed), kind)
    mesh = build_mesh(spec)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low == pytest.approx([-spec.length / 2, -spec.width / 2, 0], abs=1e-9)
    assert high == pytest.approx([spec.length / 2, spec.width / 2, spec.height], abs=1e-9)


@pytest.mark.parametrize('kind', ['Car', 'Van', 'Truck', 'Bus'])
def test_every_face_is_flat_and_looks_outwards(kind):
    mesh = build_mesh(draw_spec(np.random.default_rng(3), kind))
    for polygon, face in enumerate(mesh.face_of):
        corners = mesh.vertices[mesh.starts[polygon] : mesh.starts[polygon + 1]]
        assert np.abs((corners - mesh.anchors[face]) @ mesh.normals[face]).max() < 1e-6
    roof = mesh.vertices[:, 2].max()
    on_roof = [i for i, a in enumerate(mesh.anchors) if a[2] > roof - 1e-6 and abs(mesh.normals[i, 2]) > 0.99]
    assert on_roof and (mesh.normals[on_roof, 2] > 0).all()


@pytest.mark.parametrize('seed', range(4))
def test_no_two_vehicles_ever_overlap(seed):
    rng = np.random.default_rng(seed)
    tracks, _ = simulate(draw_crossing(rng), rng, duration=6.0, conditions=Conditions(density=(4.0, 4.0)))
    assert sum(track.path is not None for track in tracks) > 20
    for time in np.arange(-0.97, 6.9, 0.53):  # between the simulation's own steps
        present = [(track.pose(time), track.spec) for track in tracks if track.pose(time) is not None]
        boxes = [((p[0], p[1]), (s.length, s.width), np.degrees(p[2])) for p, s in present]
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                if np.hypot(a[0][0] - b[0][0], a[0][1] - b[0][1]) < 14:
                    assert cv2.rotatedRectangleIntersection(a, b)[0] == cv2.INTERSECT_NONE


def test_vehicles_drive_forwards_at_town_speed_and_some_turn():
    turned = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        tracks, _ = simulate(draw_crossing(rng), rng, duration=8.0, conditions=Conditions(density=(3.0, 3.0)))
        for track in tracks:
            steps = np.diff(track.poses[:, :2], axis=0)
            headings = track.poses[:-1, 2]
            forwards = steps[:, 0] * np.cos(headings) + steps[:, 1] * np.sin(headings)
            assert forwards.min() > -1e-6
            assert np.linalg.norm(steps, axis=1).max() < 0.1 * 16
            turned += abs(track.poses[-1, 2] - track.poses[0, 2]) > 1.0
    assert turned >= 3


@pytest.mark.parametrize('seed', range(3))
def test_paths_with_green_together_do_not_conflict_and_each_gets_green(seed):
    paths = draw_crossing(np.random.default_rng(seed)).paths()
    conflicts, signals = find_conflicts(paths), plan_signals(paths, 0.0)
    assert conflicts.any()
    for phase in signals.phases:
        members = sorted(phase)
        assert not conflicts[np.ix_(members, members)].any()
    assert set().union(*signals.phases) == set(range(len(paths)))


def _camera_at_origin() -> View:
    camera = PinholeCamera(np.array([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]]), 160, 120)
    return View(camera, camera_pose(np.array([0.0, 0.0, 2.0]), 0.0, 0.0, 0.0))


def _block(low, high, instance) -> Drawable:
    builder = MeshBuilder()
    builder.box(low, high, (200.0, 100, 50))
    return Drawable(builder.build(), np.eye(4), instance)


def test_depth_is_decided_per_pixel_whatever_the_order():
    # two blocks that interpenetrate: each is nearer in one half of the picture
    blocks = [
        _block((8, -2, 0), (12, 1, 3), 0),
        _block((10, -1, 0), (11, 3, 4), 1),
        _block((5, 0.5, 0), (6, 0.7, 5), 2),
    ]
    light = draw_light(np.random.default_rng(0))
    first = render(_camera_at_origin(), light, GROUND, (), blocks)
    second = render(_camera_at_origin(), light, GROUND, (), blocks[::-1])
    assert (first.instances == second.instances).all()
    rows = first.instances[60]
    # y = -u (x - 0): pixel u looks along y / x = (80 - u) / 100
    assert rows[80 + 15] == 0 and rows[80 - 20] == 1 and rows[80 - 10] == 2
    assert rows[5] == STATIC


def test_a_hidden_block_shows_nothing_but_is_measured():
    blocks = [_block((8, -3, 0), (9, 3, 6), 0), _block((12, -1, 0), (13, 1, 2), 1)]
    rendering = render(_camera_at_origin(), draw_light(np.random.default_rng(0)), GROUND, (), blocks)
    hidden, wall = rendering.silhouettes[1], rendering.silhouettes[0]
    assert hidden.visible_pixels == 0 and wall.visible_pixels == wall.total_pixels
    # 2 m wide and 2 m tall, 12 m away
    assert hidden.total_pixels == pytest.approx((2 * 100 / 12) ** 2, rel=0.2)
    assert hidden.box[0] == pytest.approx(80 - 100 / 12, abs=1.5) and hidden.box[3] == pytest.approx(
        60 + 200 / 12, abs=2
    )


def test_what_reaches_behind_the_camera_is_cut_not_mirrored():
    rendering = render(
        _camera_at_origin(), draw_light(np.random.default_rng(0)), GROUND, (), [_block((-20, 2, 0), (30, 3, 4), 0)]
    )
    shown = np.flatnonzero(rendering.instances[60] == 0)
    # the wall's side runs from the left edge of the picture to where x = 30, y = 2
    assert shown.min() == 0 and shown.max() == pytest.approx(80 - 2 / 30 * 100, abs=1.5)


def test_clipping_keeps_the_half_space():
    square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    assert sorted(map(tuple, clip(square, (1.0, 0.0), 1.0).tolist())) == [(1, 0), (1, 2), (2, 0), (2, 2)]
    assert clip(square, (1.0, 0.0), 5.0).shape == (0, 2)
    assert clip(square, (1.0, 0.0), -1.0) is square


@pytest.mark.parametrize('side', ['vehicle', 'infrastructure'])
def test_vehicles_are_drawn_inside_their_boxes_and_fill_them(scene, pair, side):
    snapshot = pair[side == 'infrastructure']
    view = scene.view(side, snapshot.time, SIZE)
    indices, boxes = scene.boxes(snapshot.time)
    checked = 0
    for seen in snapshot.seen:
        corners = boxes[indices == seen.index].corners()[0]
        points = transforms.apply(view.T_camera_scene, corners)
        if points[:, 2].min() < 1.0:
            continue
        hull = cv2.convexHull(view.camera.project(points)[0].astype(np.float32))
        rows, columns = np.nonzero(snapshot.rendering.instances == seen.index)
        distances = [cv2.pointPolygonTest(hull, (float(u), float(v)), True) for u, v in zip(columns, rows, strict=True)]
        assert min(distances) > -1.5  # pixels outside
        if not seen.truncated and cv2.contourArea(hull) > 300:
            x0, y0, x1, y1 = seen.box_2d
            low, high = hull[:, 0].min(axis=0), hull[:, 0].max(axis=0)
            assert (x1 - x0) * (y1 - y0) > 0.7 * np.prod(high - low)
            checked += 1
    assert checked >= 3


def test_labels_are_of_the_vehicles_seen_and_no_others(scene, pair):
    for snapshot in pair:
        height, width = snapshot.rendering.instances.shape
        least = 400 * width * height / (1920 * 1080)
        counts = {s.index: np.sum(snapshot.rendering.instances == s.index) for s in snapshot.seen}
        assert len(counts) > 3
        assert all(count >= least for count in counts.values())
    vehicle, roadside = pair
    assert EGO not in {s.index for s in vehicle.seen}
    assert (vehicle.rendering.instances == EGO).sum() == 0
    # some vehicle is occluded and some is not: the label says which
    assert {s.occluded for s in (*vehicle.seen, *roadside.seen)} >= {0}


def test_the_truth_in_memory_is_what_either_camera_sees_in_the_lidar_frame(scene, pair):
    truth = cooperative_truth(scene, *pair)
    seen = {s.index for snapshot in pair for s in snapshot.seen} - {EGO}
    assert len(truth.boxes) == len(seen) == len(truth.labels)
    # through the vehicle's camera, each box of a vehicle seen there lies around its pixels
    T_camera_lidar = scene.vehicle_rig.T_camera_lidar
    centres = transforms.apply(T_camera_lidar, truth.boxes.centers)
    pixels, depth = pair[0].view.camera.project(centres)
    inside = 0
    for s in pair[0].seen:
        x0, y0, x1, y1 = s.box_2d
        within = (pixels >= (x0 - 1, y0 - 1)) & (pixels <= (x1 + 1, y1 + 1)) & (depth[:, None] > 0)
        inside += bool(within.all(axis=1).any())
    assert inside >= 0.7 * len(pair[0].seen) > 0


def test_moving_vehicles_are_elsewhere_when_the_roadside_exposes_earlier(scene):
    early, late = scene.boxes(0.9), scene.boxes(1.0)
    common = np.intersect1d(early[0], late[0])
    moved = [np.linalg.norm(late[1][late[0] == i].centers - early[1][early[0] == i].centers) for i in common]
    assert max(moved) > 0.3
    now, before = render_pair(scene, 1.0, (160, 90)), render_pair(scene, 1.0, (160, 90), roadside_earlier_by=0.1)
    assert (now[0].rendering.image == before[0].rendering.image).all()
    assert (now[1].rendering.instances != before[1].rendering.instances).any()


def test_two_sizes_show_the_same_scene(scene):
    small = scene.render('vehicle', 1.0, (240, 135)).image
    large = cv2.resize(scene.render('vehicle', 1.0, (960, 540)).image, (240, 135), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - large).mean() < 8


def test_a_frame_alone_has_the_bytes_of_the_whole_run(synthetic_root, tmp_path):
    generate(tmp_path / 'other', 4, 7, asynchrony_ms=40.0, size=(320, 180))
    third = plan_drives(4, 7, 40.0)[2]
    for name in (
        'vehicle-side/image/015002.jpg',
        'infrastructure-side/image/005002.jpg',
        'cooperative/label_world/015002.json',
    ):
        (tmp_path / 'other' / name).unlink()
    write_frames(tmp_path / 'other', [third], (320, 180))
    files = sorted(p.relative_to(synthetic_root) for p in synthetic_root.rglob('*') if p.is_file())
    assert files == sorted(p.relative_to(tmp_path / 'other') for p in (tmp_path / 'other').rglob('*') if p.is_file())
    assert all((synthetic_root / f).read_bytes() == (tmp_path / 'other' / f).read_bytes() for f in files)


def test_another_seed_is_another_world():
    a, b = (build_scene(seed, 1.0) for seed in (1, 2))
    assert not np.allclose(a.T_world_scene, b.T_world_scene)
    assert [t.spec for t in a.tracks] != [t.spec for t in b.tracks]


def test_written_labels_are_the_scenes_boxes(synthetic_root):
    exposure = plan_drives(4, 7, 40.0)[1]
    scene = build_scene(exposure.scene_seed, exposure.scene_duration)
    time = exposure.vehicle_us / 1e6
    expected = scene.boxes(time)[1].transformed(transforms.inverse(scene.T_scene_lidar(time)))
    frame = DairV2xDataset(synthetic_root).frames[1]
    assert len(frame.truth.boxes) > 3
    for corners in frame.truth.boxes.corners():
        assert np.abs(expected.corners() - corners).max(axis=(1, 2)).min() < 1e-6
    # the ground is 1.8 m below the lidar
    assert frame.truth.boxes.corners()[:, 0, 2] == pytest.approx(-1.8, abs=1e-6)


def test_exposures_keep_the_asynchrony_asked_for():
    exact = plan_drives(30, 3, 55.0)
    assert {e.vehicle_us - e.infrastructure_us for e in exact} <= {54999, 55000, 55001}
    drawn = [e.vehicle_us - e.infrastructure_us for e in plan_drives(30, 3, None)]
    assert np.mean(drawn) == pytest.approx(30_000, abs=2500) and len(set(drawn)) > 20
    assert np.diff([e.vehicle_us for e in exact]) == pytest.approx(100_000, abs=6001)


def test_each_hundred_frames_are_a_batch_at_another_crossing_and_time_goes_on():
    exposures = plan_drives(230, 0, None)
    assert [e.frame for e in exposures] == list(range(230))
    assert {(e.batch, e.batch_ids) for e in exposures} == {(0, (0, 99)), (1, (100, 199)), (2, (200, 229))}
    assert len({e.scene_seed for e in exposures}) == 3
    assert np.diff([e.scene_epoch_us + e.infrastructure_us for e in exposures]).min() > 90_000


def test_the_written_roadside_pose_is_true_once_the_error_offset_is_added(tmp_path):
    exposures = {seed: plan_drives(1, seed, None)[0] for seed in range(20)}
    offsets = {seed: system_error_offset(exposure.scene_seed) for seed, exposure in exposures.items()}
    assert '' in offsets.values()
    seed = next(seed for seed, offset in offsets.items() if offset)
    generate(tmp_path / 'data', 1, seed, size=(160, 90))
    scene = build_scene(exposures[seed].scene_seed, exposures[seed].scene_duration)
    true = scene.T_world_scene @ scene.roadside_rig.T_scene_lidar
    assert DairV2xDataset(tmp_path / 'data').frames[0].T_world_infrastructure_lidar == pytest.approx(true, abs=1e-9)
    path = tmp_path / 'data/infrastructure-side/calib/virtuallidar_to_world/005000.json'
    written = np.ravel(json.loads(path.read_text())['translation'])
    assert np.linalg.norm(written - true[:3, 3]) > 0.01


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / 'x').write_text('mine')
    with pytest.raises(EmiffError, match='expected a new or empty folder'):
        generate(tmp_path, 1, 0)
    assert [p.name for p in tmp_path.iterdir()] == ['x']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [((0, 0), 'frames: expected 1'), ((1, -1), 'seed: expected'), ((1, 0, 9999.0), 'asynchrony: expected')],
)
def test_a_number_out_of_range_is_named(tmp_path: Path, arguments, message):
    with pytest.raises(EmiffError, match=message):
        generate(tmp_path / 'out', *arguments)
