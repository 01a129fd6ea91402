"""Quality of service of every topic, in one place."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data

# Images, camera_info and features come as they come: a lost one is followed by a newer one.
INPUT = qos_profile_sensor_data

# What the nodes say is offered reliably, so that a listener may ask for either.
OUTPUT = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE)

# For what is recorded: nothing may be lost while the disk is slow.
RECORD = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=200, reliability=ReliabilityPolicy.RELIABLE)

# /tf_static: late joiners get what was said before.
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
