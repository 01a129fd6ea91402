# Fast DDS with shared-memory segments that hold camera images, unless the user has chosen a profile already.
# Kilted and later read the one variable, Jazzy and earlier (Fast DDS 2) the other; both at once load it twice.
if [ -z "${FASTDDS_DEFAULT_PROFILES_FILE-}${FASTRTPS_DEFAULT_PROFILES_FILE-}" ]; then
  _emiff_profile="${COLCON_CURRENT_PREFIX:-$AMENT_CURRENT_PREFIX}/share/emiff/config/fastdds_shm.xml"
  case "${ROS_DISTRO-}" in
    humble | iron | jazzy) export FASTRTPS_DEFAULT_PROFILES_FILE="$_emiff_profile" ;;
    *) export FASTDDS_DEFAULT_PROFILES_FILE="$_emiff_profile" ;;
  esac
  unset _emiff_profile
fi
