"""A scene: one crossing with its traffic, surroundings, light and sensors, known at every instant."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic import traffic
from emiff_core.data.synthetic.bodies import build_mesh
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.light import Light, draw_light
from emiff_core.data.synthetic.mesh import Mesh, MeshBuilder
from emiff_core.data.synthetic.render import Drawable, Rendering, render
from emiff_core.data.synthetic.rig import (
    LIDAR_HEIGHT,
    REFERENCE_SIZE,
    RoadsideRig,
    VehicleRig,
    draw_roadside_rig,
    draw_vehicle_rig,
)
from emiff_core.data.synthetic.road_surface import paint_crossing
from emiff_core.data.synthetic.roads import Crossing, draw_crossing
from emiff_core.data.synthetic.signals import Signals
from emiff_core.data.synthetic.street_furniture import build_signal_post
from emiff_core.data.synthetic.surroundings import build_surroundings
from emiff_core.data.synthetic.traffic import Track
from emiff_core.data.synthetic.vehicles import draw_spec
from emiff_core.data.synthetic.view import View
from emiff_core.geometry import Boxes3D, PinholeCamera, transforms

Side = Literal['vehicle', 'infrastructure']
EGO = 0  # index of the ego vehicle among the tracks

_ORDINARY = Conditions()
_SHADOW_CASTERS_WITHIN = 120.0  # metres of the crossing's centre


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that a camera may look at.

    Attributes:
        seed: what it was drawn from.
        crossing: the roads.
        light: sun, sky and haze.
        tracks: vehicles; tracks[EGO] carries the vehicle's sensors.
        meshes: of the vehicles, one a track.
        static_meshes: buildings, trees, lamps, in the scene frame.
        signals: the signal plan.
        signal_posts: of each arm, the post that shows red and the one that shows green.
        ground: what lies on the ground, faces in painting order.
        vehicle_rig, roadside_rig: the sensors.
        T_world_scene: (4, 4), thousands of metres away.
        duration: seconds from time 0 for which the motion is known.
    """

    seed: int
    crossing: Crossing
    light: Light
    tracks: tuple[Track, ...]
    meshes: tuple[Mesh, ...]
    static_meshes: tuple[Mesh, ...]
    signals: Signals
    signal_posts: tuple[tuple[Mesh, Mesh], ...]
    ground: Mesh
    vehicle_rig: VehicleRig
    roadside_rig: RoadsideRig
    T_world_scene: NDArray[np.float64]
    duration: float

    def T_scene_vehicle(self, index: int, time: float) -> NDArray[np.float64] | None:
        """Return (4, 4) from a vehicle's footprint frame (x forward, z = 0 on the road), or None while it is away."""
        pose = self.tracks[index].pose(time)
        return None if pose is None else transforms.rigid(transforms.rotation_z(pose[2]), (pose[0], pose[1], 0.0))

    def T_scene_lidar(self, time: float) -> NDArray[np.float64]:
        """Return (4, 4) from the ego vehicle's lidar frame at `time` seconds."""
        pose = self.T_scene_vehicle(EGO, time)
        assert pose is not None, 'the ego vehicle is on the scene throughout'
        return pose @ self.vehicle_rig.T_vehicle_lidar

    def boxes(self, time: float) -> tuple[NDArray[np.int64], Boxes3D]:
        """Return the vehicles present at `time` seconds: their indices (N,) and their boxes in the scene frame."""
        indices, centers, sizes, yaws = [], [], [], []
        for index, track in enumerate(self.tracks):
            pose = track.pose(time)
            if pose is not None:
                indices.append(index)
                centers.append((pose[0], pose[1], track.spec.height / 2))
                sizes.append(track.spec.size)
                yaws.append(pose[2])
        return np.array(indices, dtype=np.int64), Boxes3D(np.array(centers), np.array(sizes), np.array(yaws))

    def view(self, side: Side, time: float, size: tuple[int, int] = REFERENCE_SIZE) -> View:
        """Return a side's camera at `time` seconds, for pictures of `size` (width, height) pixels."""
        if side == 'vehicle':
            rig_camera, T_camera_lidar = self.vehicle_rig.camera, self.vehicle_rig.T_camera_lidar
            T_scene_lidar = self.T_scene_lidar(time)
        else:
            rig_camera, T_camera_lidar = self.roadside_rig.camera, self.roadside_rig.T_camera_lidar
            T_scene_lidar = self.roadside_rig.T_scene_lidar
        return View(resized(rig_camera, size), T_camera_lidar @ transforms.inverse(T_scene_lidar))

    def render(self, side: Side, time: float, size: tuple[int, int] = REFERENCE_SIZE) -> Rendering:
        """Render what a side's camera sees at `time` seconds, without the camera's noise."""
        view = self.view(side, time, size)
        drawables = [Drawable(mesh, np.eye(4)) for mesh in self.static_meshes]
        for arm, (red, green) in enumerate(self.signal_posts):
            drawables.append(Drawable(green if self.signals.arm_is_green(arm, time) else red, np.eye(4)))
        shadows = list(self.static_shadows)
        for index, mesh in enumerate(self.meshes):
            T = self.T_scene_vehicle(index, time)
            if T is None:
                continue
            # the shadow ends within the height over the tangent of the sun's elevation
            reach = np.array([mesh.radius + 2 * mesh.centre[2] / self.light.to_sun[2]])
            if not view.sees(transforms.apply(view.T_camera_scene, T[None, :3, 3]), reach)[0]:
                continue
            shadows.append(shadow_of(transforms.apply(T, mesh.vertices), self.light))
            if not (side == 'vehicle' and index == EGO):
                drawables.append(Drawable(mesh, T, index, self._is_in_shadow(T[:3, 3])))
        return render(view, self.light, self.ground, shadows, drawables)

    @cached_property
    def static_shadows(self) -> tuple[NDArray[np.float64], ...]:
        """Outlines (N, 2), metres on the ground, of the shadows of what stands near the crossing."""
        near = [mesh for mesh in self.static_meshes if np.linalg.norm(mesh.centre[:2]) < _SHADOW_CASTERS_WITHIN]
        return tuple(shadow_of(mesh.vertices, self.light) for mesh in near)

    @cached_property
    def _shadow_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest x, y (N, 2) of each shadow."""
        outlines = self.static_shadows
        return np.array([o.min(axis=0) for o in outlines]), np.array([o.max(axis=0) for o in outlines])

    def _is_in_shadow(self, foot: NDArray[np.float64]) -> bool:
        """Whether something that stands still hides the sun from a vehicle at `foot` (3,), judged a metre above it."""
        point = foot[:2] - self.light.to_sun[:2] / self.light.to_sun[2]
        low, high = self._shadow_bounds
        around = np.flatnonzero(((low < point) & (point < high)).all(axis=1))
        x, y = float(point[0]), float(point[1])
        outlines = (self.static_shadows[i].astype(np.float32) for i in around)
        return any(cv2.pointPolygonTest(outline, (x, y), False) > 0 for outline in outlines)


def resized(camera: PinholeCamera, size: tuple[int, int]) -> PinholeCamera:
    """Return the camera of the same picture at another size: pixel centres keep their place in the scene."""
    sx, sy = size[0] / camera.width, size[1] / camera.height
    k = camera.intrinsics.copy()
    k[:2, :2] *= ((sx,), (sy,))
    k[0, 2] = (k[0, 2] + 0.5) * sx - 0.5
    k[1, 2] = (k[1, 2] + 0.5) * sy - 0.5
    return PinholeCamera(k, *size)


def shadow_of(vertices: NDArray[np.float64], light: Light) -> NDArray[np.float64]:
    """Return the convex outline (N, 2) of the shadow that vertices (V, 3) cast on the ground, metres."""
    ground = vertices[:, :2] - light.to_sun[:2] / light.to_sun[2] * vertices[:, 2:]
    return cv2.convexHull(ground.astype(np.float32))[:, 0].astype(np.float64)


def build_scene(seed: int, duration: float, conditions: Conditions = _ORDINARY) -> Scene:
    """Build a scene, the same for the same arguments.

    Args:
        seed: of everything in it.
        duration: seconds for which the ego vehicle must be there.
        conditions: what it is drawn from.
    """
    for attempt in range(50):
        rng = np.random.default_rng([seed, attempt])
        crossing = draw_crossing(rng)
        tracks, signals = traffic.simulate(crossing, rng, duration, conditions)
        ego = _choose_ego(tracks, duration)
        if ego is not None:
            return _furnish(seed, crossing, tracks, signals, ego, duration, conditions, rng)
    raise AssertionError(f'no crossing of seed {seed} has a vehicle to carry the sensors for {duration} s')


def _choose_ego(tracks: list[Track], duration: float) -> Track | None:
    """Choose the vehicle that is longest on its way to the crossing, and of those the one that drives farthest."""
    best, highest = None, 0.0
    for track in tracks:
        if track.path is None or track.times[0] > -0.5 or track.times[-1] < duration + 0.5:
            continue
        poses = np.array([track.pose(time) for time in np.linspace(0, duration, 12)])
        distances = np.linalg.norm(poses[:, :2], axis=1)
        towards = -(poses[:, 0] * np.cos(poses[:, 2]) + poses[:, 1] * np.sin(poses[:, 2]))
        on_its_way = (towards > 8.0) & (distances < 68.0)
        travelled = float(np.linalg.norm(poses[-1, :2] - poses[0, :2]))
        score = float(on_its_way.mean() + 0.5 * min(travelled / (6.0 * duration), 1.0))
        if on_its_way[0] and score > highest:
            best, highest = track, score
    return best


def _furnish(
    seed: int,
    crossing: Crossing,
    tracks: list[Track],
    signals: Signals,
    ego: Track,
    duration: float,
    conditions: Conditions,
    rng: np.random.Generator,
) -> Scene:
    """Put sensors, buildings and light around the traffic."""
    ego = traffic.renamed(ego, draw_spec(rng, 'Car')) if ego.spec.kind != 'Car' else ego
    tracks = [ego, *traffic.keep_clear([t for t in tracks if t.poses is not ego.poses], ego)]
    assert ego.path is not None
    arm = (ego.path.entry[0] + int(rng.choice(conditions.roadside_arms))) % 4
    roadside, mast = _roadside(crossing, arm, rng)
    T_world_scene = transforms.rigid(
        transforms.rotation_z(rng.uniform(-np.pi, np.pi)),
        (*rng.uniform(2000, 9000, 2), rng.uniform(12, 40)),
    )
    static = [mesh for mesh in build_surroundings(crossing, rng, conditions) if _leaves_view_free(mesh, roadside)]
    return Scene(
        seed=seed,
        crossing=crossing,
        light=draw_light(rng, conditions.weather),
        tracks=tuple(tracks),
        meshes=tuple(build_mesh(track.spec) for track in tracks),
        static_meshes=(*static, mast),
        signals=signals,
        signal_posts=tuple(
            (build_signal_post(crossing, arm, False), build_signal_post(crossing, arm, True)) for arm in range(4)
        ),
        ground=paint_crossing(crossing, rng),
        vehicle_rig=draw_vehicle_rig(rng),
        roadside_rig=roadside,
        T_world_scene=T_world_scene,
        duration=duration,
    )


def _roadside(crossing: Crossing, arm: int, rng: np.random.Generator) -> tuple[RoadsideRig, Mesh]:
    """Put a mast on an arm, looking over the crossing at the opposite one."""
    d = crossing.direction(arm)
    left = np.array([-d[1], d[0]])
    side = rng.choice([-1.0, 1.0])
    # on the left stands the arm's signal post, which must not fill the picture: stay nearer to the crossing than it
    distance = crossing.setback(arm) + (rng.uniform(-4.0, -2.5) if side > 0 else rng.uniform(-2.0, 5.0))
    foot = d * distance + left * side * (crossing.road_of(arm).half_width + 1.4)
    height = rng.uniform(6.0, 7.0)
    target = -d * rng.uniform(12, 26) + left * rng.uniform(-5, 5)
    forward = (target - foot) / np.linalg.norm(target - foot)
    position = np.append(foot + forward * 0.9, height)
    builder = MeshBuilder()
    builder.box((*(foot - 0.11), 0.0), (*(foot + 0.11), height + 0.3), (98.0, 100, 100))
    case = foot + forward * 0.4
    builder.box((*(case - 0.12), height - 0.1), (*(case + 0.12), height + 0.15), (225.0, 225, 225))
    return draw_roadside_rig(rng, position, target), builder.build()


def with_more_masts(scene: Scene) -> tuple[Scene, ...]:
    """Return the scene once for each of four masts, its own first, then one on each other arm.

    All hold all masts, and nothing that would fill the picture of one. Only `roadside_rig` differs.
    """
    position = scene.roadside_rig.T_scene_lidar[:2, 3]
    own = max(range(4), key=lambda arm: float(position @ scene.crossing.direction(arm)))
    rng = np.random.default_rng([scene.seed, 6])
    more = [_roadside(scene.crossing, arm, rng) for arm in range(4) if arm != own]
    rigs = [scene.roadside_rig, *(rig for rig, _ in more)]
    own_mast = scene.static_meshes[-1]
    rest = [mesh for mesh in scene.static_meshes[:-1] if all(_leaves_view_free(mesh, rig) for rig in rigs)]
    meshes = (*rest, *(mast for _, mast in more), own_mast)
    return tuple(replace(scene, static_meshes=meshes, roadside_rig=rig) for rig in rigs)


def _leaves_view_free(mesh: Mesh, roadside: RoadsideRig) -> bool:
    """Whether a mesh is far enough from the roadside camera not to fill its picture."""
    position = roadside.T_scene_lidar[:3, 3]
    nearest = np.linalg.norm(mesh.vertices[:, :2] - position[:2], axis=1).min()
    return bool(nearest > 4.5 or mesh.vertices[:, 2].max() < LIDAR_HEIGHT)
