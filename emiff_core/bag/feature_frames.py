"""Feature frames as FeatureFrame messages in bytes, without ROS."""

import numpy as np

from emiff_core.bag.definitions import make_typestore
from emiff_core.cooperation.feature_frame import FeatureFrame

_TYPE = 'emiff/msg/FeatureFrame'
_SECOND_NS = 1_000_000_000


class FeatureFrameSerializer:
    """Writes feature frames as a roadside node sends them."""

    def __init__(self) -> None:
        self._types = make_typestore()

    def serialize(self, frame: FeatureFrame) -> memoryview:
        """Return the CDR bytes of a sealed frame's message, encapsulation header included, as DDS carries them."""
        types = self._types.types
        seconds, nanoseconds = divmod(frame.stamp_ns, _SECOND_NS)
        stamp = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
        x, y, z = frame.position
        qx, qy, qz, qw = frame.orientation
        channels, height, width = frame.latent.shape
        message = types[_TYPE](
            header=types['std_msgs/msg/Header'](stamp=stamp, frame_id=frame.camera_frame),
            agent_id=frame.agent_id,
            boot_id=frame.boot_id,
            sequence=frame.sequence,
            model_id=np.frombuffer(bytes.fromhex(frame.model_id), np.uint8),
            world_frame=frame.world_frame,
            camera_pose=types['geometry_msgs/msg/Pose'](
                position=types['geometry_msgs/msg/Point'](x=x, y=y, z=z),
                orientation=types['geometry_msgs/msg/Quaternion'](x=qx, y=qy, z=qz, w=qw),
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
            payload=np.frombuffer(frame.latent.payload, np.uint8),
            checksum=frame.checksum,
        )
        return self._types.serialize_cdr(message, _TYPE)
