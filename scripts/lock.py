"""Resolve requirements/direct.in for the Python that runs this and write its lock file, requirements/pyXYZ.lock.

Usage: python3.12 scripts/lock.py  (needs the network and pip >= 22.2; installs nothing)
"""

import json
import re
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / 'requirements'


def resolve(source: Path) -> dict[str, str]:
    """Return {normalised name: version} of everything that `source` asks for, dependencies included.

    pip's report is used and not `pip freeze`, since the ROS wheels also carry the metadata of the ROS package
    inside (rclpy in ros-rclpy), and freeze lists those names although no index has them.
    """
    command = [sys.executable, '-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--quiet',
               '--report', '-', '--requirement', str(source)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found = (item['metadata'] for item in report['install'])
    return {re.sub(r'[-_.]+', '-', each['name']).lower(): each['version'] for each in found}


def main() -> None:
    """Write the lock file of the running Python version."""
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    target = REQUIREMENTS / f'py{version.replace(".", "")}.lock'
    pins = resolve(REQUIREMENTS / 'direct.in')
    lines = [f'# Python {version}, resolved from direct.in by scripts/lock.py']
    lines += [f'{name}=={pins[name]}' for name in sorted(pins)]
    target.write_text('\n'.join(lines) + '\n')
    print(f'{target.name}: {len(pins)} packages')


if __name__ == '__main__':
    main()
