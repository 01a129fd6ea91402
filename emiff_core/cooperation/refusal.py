"""Why a feature frame is not used."""

from enum import Enum


class Refusal(str, Enum):
    """Why a feature frame is not used; the values are the REFUSED_... of msg/FeatureUse.msg."""

    CORRUPT = 'corrupt'  # the checksum does not match the fields
    OTHER_MODEL = 'other_model'
    OTHER_WORLD = 'other_world'
    MALFORMED = 'malformed'  # layout, codec, scale, pose or intrinsics cannot be
    FROM_THE_FUTURE = 'from_the_future'
    TOO_OLD = 'too_old'
    OUT_OF_ORDER = 'out_of_order'  # not newer than the agent's last frame: late, duplicated or replayed
    IMPLAUSIBLE_MOTION = 'implausible_motion'  # the camera cannot have got there since the agent's last frame
    IMPLAUSIBLE_CAMERA = 'implausible_camera'  # intrinsics or image size are not those of the agent's last frame
    NO_VEHICLE_POSE = 'no_vehicle_pose'  # the vehicle does not know where it is in the world
    NO_AGENT_POSE = 'no_agent_pose'  # tf is to tell where the agent's camera is, and does not
    OUT_OF_RANGE = 'out_of_range'  # the agent's camera is farther from the vehicle than it can help
    TOO_MANY_AGENTS = 'too_many_agents'  # as many as the vehicle fuses are nearer
    FUSION_FAILED = 'fusion_failed'  # the model failed with it, for want of memory say
