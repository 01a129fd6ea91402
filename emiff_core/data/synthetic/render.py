"""The renderer: convex faces with decals against a depth buffer, exact to the pixel, in NumPy and OpenCV.

1 / depth is linear over the picture of a plane, so each face is filled in its bounding box by one comparison with the
buffer. Hidden surfaces are decided per pixel: no order of drawing can show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.ground import GroundPatch, draw_background
from emiff_core.data.synthetic.light import Light
from emiff_core.data.synthetic.mesh import Mesh
from emiff_core.data.synthetic.view import NEAR, SHIFT, View
from emiff_core.geometry import transforms

STATIC = -1  # instance of everything that is no labelled vehicle


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
    patches: Sequence[GroundPatch],
    shadows: Sequence[NDArray[np.float64]],
    drawables: Sequence[Drawable],
) -> Rendering:
    """Render a scene.

    Args:
        view: the camera.
        light: sun, sky and haze.
        patches: the ground's polygons in painting order.
        shadows: (N, 2) outlines on the ground, metres.
        drawables: everything with a height.

    Returns:
        The picture without noise, and which vehicle each pixel shows.
    """
    canvas = _Canvas(view, light, draw_background(view, light, patches, shadows))
    position = view.position
    nearest_first = sorted(
        drawables,
        key=lambda d: np.linalg.norm(transforms.apply(d.T_scene_mesh, d.mesh.centre) - position) - d.mesh.radius,
    )
    for drawable in nearest_first:  # so that what is hidden is found hidden, and its decals are not painted
        canvas.draw(drawable)
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

    def draw(self, drawable: Drawable) -> None:
        """Draw the faces of a mesh that look towards the camera."""
        mesh, view = drawable.mesh, self.view
        T = view.T_camera_scene @ drawable.T_scene_mesh
        centre = transforms.apply(T, mesh.centre)
        if centre[2] + mesh.radius < NEAR or self._is_beside(centre, mesh.radius):
            return
        eye = transforms.inverse(T)[:3, 3]
        facing = ((eye - mesh.anchors) * mesh.normals).sum(axis=1) > 1e-6
        points = transforms.apply(T, mesh.vertices)
        normals = mesh.normals @ T[:3, :3].T
        shades = self.light.shade(mesh.normals @ drawable.T_scene_mesh[:3, :3].T, drawable.in_shadow)
        fade = self.light.fade(max(float(np.linalg.norm(centre)), 0.0))
        haze = self.light.haze * fade
        outlines = []
        for i in np.flatnonzero(facing):
            face = mesh.faces[i]
            pixels = view.visible_polygon(points[face.start : face.stop])
            if pixels is None:
                continue
            if drawable.instance != STATIC:
                outlines.append(pixels)
            plane = self._inverse_depth_plane(normals[i], points[face.start])
            colour = face.colour * shades[i] * (1 - fade) + haze
            region = self._fill(pixels, plane, colour, drawable.instance)
            if region is None:
                continue
            patch, keep, target = region
            for decal in face.decals:
                outline = view.visible_polygon(points[decal.start : decal.stop])
                if outline is not None and np.ptp(outline, axis=0).max() > (1 << SHIFT) * 0.7:
                    shade = self.light.exposure if decal.glows else shades[i]
                    shaded = (decal.colour * shade * (1 - fade) + haze).clip(0, 255)
                    outline = outline - (target[1].start << SHIFT, target[0].start << SHIFT)
                    cv2.fillConvexPoly(patch, outline, shaded.tolist(), cv2.LINE_AA, SHIFT)
            if face.decals:
                cv2.copyTo(patch, keep, self.image[target])
        if outlines:
            self._measure(drawable.instance, outlines)

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
        instances = np.array(self.instance_of, dtype=np.int32)[self.surface]
        counts = np.bincount(instances.ravel() + 1)
        silhouettes = {
            instance: Silhouette(int(counts[instance + 1]) if instance + 1 < len(counts) else 0, total, box)
            for instance, (total, box) in self.totals.items()
        }
        return Rendering(self.image, instances, silhouettes)

    def _is_beside(self, centre: NDArray[np.float64], radius: float) -> bool:
        """Whether a sphere in the optical frame lies wholly to one side of the picture."""
        camera = self.view.camera
        k = camera.intrinsics
        for axis, size in ((0, camera.width), (1, camera.height)):
            focal, principal = k[axis, axis], k[axis, 2]
            low, high = -principal / focal, (size - principal) / focal
            if (centre[axis] - low * centre[2]) / np.hypot(1, low) < -radius:
                return True
            if (high * centre[2] - centre[axis]) / np.hypot(1, high) < -radius:
                return True
        return False

    def _inverse_depth_plane(self, normal: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (3,) a, b, c with 1 / depth = a u + b v + c for the plane through `point` (optical frame)."""
        k = self.view.camera.intrinsics
        scaled = normal / (normal @ point)
        a, b = scaled[0] / k[0, 0], scaled[1] / k[1, 1]
        return np.array([a, b, scaled[2] - a * k[0, 2] - b * k[1, 2]])

    def _fill(
        self, pixels: NDArray[np.int32], plane: NDArray[np.float64], colour: NDArray[np.float64], instance: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[slice, slice]] | None:
        """Fill a face where it is nearest; return a patch of its colour, where it shows (0 or 1), and the patch's place."""
        height, width = self.surface.shape
        x0, y0 = np.maximum(pixels.min(axis=0) >> SHIFT, 0).tolist()
        x1, y1 = np.minimum((pixels.max(axis=0) >> SHIFT) + 2, (width, height)).tolist()
        if x0 >= x1 or y0 >= y1:
            return None
        target = (slice(y0, y1), slice(x0, x1))
        keep = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
        cv2.fillConvexPoly(keep, pixels - (x0 << SHIFT, y0 << SHIFT), 1, cv2.LINE_8, SHIFT)
        a, b, c = plane
        depth = (a * np.arange(x0, x1)).astype(np.float32) + (b * np.arange(y0, y1) + c).astype(np.float32)[:, None]
        keep &= depth > self.inverse_depth[target]
        if not cv2.hasNonZero(keep):
            return None
        cv2.copyTo(depth, keep, self.inverse_depth[target])
        patch = np.empty((*keep.shape, 3), dtype=np.uint8)
        patch[:] = colour.clip(0, 255).astype(np.uint8)
        cv2.copyTo(patch, keep, self.image[target])
        cv2.copyTo(np.full(keep.shape, len(self.instance_of), dtype=np.int32), keep, self.surface[target])
        self.instance_of.append(instance)
        return patch, keep, target

    def _measure(self, instance: int, outlines: list[NDArray[np.int32]]) -> None:
        """Count the pixels that a vehicle's faces cover together, whatever stands before them."""
        height, width = self.surface.shape
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
