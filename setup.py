"""What pyproject.toml cannot say: the folders of data at the root travel inside the package, as emiff_core/share."""

from pathlib import Path

from setuptools import find_packages, setup

DATA = {'config': '*.yaml', 'msg': '*.msg', 'weights': '*'}
FOLDERS = {f'emiff_core.share.{name}': name for name in DATA if Path(name).is_dir()}

setup(
    packages=[*find_packages(include=['emiff_core*', 'emiff_ros*']), *FOLDERS],
    package_dir=FOLDERS,
    package_data={package: [DATA[name]] for package, name in FOLDERS.items()},
)
