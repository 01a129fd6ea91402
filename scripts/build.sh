#!/usr/bin/env bash
# colcon build of the package, with the stand-ins of underlay/ that ament does not already find.
set -eo pipefail
cd "$(dirname "$0")/.."
. .venv/local_setup.bash

provided() {  # by a prefix other than this workspace
    local prefix prefixes
    IFS=: read -ra prefixes <<< "${AMENT_PREFIX_PATH:-}"
    for prefix in "${prefixes[@]}"; do
        case $prefix in "$PWD"/install*) continue ;; esac
        if [ -e "$prefix/share/ament_index/resource_index/packages/$1" ]; then return 0; fi
    done
    return 1
}

paths=(.)
for folder in underlay/*/; do
    if ! provided "$(basename "$folder")"; then paths+=("$folder"); fi
done

export COLCON_EXTENSION_BLOCKLIST=colcon_core.event_handler.desktop_notification
exec colcon build --symlink-install --base-paths "${paths[@]}" --event-handlers console_cohesion+ \
    --cmake-args "-DPython3_EXECUTABLE=$PWD/.venv/bin/python" -DBUILD_TESTING=OFF --no-warn-unused-cli "$@"
