"""The topics of the demo's graph, by name and type."""

VEHICLE_CAMERA = '/vehicle/camera'
INFRASTRUCTURE_CAMERA = '/infrastructure/camera'
GROUND_TRUTH = '/ground_truth'

FEATURES = '/infrastructure_node/output/features'
INFRASTRUCTURE_REFUSALS = '/infrastructure_node/output/refusals'
INFRASTRUCTURE_TIMES = '/infrastructure_node/debug/processing_time'
DETECTIONS = '/vehicle_node/output/detections'
VEHICLE_REFUSALS = '/vehicle_node/output/refusals'
STATUS = '/vehicle_node/output/status'
VEHICLE_TIMES = '/vehicle_node/debug/processing_time'

VEHICLE_IMAGE = f'{VEHICLE_CAMERA}/image/compressed'
VEHICLE_INFO = f'{VEHICLE_CAMERA}/camera_info'
INFRASTRUCTURE_IMAGE = f'{INFRASTRUCTURE_CAMERA}/image/compressed'
INFRASTRUCTURE_INFO = f'{INFRASTRUCTURE_CAMERA}/camera_info'

# camera_info stands for its image: the same stamp and, to a millisecond, the same arrival, but no megabyte on disk
RECORDED = {
    VEHICLE_INFO: 'sensor_msgs/msg/CameraInfo',
    INFRASTRUCTURE_INFO: 'sensor_msgs/msg/CameraInfo',
    GROUND_TRUTH: 'vision_msgs/msg/Detection3DArray',
    FEATURES: 'emiff/msg/FeatureFrame',
    INFRASTRUCTURE_TIMES: 'emiff/msg/ProcessingTime',
    DETECTIONS: 'vision_msgs/msg/Detection3DArray',
    STATUS: 'emiff/msg/FusionStatus',
    VEHICLE_TIMES: 'emiff/msg/ProcessingTime',
    '/vehicle_node/output/markers': 'visualization_msgs/msg/MarkerArray',
    '/tf': 'tf2_msgs/msg/TFMessage',
}
