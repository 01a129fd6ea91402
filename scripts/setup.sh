#!/usr/bin/env bash
# From a bare Debian or Ubuntu to a built workspace: checks, .venv with ROS 2 from wheels, colcon build.
# Each step leaves a stamp with the hash of what it was made from; a step whose stamp still fits is left out.
# PYTHON=python3.12 picks the interpreter; otherwise the present .venv keeps its own, and a new one takes the first
# of python3, python3.12, python3.11, python3.10 that fits.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
VENV_GB=12
exec 9< . && flock 9  # one at a time in this folder

# The world made here stands alone: a distribution that is sourced in this shell must not leak in.
unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV \
      ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION

say() { printf '[setup] %s\n' "$*"; }
die() { printf '[setup] %s\n' "$*" >&2; exit 1; }
digest() { sha256sum | cut -d ' ' -f 1; }
fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# ---------------------------------------------------------------------------------------------- the machine
python_fits() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))'; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-.venv/bin/python python3 python3.12 python3.11 python3.10}; do
        # The real path leads out of any virtual environment: .venv cannot be made from itself.
        if python_fits "$candidate"; then "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'; return; fi
    done
}

check_machine() {
    local missing=() packages=() tag
    [ "$(uname -sm)" = 'Linux x86_64' ] ||
        die "ROS 2 wheels exist for Linux x86_64 only, this is $(uname -sm); use a ROS 2 distribution and colcon build"
    case $root in *[[:space:]]*) die "the path '$root' has a space in it, and colcon's setup files break there; move the checkout" ;; esac

    python=$(find_python)
    if [ -z "$python" ] && command -v "${PYTHON:-python3}" > /dev/null; then
        die "Python 3.10-3.12 is needed, found $("${PYTHON:-python3}" -V); install one of these beside it, for example with pyenv, and run: make setup PYTHON=<its path>"
    elif [ -z "$python" ]; then
        missing+=('Python 3.10-3.12'); packages+=(python3 python3-venv python3-dev)
    else
        tag=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        "$python" -c 'import venv, ensurepip' 2>/dev/null || { missing+=("$tag venv module"); packages+=("$tag-venv"); }
        "$python" -c 'import os, sysconfig as s; os.stat(s.get_path("include") + "/Python.h")' 2>/dev/null ||
            { missing+=("$tag headers (Python.h)"); packages+=("$tag-dev"); }
    fi
    command -v "${CXX:-c++}" >/dev/null || { missing+=('C++ compiler'); packages+=(g++); }
    command -v "${CC:-cc}" >/dev/null || { missing+=('C compiler'); packages+=(gcc); }
    command -v cmake >/dev/null || { missing+=(CMake); packages+=(cmake); }
    command -v make >/dev/null || { missing+=(make); packages+=(make); }
    [ ${#missing[@]} -eq 0 ] ||
        die "missing: $(printf '%s, ' "${missing[@]}" | sed 's/, $//'); install with: sudo apt-get install -y ${packages[*]}"
}

check_disk() {
    local free
    free=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1024 / 1024))
    [ "$free" -ge $VENV_GB ] || die "$free GB free in $root, $VENV_GB GB are needed (PyTorch with CUDA is most of it)"
}

# ---------------------------------------------------------------------------------------------- .venv
show_progress() {  # one line that counts, on a terminal only
    if [ -t 1 ]; then
        awk -v total="$1" '/^(Collecting|Requirement already)/ { printf "\r\033[K[setup]     %d of %d: %s", ++n, total, ($1 == "Collecting" ? $2 : $4); fflush() }
                           END { printf "\r\033[K" }'
    else
        cat > /dev/null
    fi
}

make_venv() {
    local lock base_hash total
    lock=requirements/$("$python" -c 'import sys; print("py%d%d" % sys.version_info[:2])').lock
    # The paths count: a virtual environment that was moved, or whose Python went away, is of no use.
    base_hash=$({ "$python" -VV; printf '%s\n' "$python" "$root"; } | digest)
    venv_hash=$({ echo "$base_hash"; cat "$lock" scripts/patch_ros_wheels.py; } | digest)
    if fresh .venv/setup.stamp "$venv_hash"; then say ".venv is up to date ($("$python" -V))"; return; fi

    rm -f .venv/setup.stamp
    if ! fresh .venv/base.stamp "$base_hash"; then
        check_disk
        say "1/4 create .venv with $("$python" -V) ($python)"
        "$python" -m venv --clear .venv
        echo "$base_hash" > .venv/base.stamp
    fi
    total=$(grep -c == "$lock")
    say "2/4 install $total pinned packages from $lock (6 GB on disk, some minutes)"
    .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --no-deps --requirement "$lock" \
        2> .venv/pip.log | show_progress "$total" || {
            tail -n 3 .venv/pip.log >&2
            die "pip could not install $lock (.venv/pip.log); what is there stays, run it again"
        }
    .venv/bin/python -m pip check --disable-pip-version-check > /dev/null ||
        die 'the installed packages do not fit together; see: .venv/bin/python -m pip check'
    say '3/4 point the ROS wheels at .venv'
    .venv/bin/python scripts/patch_ros_wheels.py
    rm -rf build install log
    echo "$venv_hash" > .venv/setup.stamp
}

# ---------------------------------------------------------------------------------------------- build
# Contents count where something is compiled or copied; of what is linked in place only the names do.
build_inputs() {
    local compiled=(msg underlay env-hooks scripts/*.in scripts/build.sh CMakeLists.txt package.xml)
    echo "$venv_hash"
    find "${compiled[@]}" -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum
    { find emiff_core emiff_ros launch config foxglove rviz weights -type f -not -name '*.pyc' 2>/dev/null || true; } | sort
}

build() {
    local build_hash
    build_hash=$(build_inputs | digest)
    if fresh install/setup.stamp "$build_hash"; then say 'install/ is up to date'; return; fi
    say '4/4 build the messages and the package with colcon'
    mkdir -p log
    scripts/build.sh > log/setup.log 2>&1 || {
        tail -n 30 log/setup.log >&2
        die 'the build failed (log/setup.log has all of it); after a change of layout "make clean" may be all it needs'
    }
    echo "$build_hash" > install/setup.stamp
}

check_machine
make_venv
build
say 'ready: . install/setup.bash'
