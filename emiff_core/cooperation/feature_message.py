"""A feature frame as a FeatureFrame message and back, of whoever makes messages: a node, or a bag."""

from collections.abc import Callable
from typing import Any

import numpy as np

from emiff_core.codec import EncodedLatent, NumericType
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera
from emiff_core.stamps import SECOND_NS, make_header, stamp_of

TYPE = 'emiff/msg/FeatureFrame'


def to_message(frame: FeatureFrame, make: Callable[..., Any], octets: Callable[[bytes], Any]) -> Any:
    """Write a sealed frame, field for field msg/FeatureFrame.msg.

    Args:
        frame: what is sent.
        make: returns a message of a type (full name, such as 'std_msgs/msg/Header') with the fields given by keyword.
        octets: turns the payload's bytes into what `make` takes for a uint8[].
    """
    x, y, z = frame.position
    qx, qy, qz, qw = frame.orientation
    channels, height, width = frame.latent.shape
    return make(
        TYPE,
        header=make_header(make, frame.stamp_ns, frame.camera_frame),
        agent_id=frame.agent_id,
        boot_id=frame.boot_id,
        sequence=frame.sequence,
        model_id=np.frombuffer(bytes.fromhex(frame.model_id), np.uint8),
        world_frame=frame.world_frame,
        camera_pose=make(
            'geometry_msgs/msg/Pose',
            position=make('geometry_msgs/msg/Point', x=x, y=y, z=z),
            orientation=make('geometry_msgs/msg/Quaternion', x=qx, y=qy, z=qz, w=qw),
        ),
        intrinsics=frame.camera.intrinsics.ravel(),
        image_width=frame.camera.width,
        image_height=frame.camera.height,
        image_scale_x=frame.scale[0],
        image_scale_y=frame.scale[1],
        channels=channels,
        height=height,
        width=width,
        numeric_type=int(frame.latent.numeric_type),
        codec=frame.latent.codec,
        codec_version=frame.latent.version,
        payload=octets(frame.latent.payload),
        checksum=frame.checksum,
    )


def from_message(message: Any) -> FeatureFrame:
    """Read a feature frame; whether to believe it is for admission to say.

    Raises:
        EmiffError: the numeric type is unknown, or the stamp or the camera cannot be.
    """
    try:
        numeric_type = NumericType(message.numeric_type)
    except ValueError as error:
        raise EmiffError(
            f'feature frame: expected numeric_type 0 to {max(NumericType)}, found {message.numeric_type}'
        ) from error
    if message.header.stamp.nanosec >= SECOND_NS:  # rounded up, it may be a time that no stamp can hold
        raise EmiffError(f'feature frame: expected nanosec below 1e9, found {message.header.stamp.nanosec}')
    p, q = message.camera_pose.position, message.camera_pose.orientation
    return FeatureFrame(
        agent_id=message.agent_id,
        boot_id=message.boot_id,
        sequence=message.sequence,
        stamp_ns=stamp_of(message),
        camera_frame=message.header.frame_id,
        model_id=bytes(message.model_id).hex(),
        world_frame=message.world_frame,
        position=(p.x, p.y, p.z),
        orientation=(q.x, q.y, q.z, q.w),
        camera=PinholeCamera(np.array(message.intrinsics).reshape(3, 3), message.image_width, message.image_height),
        scale=(message.image_scale_x, message.image_scale_y),
        latent=EncodedLatent(
            message.codec,
            message.codec_version,
            numeric_type,
            (message.channels, message.height, message.width),
            bytes(memoryview(message.payload)),
        ),
        checksum=message.checksum,
    )
