#!/usr/bin/env bash
# Run one command in the world that scripts/setup.sh made, whatever is sourced in the calling shell.
set -eo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV \
      ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION
. "$root/install/setup.bash"
exec "$@"
