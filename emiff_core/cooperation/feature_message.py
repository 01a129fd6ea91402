"""A feature frame as a FeatureFrame message, of whoever makes messages: a node, or the writer of a bag."""

from collections.abc import Callable
from typing import Any

import numpy as np

from emiff_core.cooperation.feature_frame import FeatureFrame

TYPE = 'emiff/msg/FeatureFrame'

_SECOND_NS = 1_000_000_000


def to_message(frame: FeatureFrame, make: Callable[..., Any], octets: Callable[[bytes], Any]) -> Any:
    """Write a sealed frame, field for field msg/FeatureFrame.msg.

    Args:
        frame: what is sent.
        make: returns a message of a type (full name, such as 'std_msgs/msg/Header') with the fields given by keyword.
        octets: turns the payload's bytes into what `make` takes for a uint8[].
    """
    seconds, nanoseconds = divmod(frame.stamp_ns, _SECOND_NS)
    stamp = make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    x, y, z = frame.position
    qx, qy, qz, qw = frame.orientation
    channels, height, width = frame.latent.shape
    return make(
        TYPE,
        header=make('std_msgs/msg/Header', stamp=stamp, frame_id=frame.camera_frame),
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
