"""rosbag2 files without ROS: written and read with the rosbags library, played by a stock `ros2 bag play`."""

from emiff_core.bag.reader import BagMessage, BagTopic, bag_topics, read_messages
from emiff_core.bag.writer import LATCHED, SENSOR, BagWriter

__all__ = ['LATCHED', 'SENSOR', 'BagMessage', 'BagTopic', 'BagWriter', 'bag_topics', 'read_messages']
