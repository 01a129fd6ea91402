#!/usr/bin/env bash
# A shell with the distribution, the virtual environment and this package; exec, so that signals reach the command.
set -e
. "/opt/ros/$ROS_DISTRO/setup.bash"
. /opt/emiff/bin/activate
. /ws/install/setup.bash
exec "$@"
