"""Make a virtual environment with ROS wheels behave like /opt/ros/<distribution>; idempotent.

The wheels' exported CMake targets name the include folders of the machine that built them, and nothing sets
AMENT_PREFIX_PATH. Run by the Python of the virtual environment after every install of ros-* wheels.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy as np

PREFIX = Path(sys.prefix)
DISTRIBUTION = 'kilted'
BUILDER = r'/opt/python/cp\d+-cp\d+'
CMAKE_RULES = (
    (re.compile(BUILDER + r'/include/python3\.\d+'), sysconfig.get_path('include')),
    (re.compile(BUILDER + r'/lib/python3\.\d+/site-packages/numpy/(?:_core|core)/include'), np.get_include()),
    # CMake refuses to export an include folder below the source folder, and that is where .venv lies.
    (re.compile(r'PUBLIC \$\{Python3_INCLUDE_DIRS\} \$\{Python3_NumPy_INCLUDE_DIRS\}\)'),
     'PUBLIC "$<BUILD_INTERFACE:${Python3_INCLUDE_DIRS};${Python3_NumPy_INCLUDE_DIRS}>")'),
)

# Sourced by sh, bash and zsh alike; colcon's install/setup.* chains to <prefix>/local_setup.*.
LOCAL_SETUP = """\
if [ -n "${{ROS_DISTRO-}}" ] && [ "$ROS_DISTRO" != {distribution} ]; then
  echo "ROS $ROS_DISTRO is sourced in this shell and this workspace is built on {distribution}; use a new shell" >&2
fi
_emiff_add() {{  # name, folder: put the folder first, once
  eval "_emiff_old=\\"\\${{$1-}}\\""
  case ":$_emiff_old:" in
    *":$2:"*) ;;
    *) export "$1=$2${{_emiff_old:+:$_emiff_old}}" ;;
  esac
}}
{additions}
export ROS_DISTRO={distribution} ROS_VERSION=2 ROS_PYTHON_VERSION=3
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1  # the libraries are found without the wheels' own restart of Python
unset -f _emiff_add
unset _emiff_old
"""


def patch_cmake() -> int:
    """Apply the rules to share/*/cmake; return how many files changed."""
    changed = 0
    for path in PREFIX.glob('share/*/cmake/*.cmake'):
        before = after = path.read_text()
        for pattern, text in CMAKE_RULES:
            after = pattern.sub(lambda _, text=text: text, after)
        if after != before:
            path.write_text(after)
            changed += 1
    return changed


def write_local_setup() -> None:
    """Write local_setup.{sh,bash,zsh} into the prefix, as a ROS distribution has them."""
    packages = Path(sysconfig.get_path('purelib'))
    libraries = [*sorted(packages.glob('ros_*.libs')), PREFIX / 'lib']
    folders = [('AMENT_PREFIX_PATH', PREFIX), ('CMAKE_PREFIX_PATH', PREFIX), ('PATH', PREFIX / 'bin')]
    folders += [('LD_LIBRARY_PATH', folder) for folder in libraries]
    additions = '\n'.join(f"_emiff_add {name} '{folder}'" for name, folder in folders)
    text = LOCAL_SETUP.format(distribution=DISTRIBUTION, additions=additions)
    for shell in ('sh', 'bash', 'zsh'):
        (PREFIX / f'local_setup.{shell}').write_text(text)


if __name__ == '__main__':
    count = patch_cmake()
    write_local_setup()
    print(f'[setup]     {count} CMake files now name this environment')
