"""Moments in Rerun (https://rerun.io), a viewer that pip installs."""

from pathlib import Path

import cv2
import numpy as np
import rerun as rr
import rerun.blueprint as rrb
from numpy.typing import NDArray

from emiff_core.config import VoxelConfig
from emiff_core.geometry import Boxes3D, PinholeCamera, transforms
from emiff_core.rendering.overlay import DETECTION, TRUTH, Color, shown
from emiff_core.viewing.dashboard import found_boxes, heat_map, told
from emiff_core.viewing.moment import Moment
from emiff_core.viewing.sink import Sink

_HEAT_WIDTH = 480  # pixels
_JPEG_QUALITY = 85
_VEHICLE_SIZE = (4.5, 1.8, 1.5)  # metres, a car's, around the lidar on its roof
_VEHICLE_CENTER = (0.0, 0.0, -1.0)


class RerunSink(Sink):
    """Logs moments under the capture time `stamp`; 3D things are in the detection frame."""

    def __init__(self, save: Path | None, voxels: VoxelConfig) -> None:
        """Begin a recording.

        Args:
            save: the .rrd file to write; None opens a window.
            voxels: what the model sees; its outline is drawn.
        """
        self._stream = rr.RecordingStream('emiff')
        if save is None:
            self._stream.spawn()
        else:
            self._stream.save(save)
        self._arranged: tuple[list[str], list[str]] = ([], [])
        self._stream.log('world', rr.ViewCoordinates.FLU, static=True)
        (x0, x1), (y0, y1), (z0, _) = voxels.x_range, voxels.y_range, voxels.z_range
        outline = [[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0], [x0, y0, z0]]
        self._stream.log('world/range', rr.LineStrips3D([outline], colors=[(120, 120, 120)]), static=True)
        body = rr.Boxes3D(centers=[_VEHICLE_CENTER], sizes=[_VEHICLE_SIZE], colors=[(60, 170, 235)])
        self._stream.log('world/vehicle_body', body, static=True)

    def show(self, moment: Moment) -> None:
        """Log one moment."""
        stream = self._stream
        stream.set_time('stamp', timestamp=moment.stamp_ns / 1e9)
        self._arrange(moment)
        for view in moment.views:
            path = f'world/{view.name}'
            self._camera(path, view.T_camera_detection, view.camera)
            _, jpeg = cv2.imencode('.jpg', view.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            stream.log(path, rr.EncodedImage(contents=jpeg.tobytes(), media_type='image/jpeg'))
        scores = [] if moment.detections is None else [f'{score:.2f}' for score in shown(moment.detections).scores]
        stream.log('world/found', _boxes(found_boxes(moment), DETECTION, scores))
        stream.log('world/truth', _boxes(moment.truth, TRUTH))
        for feature in moment.features:
            agent = feature.agent_id
            heat = heat_map(feature.activity, _HEAT_WIDTH)
            stream.log(f'features/{agent}', rr.Image(heat, color_model='BGR'))
            if feature.T_camera_detection is not None:
                self._camera(f'world/agents/{agent}', feature.T_camera_detection, feature.camera)
            stream.log(f'age/{agent}', rr.Scalars(feature.age_ms))
            stream.log(f'bytes/{agent}', rr.Scalars(feature.size))
        if moment.latency_ms is not None:
            stream.log('latency/vehicle', rr.Scalars(moment.latency_ms))
        stream.log('told', rr.TextDocument(_told(moment), media_type='text/markdown'))

    def close(self) -> None:
        """Write what is still on its way."""
        self._stream.flush()
        self._stream.disconnect()

    def _camera(self, path: str, T_camera_detection: NDArray[np.float64], camera: PinholeCamera) -> None:
        T_detection_camera = transforms.inverse(T_camera_detection)
        pose = rr.Transform3D(translation=T_detection_camera[:3, 3], mat3x3=T_detection_camera[:3, :3])
        pinhole = rr.Pinhole(
            image_from_camera=camera.intrinsics,
            resolution=[camera.width, camera.height],
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=6.0,
        )
        self._stream.log(path, pose, pinhole)

    def _arrange(self, moment: Moment) -> None:
        """Lay the views out anew when a camera or an agent has come."""
        names, agents = self._arranged
        grown = (
            [*names, *(view.name for view in moment.views if view.name not in names)],
            [*agents, *(f.agent_id for f in moment.features if f.agent_id not in agents)],
        )
        if grown == self._arranged and names:
            return
        self._arranged = grown
        self._stream.send_blueprint(_layout(*grown))


def _layout(names: list[str], agents: list[str]) -> rrb.Blueprint:
    boxes = ['/world/found', '/world/truth']
    images = [
        rrb.Spatial2DView(name=name, origin=f'/world/{name}', contents=['$origin', *boxes]) for name in names
    ]
    above = rrb.Spatial3DView(
        name='from above',
        origin='/world',
        contents=['/world/**'],
        eye_controls=rrb.EyeControls3D(position=(-28.0, 0.0, 62.0), look_target=(34.0, 0.0, 0.0), eye_up=(0, 0, 1)),
    )
    heat = [rrb.Spatial2DView(name=f'sent by {agent}', origin=f'/features/{agent}') for agent in agents]
    series = [
        rrb.TimeSeriesView(name=title, origin=f'/{origin}')
        for title, origin in (('image to boxes, ms', 'latency'), ('age, ms', 'age'), ('sent, bytes', 'bytes'))
    ]
    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Vertical(*images),
            rrb.Vertical(above, rrb.Horizontal(*series), row_shares=[2, 1]),
            rrb.Vertical(*heat, rrb.TextDocumentView(name='told', origin='/told')),
            column_shares=[5, 5, 3],
        ),
        collapse_panels=True,
    )


def _boxes(boxes: Boxes3D | None, color: Color, labels: list[str] | None = None) -> rr.Boxes3D:
    if boxes is None:
        boxes = Boxes3D.empty()
    return rr.Boxes3D(
        centers=boxes.centers,
        sizes=boxes.sizes,
        rotation_axis_angles=[rr.RotationAxisAngle(axis=(0, 0, 1), radians=yaw) for yaw in boxes.yaws.tolist()],
        colors=[color[::-1]] * len(boxes),
        labels=labels,
        fill_mode='majorwireframe',
        show_labels=False,
    )


def _told(moment: Moment) -> str:
    lines = [f'**{feature.agent_id}**: {told(feature)}\n' for feature in moment.features]
    if moment.refused:
        lines.append(f'**refused**: {", ".join(moment.refused)}\n')
    if moment.detections is None:
        lines.append('No boxes were found for this image, or the node did not say.\n')
    lines += ['| stage | ms |', '| --- | --- |']
    lines += [f'| {name.replace("_", " ")} | {ms:.1f} |' for name, ms in moment.stage_ms.items()]
    return '\n'.join(lines)
