# Fast DDS with shared-memory segments that hold camera images, unless the user has chosen a profile already.
# With ROS_LOCALHOST_ONLY=1 none: on Humble the profile's own UDP transport would leave the machine all the same.
# Kilted and later read the one variable, Jazzy and earlier (Fast DDS 2) the other; both at once load it twice.
if [ "${ROS_LOCALHOST_ONLY-0}" != 1 ] && [ -z "${FASTDDS_DEFAULT_PROFILES_FILE-}${FASTRTPS_DEFAULT_PROFILES_FILE-}" ]; then
  _emiff_profile="${COLCON_CURRENT_PREFIX:-$AMENT_CURRENT_PREFIX}/share/emiff/config/fastdds_shm.xml"
  case "${ROS_DISTRO-}" in
    humble | iron | jazzy) export FASTRTPS_DEFAULT_PROFILES_FILE="$_emiff_profile" ;;
    *) export FASTDDS_DEFAULT_PROFILES_FILE="$_emiff_profile" ;;
  esac
  unset _emiff_profile
fi
