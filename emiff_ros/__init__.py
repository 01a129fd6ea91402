"""ROS 2 nodes around emiff_core: they convert messages, schedule the work and report; no algorithm lives here."""
