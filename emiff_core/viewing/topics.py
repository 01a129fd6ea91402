"""Which topics a view is made of."""

from dataclasses import dataclass, field

from emiff_core.demo import topics

_COMPRESSED = '/compressed'
TF, TF_STATIC = '/tf', '/tf_static'


@dataclass(frozen=True)
class ViewTopics:
    """Topic names; the defaults are the demo's.

    Attributes:
        vehicle_image: raw, or ending in /compressed; its camera_info is beside it, as image_transport has it.
        roadside_images: the same, of each roadside camera that is to be shown.
        vehicle_node: full name of the vehicle node, under which its topics are.
        features: of each roadside unit.
        truth: boxes that are true, where a bag has them.
        world_frame: frame that vehicle and roadside units stand in.
        detection_frame: the vehicle's, in which a bag without any boxes is shown.
    """

    vehicle_image: str = topics.VEHICLE_IMAGE
    roadside_images: tuple[str, ...] = (topics.INFRASTRUCTURE_IMAGE,)
    vehicle_node: str = '/vehicle_node'
    features: tuple[str, ...] = (topics.FEATURES,)
    truth: str = topics.GROUND_TRUTH
    world_frame: str = 'map'
    detection_frame: str = 'vehicle_lidar'
    images: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, 'images', (self.vehicle_image, *self.roadside_images))

    @property
    def detections(self) -> str:
        """Topic of the boxes found."""
        return f'{self.vehicle_node}/output/detections'

    @property
    def status(self) -> str:
        """Topic that tells what was fused."""
        return f'{self.vehicle_node}/output/status'

    @property
    def times(self) -> str:
        """Topic that tells where an image's time went."""
        return f'{self.vehicle_node}/debug/processing_time'

    def small(self) -> dict[str, str]:
        """Return type by topic of all that are not images."""
        return {
            **{camera_info(image): 'sensor_msgs/msg/CameraInfo' for image in self.images},
            **dict.fromkeys(self.features, 'emiff/msg/FeatureFrame'),
            self.detections: 'vision_msgs/msg/Detection3DArray',
            self.status: 'emiff/msg/FusionStatus',
            self.times: 'emiff/msg/ProcessingTime',
            self.truth: 'vision_msgs/msg/Detection3DArray',
            TF: 'tf2_msgs/msg/TFMessage',
            TF_STATIC: 'tf2_msgs/msg/TFMessage',
        }


def image_type(topic: str) -> str:
    """Return the message type of an image topic, by its name."""
    return f'sensor_msgs/msg/{"CompressedImage" if topic.endswith(_COMPRESSED) else "Image"}'


def camera_info(image: str) -> str:
    """Return the camera_info that belongs to an image topic."""
    return image.removesuffix(_COMPRESSED).rpartition('/')[0] + '/camera_info'
