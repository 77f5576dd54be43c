from configparser import ConfigParser
from setuptools import find_packages, setup

cfg = ConfigParser(delimiters=['='], interpolation=None)
cfg.read('settings.ini')
cfg = cfg['DEFAULT']


def lines(name):
    return [line for line in cfg.get(name, '').splitlines() if line.strip()]


setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    license='Apache-2.0',
    author=cfg['author'],
    url=cfg['git_url'],
    keywords=cfg['keywords'],
    python_requires='>=' + cfg['min_python'],
    packages=find_packages(include=['mousefacelift*']),
    include_package_data=True,
    package_data={
        'mousefacelift': [
            'assets/*',
            'assets/creatures/*',
            'assets/rigs/*',
            'assets/lgm/*',
            'assets/views/*',
            'assets/views/*/*',
        ]
    },
    install_requires=lines('requirements'),
    extras_require={k[len('extra_') :]: lines(k) for k in cfg if k.startswith('extra_')},
    entry_points={'console_scripts': lines('console_scripts')},
    long_description=open('README.md', encoding='utf-8').read(),
    long_description_content_type='text/markdown',
)
