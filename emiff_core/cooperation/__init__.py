"""Which remote feature frames to believe (admission) and which to use (feature_buffer). No ROS, no clock of its own."""
