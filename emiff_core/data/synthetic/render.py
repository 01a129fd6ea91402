"""The renderer: convex faces with decals against a depth buffer, exact to the pixel, in NumPy and OpenCV.

1 / depth is linear over the picture of a plane, so each face is filled in its bounding box by one comparison with the
buffer. Hidden surfaces are decided per pixel: no order of drawing can show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.background import draw_background
from emiff_core.data.synthetic.light import Light
from emiff_core.data.synthetic.mesh import Mesh
from emiff_core.data.synthetic.view import NEAR, SHIFT, ProjectedPolygons, View
from emiff_core.geometry import transforms

STATIC = -1  # instance of everything that is no labelled vehicle
_COARSE_BELOW = 14.0  # pixels of a mesh's radius below which its coarse form stands for it


@dataclass(frozen=True, eq=False)
class Drawable:
    """A mesh at a place.

    Attributes:
        mesh: in its own frame.
        T_scene_mesh: (4, 4).
        instance: number of the vehicle, or STATIC.
        in_shadow: whether the sun is hidden from it.
    """

    mesh: Mesh
    T_scene_mesh: NDArray[np.float64]
    instance: int = STATIC
    in_shadow: bool = False


@dataclass(frozen=True, eq=False)
class Silhouette:
    """A vehicle in the picture.

    Attributes:
        visible_pixels: that no nearer thing hides.
        total_pixels: inside the picture, as if nothing stood before it.
        box: x0, y0, x1, y1 of all of them, pixels, the last ones exclusive.
    """

    visible_pixels: int
    total_pixels: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Rendering:
    """A picture and what is known about it.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        instances: (H, W) int32, the instance that each pixel shows, STATIC elsewhere.
        silhouettes: of each vehicle with at least one pixel inside the picture, by instance.
    """

    image: NDArray[np.uint8]
    instances: NDArray[np.int32]
    silhouettes: dict[int, Silhouette]


def render(
    view: View,
    light: Light,
    ground: Mesh,
    shadows: Sequence[NDArray[np.float64]],
    drawables: Sequence[Drawable],
) -> Rendering:
    """Render a scene.

    Args:
        view: the camera.
        light: sun, sky and haze.
        ground: polygons on z = 0 of the scene frame in painting order.
        shadows: (N, 2) outlines on the ground, metres.
        drawables: everything with a height.

    Returns:
        The picture without noise, and which vehicle each pixel shows.
    """
    canvas = _Canvas(view, light, draw_background(view, light, ground, shadows))
    T_scene_mesh = np.array([d.T_scene_mesh for d in drawables]).reshape(-1, 4, 4)
    mesh_centres = np.array([d.mesh.centre for d in drawables]).reshape(-1, 3, 1)
    placed = (T_scene_mesh[:, :3, :3] @ mesh_centres)[:, :, 0] + T_scene_mesh[:, :3, 3]
    centres = transforms.apply(view.T_camera_scene, placed)
    radii = np.array([d.mesh.radius for d in drawables])
    distances = np.linalg.norm(centres, axis=1)
    windows = view.windows(centres, radii).tolist()
    is_small = radii * view.camera.intrinsics[0, 0] < _COARSE_BELOW * distances
    # nearest first, so that what is hidden is found hidden, and neither it nor its decals are painted
    order = np.argsort(distances - radii, kind='stable')
    for i in order[view.sees(centres, radii)[order]].tolist():
        drawable = drawables[i]
        is_hidden = canvas.hides(windows[i], 1 / max(centres[i, 2] - radii[i], NEAR))
        if is_hidden and drawable.instance == STATIC:
            continue
        coarse = drawable.mesh.coarse
        if coarse is not None and is_small[i]:
            drawable = replace(drawable, mesh=coarse)
        canvas.draw(drawable, float(distances[i]), is_hidden)
    return canvas.finish()


class _Canvas:
    def __init__(self, view: View, light: Light, background: NDArray[np.uint8]) -> None:
        self.view = view
        self.light = light
        self.image = background
        shape = background.shape[:2]
        self.inverse_depth = np.zeros(shape, dtype=np.float32)
        self.surface = np.zeros(shape, dtype=np.int32)  # number of the face shown; 0 is the background
        self.instance_of = [STATIC]  # of each face number
        self.totals: dict[int, tuple[int, tuple[int, int, int, int]]] = {}
        self._rows = np.arange(shape[0], dtype=np.float32)[:, None]
        self._columns = np.arange(shape[1], dtype=np.float32)

    def hides(self, window: Sequence[int], inverse_depth: float) -> bool:
        """Whether everything in a window (x0, y0, x1, y1) of pixels is nearer than 1 / `inverse_depth` metres."""
        x0, y0, x1, y1 = window
        return x0 >= x1 or y0 >= y1 or bool(self.inverse_depth[y0:y1, x0:x1].min() > inverse_depth)

    def draw(self, drawable: Drawable, distance: float, is_hidden: bool) -> None:
        """Draw the faces of a mesh that look towards the camera.

        Args:
            drawable: what.
            distance: metres, for the haze.
            is_hidden: nothing of it shows; it is measured only.
        """
        mesh, view = drawable.mesh, self.view
        T = view.T_camera_scene @ drawable.T_scene_mesh
        points = transforms.apply(T, mesh.vertices)
        normals = mesh.normals @ T[:3, :3].T
        offsets = (transforms.apply(T, mesh.anchors) * normals).sum(axis=1)
        polygons = ProjectedPolygons(view, points, mesh.starts)
        faces = np.flatnonzero((offsets < -1e-6) & polygons.is_worth_drawing[mesh.first_polygon[:-1]])
        planes = self._inverse_depth_planes(normals[faces] / offsets[faces, None]).tolist()
        colours = self._colours(drawable, distance)
        nearest = (1 / np.maximum(np.minimum.reduceat(points[:, 2], mesh.starts[:-1]), NEAR)).tolist()
        outlines = []
        for face, plane in zip(faces.tolist(), planes, strict=True):
            first, stop = mesh.first_polygon[face], mesh.first_polygon[face + 1]
            pixels = polygons.outline(first)
            if pixels is None:
                continue
            if drawable.instance != STATIC:
                outlines.append(pixels)
            uncovered = None if is_hidden else self._uncover(pixels, plane, nearest[first], drawable.instance)
            if uncovered is not None:
                decals = first + 1 + np.flatnonzero(polygons.is_worth_drawing[first + 1 : stop])
                self._paint(*uncovered, colours[first], [(polygons.outline(p), colours[p]) for p in decals.tolist()])
        if outlines:
            self._measure(drawable.instance, outlines)

    def _paint(
        self,
        keep: NDArray[np.uint8],
        target: tuple[slice, slice],
        colour: NDArray[np.uint8],
        decals: list[tuple[NDArray[np.int32] | None, NDArray[np.uint8]]],
    ) -> None:
        """Paint a face and its decals where it shows."""
        patch = np.empty((*keep.shape, 3), dtype=np.uint8)
        patch[:] = colour
        corner = np.array((target[1].start, target[0].start), dtype=np.int32) << SHIFT
        for outline, decal_colour in decals:
            if outline is not None:
                cv2.fillConvexPoly(patch, outline - corner, decal_colour.tolist(), cv2.LINE_AA, SHIFT)
        cv2.copyTo(patch, keep, self.image[target])

    def _colours(self, drawable: Drawable, distance: float) -> NDArray[np.uint8]:
        """Return P colours (P, 3), BGR, in the light of the scene."""
        mesh, light = drawable.mesh, self.light
        shades = light.shade(mesh.normals @ drawable.T_scene_mesh[:3, :3].T, drawable.in_shadow)[mesh.face_of]
        shades = np.where(mesh.glows, max(light.exposure, 1.0), shades)
        fade = light.fade(distance)
        colours = mesh.colours * shades[:, None] * (1 - fade) + light.haze * fade
        return colours.clip(0, 255).astype(np.uint8)

    def finish(self) -> Rendering:
        """Smooth the edges between faces and gather what each vehicle shows."""
        edges = np.zeros(self.surface.shape, dtype=np.uint8)
        across = self.surface[:, 1:] != self.surface[:, :-1]
        down = self.surface[1:] != self.surface[:-1]
        edges[:, 1:] |= across
        edges[:, :-1] |= across
        edges[1:] |= down
        edges[:-1] |= down
        cv2.copyTo(cv2.GaussianBlur(self.image, (3, 3), 0.7), edges, self.image)
        instance_of = np.array(self.instance_of, dtype=np.int32)
        shown = np.bincount(self.surface.ravel(), minlength=len(instance_of))
        silhouettes = {
            instance: Silhouette(int(shown[instance_of == instance].sum()), total, box)
            for instance, (total, box) in self.totals.items()
        }
        instances = instance_of[self.surface]
        return Rendering(self.image, instances, silhouettes)

    def _inverse_depth_planes(self, normals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (F, 3) a, b, c with 1 / depth = a u + b v + c on the planes normal . p = 1 of the optical frame.

        The depth is the farthest within a pixel: a face covers every pixel that it touches, and one seen at a grazing
        angle must not stand before its neighbour where they meet.
        """
        k = self.view.camera.intrinsics
        a, b = normals[:, 0] / k[0, 0], normals[:, 1] / k[1, 1]
        return np.stack([a, b, normals[:, 2] - a * k[0, 2] - b * k[1, 2] - (abs(a) + abs(b)) / 2], axis=1)

    def _uncover(
        self, pixels: NDArray[np.int32], plane: tuple[float, float, float], nearest_inverse: float, instance: int
    ) -> tuple[NDArray[np.uint8], tuple[slice, slice]] | None:
        """Enter a face, nowhere nearer than 1 / `nearest_inverse`, into the depth buffer.

        Returns:
            Where it shows (0 or 1) in its bounding box, and the box; None where it does not.
        """
        height, width = self.image.shape[:2]
        x, y, w, h = cv2.boundingRect(pixels)
        x0, x1 = max(x >> SHIFT, 0), min(((x + w) >> SHIFT) + 2, width)
        y0, y1 = max(y >> SHIFT, 0), min(((y + h) >> SHIFT) + 2, height)
        if self.hides((x0, y0, x1, y1), nearest_inverse):
            return None
        target = (slice(y0, y1), slice(x0, x1))
        keep = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
        cv2.fillConvexPoly(keep, pixels - (x0 << SHIFT, y0 << SHIFT), 1, cv2.LINE_8, SHIFT)
        a, b, c = plane
        depth = (self._rows[target[0]] * b + c) + self._columns[target[1]] * a
        nearest = self.inverse_depth[target]
        keep &= depth > nearest
        if cv2.countNonZero(keep) == 0:
            return None
        where = keep.view(bool)
        np.copyto(nearest, depth, where=where)
        np.copyto(self.surface[target], len(self.instance_of), where=where)
        self.instance_of.append(instance)
        return keep, target

    def _measure(self, instance: int, outlines: list[NDArray[np.int32]]) -> None:
        """Count the pixels that a vehicle's faces cover together, whatever stands before them."""
        height, width = self.image.shape[:2]
        low = np.maximum(np.min([p.min(axis=0) for p in outlines], axis=0) >> SHIFT, 0)
        high = np.minimum((np.max([p.max(axis=0) for p in outlines], axis=0) >> SHIFT) + 2, (width, height))
        if (low >= high).any():
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), dtype=np.uint8)
        for pixels in outlines:
            cv2.fillConvexPoly(mask, pixels - (low << SHIFT), 1, cv2.LINE_8, SHIFT)
        x, y, w, h = cv2.boundingRect(mask)
        if w and h:
            box = (int(low[0]) + x, int(low[1]) + y, int(low[0]) + x + w, int(low[1]) + y + h)
            self.totals[instance] = (int(np.count_nonzero(mask)), box)
