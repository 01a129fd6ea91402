# Large shared-memory segments for images, unless the user has chosen a profile (Fast DDS 3: Kilted; 2: Jazzy).
_emiff_profile="${COLCON_CURRENT_PREFIX:-$AMENT_CURRENT_PREFIX}/share/emiff/config/fastdds_shm.xml"
export FASTDDS_DEFAULT_PROFILES_FILE="${FASTDDS_DEFAULT_PROFILES_FILE:-$_emiff_profile}"
export FASTRTPS_DEFAULT_PROFILES_FILE="${FASTRTPS_DEFAULT_PROFILES_FILE:-$_emiff_profile}"
unset _emiff_profile
