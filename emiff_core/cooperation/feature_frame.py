"""The feature frame as a value: what one agent says of one image. Field for field msg/FeatureFrame.msg."""

import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emiff_core.codec import EncodedLatent
from emiff_core.geometry import PinholeCamera, transforms


@dataclass(frozen=True, eq=False)
class FeatureFrame:
    """A latent with all that a receiver needs to place it.

    Attributes:
        agent_id: who sends.
        boot_id: drawn at each start of the sender.
        sequence: counts from 0 within one boot_id.
        stamp_ns: capture time of the image, nanoseconds.
        camera_frame: name of the camera's optical frame.
        model_id: 64 hexadecimal digits.
        world_frame: name of the frame that the pose is given in.
        position, orientation: pose of the optical frame in the world at the stamp: (3,) metres and the quaternion
            (x, y, z, w). Kept as they stand on the wire, so that the checksum sees the same bits on both sides.
        camera: the rectified camera.
        scale: (x, y) network pixels per camera pixel.
        latent: the encoded latent.
        checksum: CRC-32 as received; 0 before `sealed`.
    """

    agent_id: str
    boot_id: int
    sequence: int
    stamp_ns: int
    camera_frame: str
    model_id: str
    world_frame: str
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
    camera: PinholeCamera
    scale: tuple[float, float]
    latent: EncodedLatent
    checksum: int = 0

    @classmethod
    def sealed_at(
        cls,
        T_world_camera: NDArray[np.float64],
        *,
        agent_id: str,
        boot_id: int,
        sequence: int,
        stamp_ns: int,
        camera_frame: str,
        model_id: str,
        world_frame: str,
        camera: PinholeCamera,
        scale: tuple[float, float],
        latent: EncodedLatent,
    ) -> 'FeatureFrame':
        """Return a sealed frame of a camera that stands at `T_world_camera` (4, 4); the others are attributes."""
        x, y, z = T_world_camera[:3, 3].tolist()
        qx, qy, qz, qw = transforms.to_quaternion(T_world_camera).tolist()
        return cls(
            agent_id=agent_id,
            boot_id=boot_id,
            sequence=sequence,
            stamp_ns=stamp_ns,
            camera_frame=camera_frame,
            model_id=model_id,
            world_frame=world_frame,
            position=(x, y, z),
            orientation=(qx, qy, qz, qw),
            camera=camera,
            scale=scale,
            latent=latent,
        ).sealed()

    def T_world_camera(self) -> NDArray[np.float64]:
        """Return the (4, 4) float64 pose of the optical frame in the world.

        Raises:
            EmiffError: the quaternion is zero or a number is not finite.
        """
        return transforms.from_quaternion(self.position, self.orientation)

    def sealed(self) -> 'FeatureFrame':
        """Return the frame with its checksum filled in."""
        return replace(self, checksum=checksum(self))


def checksum(frame: FeatureFrame) -> int:
    """Return the CRC-32 (ISO-HDLC) over every field but the checksum itself.

    Layout, little-endian: agent_id, camera_frame, model_id, world_frame and the codec's name, each a uint32 length and
    UTF-8; boot_id and sequence uint64, stamp int64; position, orientation and K row by row float64; image width and
    height uint32, scale x and y float64; channels, height, width, numeric type and codec version uint32; payload.
    """
    parts = [
        _text(name)
        for name in (
            frame.agent_id,
            frame.camera_frame,
            frame.model_id,
            frame.world_frame,
            frame.latent.codec,
        )
    ]
    parts.append(struct.pack('<QQq', frame.boot_id, frame.sequence, frame.stamp_ns))
    parts.append(struct.pack('<7d', *frame.position, *frame.orientation))
    parts.append(frame.camera.intrinsics.astype('<f8').tobytes())
    parts.append(struct.pack('<IIdd', frame.camera.width, frame.camera.height, *frame.scale))
    parts.append(struct.pack('<5I', *frame.latent.shape, frame.latent.numeric_type, frame.latent.version))
    return zlib.crc32(frame.latent.payload, zlib.crc32(b''.join(parts)))


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack('<I', len(encoded)) + encoded
