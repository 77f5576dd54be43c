"""The package's metadata, read from settings.ini."""

from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

settings = ConfigParser(delimiters=['='], interpolation=None)
settings.read('settings.ini', encoding='utf-8')
settings = settings['DEFAULT']


def lines(name):
    "The lines of a setting that are not empty"
    return [line for line in settings.get(name, '').splitlines() if line.strip()]


extras = {}
for name in settings:
    if name.startswith('extra_'):
        extras[name.removeprefix('extra_')] = lines(name)

setup(
    name=settings['lib_name'],
    version=settings['version'],
    description=settings['description'],
    long_description=Path('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    author=settings['author'],
    url=settings['git_url'],
    project_urls={
        'Source': settings['git_url'],
        'Issues': f'{settings["git_url"]}/issues',
        'Changes': f'{settings["git_url"]}/blob/main/CHANGELOG.md',
    },
    keywords=settings['keywords'].split(),
    classifiers=lines('classifiers'),
    python_requires=f'>={settings["min_python"]}',
    packages=find_packages(include=['mousefacelift*']),
    include_package_data=True,
    package_data={
        'mousefacelift': [
            'py.typed',
            'assets/*',
            'assets/creatures/*',
            'assets/rigs/*',
            'assets/body/*',
            'assets/lgm/*',
            'assets/measurements/*',
            'assets/views/*',
            'assets/views/*/*',
            'assets/workflow/*',
            'assets/workflow/*/*',
        ]
    },
    install_requires=lines('requirements'),
    extras_require=extras,
    entry_points={'console_scripts': lines('console_scripts')},
)
