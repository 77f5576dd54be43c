"""Every check of the project, one line each; ends with `N passed, N failed`.

`checks.py plain` runs the notebooks alone, under the kernels of `provenance.plain_kernels`.
`checks.py slow` (or gpu) runs the notebooks that have cells of that flag, and records it in
last_runs.json.
`checks.py verify` recomputes every number alone, `checks.py seal` seals those that a run wrote.
The exit status is 1 if anything failed.
"""

import ast
import filecmp
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path

from mousefacelift.provenance import device, plain_kernels

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LAST_RUNS = ROOT / '.ci' / 'last_runs.json'
MOST_NOTEBOOK_BYTES = 200_000

# Two notebooks run at a time, one thread each.
ENVIRONMENT = {
    'WANDB_MODE': 'offline',
    'WANDB_SILENT': 'true',
    'MPLBACKEND': 'agg',
    'HF_HUB_OFFLINE': '1',
    'NUMBA_THREADING_LAYER': 'workqueue',
    'OMP_NUM_THREADS': '1',
    'OMP_WAIT_POLICY': 'PASSIVE',
}

# Each notebook runs in a process of its own, forked from one that has run warm.py.
WARM = multiprocessing.get_context('forkserver')
WARM.set_forkserver_preload(['warm'])


def find_notebooks():
    "All notebooks of the checkout"
    paths = sorted((ROOT / 'nbs').rglob('*.ipynb'))
    return [path for path in paths if '.ipynb_checkpoints' not in path.parts]


NOTEBOOKS = find_notebooks()


def name_of(path):
    return str(path.relative_to(ROOT))


def cells(notebook):
    return json.loads(notebook.read_text(encoding='utf-8'))['cells']


def source(cell):
    return ''.join(cell['source'])


def run(*command):
    "Output of a command that failed, or '' where it succeeded"
    program, *arguments = map(str, command)
    done = subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True)
    if done.returncode == 0:
        return ''
    return (done.stdout + done.stderr).strip() or f'exit status {done.returncode}'


# ---- the package and its notebooks


def exported_modules():
    "(notebook, module) for each notebook that exports one"
    for notebook in NOTEBOOKS:
        for cell in cells(notebook):
            found = re.search(r'^#\| *default_exp +(\S+)', source(cell), re.M)
            if found:
                yield notebook, Path('mousefacelift', *found[1].split('.')).with_suffix('.py')


def export_in_sync():
    "The package is what the notebooks export"
    before = {path: path.read_bytes() for path in Path('mousefacelift').rglob('*.py')}
    output = run('nbdev_export')
    if output:
        return output
    after = {path: path.read_bytes() for path in Path('mousefacelift').rglob('*.py')}
    changed = [str(path) for path in after if before.get(path) != after[path]]
    if changed:
        return f'nbdev_export changes {", ".join(changed)}: commit the export'
    return ''


def notebooks_clean():
    "Notebooks carry no stray metadata"
    with tempfile.TemporaryDirectory() as copy:
        checkpoints = shutil.ignore_patterns('.ipynb_checkpoints')
        shutil.copytree('nbs', copy, dirs_exist_ok=True, ignore=checkpoints)
        output = run('nbdev_clean', '--fname', copy)
        if output:
            return output
        dirty = []
        for notebook in NOTEBOOKS:
            cleaned = Path(copy) / notebook.relative_to(ROOT / 'nbs')
            if not filecmp.cmp(notebook, cleaned, shallow=False):
                dirty.append(name_of(notebook))
    return f'not clean, run nbdev_clean: {", ".join(dirty)}' if dirty else ''


def no_orphans():
    "Each module belongs to one notebook"
    owned = [module for _, module in exported_modules()]
    wrong = [f'{module} has several notebooks' for module in owned if owned.count(module) > 1]
    for module in Path('mousefacelift').rglob('*.py'):
        if module.name not in ('__init__.py', '_modidx.py') and module not in owned:
            wrong.append(f'{module} has no notebook')
    return '; '.join(wrong)


def parameters_tagged():
    "Each report and issue notebook has exactly one cell tagged `parameters`"
    wrong = []
    for notebook in NOTEBOOKS:
        if notebook.parent.name not in ('report', 'issues') or 'core' in notebook.parts:
            continue
        tags = [cell['metadata'].get('tags', []) for cell in cells(notebook)]
        tagged = sum('parameters' in tag for tag in tags)
        if tagged != 1:
            wrong.append(f'{name_of(notebook)} has {tagged}')
    return '; '.join(wrong)


def notebook_sizes():
    "Notebooks stay under 200 KB with their outputs"
    wrong = []
    for notebook in NOTEBOOKS:
        size = notebook.stat().st_size
        if size > MOST_NOTEBOOK_BYTES:
            wrong.append(f'{name_of(notebook)}: {size // 1000} KB')
    return '; '.join(wrong)


def outputs_fresh():
    "The outputs that a reader sees were made by the code that stands above them"
    from mousefacelift.report.publish import is_stale  # each notebook's process imports this file

    shown = [path for path in NOTEBOOKS if path.parent.name in ('issues', 'tutorials')]
    shown += [ROOT / 'nbs' / 'report' / 'report.ipynb']
    stale = [name_of(notebook) for notebook in shown if is_stale(notebook)]
    return f'older than their code, run `make publish`: {", ".join(stale)}' if stale else ''


def numbers_hold():
    "Every number of the report and the README follows from stored tables, whose digits are sealed"
    return run('python', __file__, 'verify')  # its page takes the place of a process's main module


def verify_here():
    "The same in this process"
    from mousefacelift.report.verify import verify  # each notebook's process, too

    return '\n'.join(verify())


def seal():
    "Seal the digits of tables, pages and README as they are"
    from mousefacelift.report.verify import write_seals

    write_seals()
    return ''


def imported_packages():
    "(module of the package, top name of what it imports) over the whole package"
    for module in sorted(Path('mousefacelift').rglob('*.py')):
        for node in ast.walk(ast.parse(module.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield module, alias.name.split('.')[0]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield module, node.module.split('.')[0]


def imports_declared():
    "What the package imports is named in settings.ini, for all or in an extra for users"
    settings = ConfigParser(delimiters=['='], interpolation=None)
    settings.read('settings.ini', encoding='utf-8')
    declared = set()
    for name, value in settings['DEFAULT'].items():
        if name == 'requirements' or name.startswith('extra_') and name != 'extra_dev':
            for line in value.split('\n'):
                requirement = re.match(r'[\w-]*', line)[0]
                declared.add(requirement.replace('_', '-').lower())
    providers = packages_distributions() | {'pxr': ['usd-core']}  # which no test installs
    wrong = []
    for module, package in imported_packages():
        if package in sys.stdlib_module_names or package == 'mousefacelift':
            continue
        names = {name.replace('_', '-').lower() for name in providers.get(package, [package])}
        if not names & declared:
            wrong.append(f'{module} imports {package}')
    return f'not in settings.ini: {", ".join(wrong)}' if wrong else ''


def imports_point_down():
    "Rooms import only from below"
    return run('lint-imports', '--config', '.ci/importlinter.ini', '--no-cache')


def ruff(*command):
    "Ruff over notebooks and scripts"
    options = '--no-cache', '--config', '.ci/ruff.toml'
    return run('ruff', *command, *options, 'nbs', 'setup.py', '.ci')


def formatted():
    "Every notebook and script is as `ruff format` leaves it"
    return ruff('format', '--check', '--quiet')


def linted():
    "No warning of the linter"
    return ruff('check', '--output-format', 'concise')


# ---- running notebooks


def test_notebook(notebook, flags, log):
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    from nbdev import test

    # figures at half of the screen's resolution, which nobody looks at here
    test.CaptureShell = partial(test.CaptureShell, mpl_format='png')
    test.nbdev_test(name_of(notebook), n_workers=0, flags=flags)


def run_notebook(notebook, flags=''):
    "What a notebook printed that failed under nbdev_test, or ''"
    with tempfile.NamedTemporaryFile('r') as log:
        process = WARM.Process(target=test_notebook, args=(notebook, flags, log.name))
        process.start()
        process.join()
        if process.exitcode == 0:
            return ''
        return log.read().strip() or f'exit status {process.exitcode}'


def last_runs():
    return json.loads(LAST_RUNS.read_text()) if LAST_RUNS.exists() else {}


def flagged_cells(flag):
    "Digest of the cells of a flag, for each notebook that has some"
    digests = {}
    for notebook in NOTEBOOKS:
        marked = [source(c) for c in cells(notebook) if re.match(rf'#\| *{flag}\b', source(c))]
        if marked:
            digest = hashlib.sha256('\0'.join(marked).encode()).hexdigest()
            digests[name_of(notebook)] = digest[:12]
    return digests


def slow_cells_known():
    "The slow cells of each notebook have been run as they stand"
    known = {name: run['digest'] for name, run in last_runs().get('slow', {}).items()}
    stale = [name for name, digest in flagged_cells('slow').items() if known.get(name) != digest]
    return f'changed since they were run, run `make slow`: {", ".join(stale)}' if stale else ''


def report(name, check):
    "Run one check and print its line; returns whether it passed"
    start = time.time()
    output = check()
    word = 'FAIL' if output else 'ok  '
    line = f'{word} {time.time() - start:6.1f} s  {name}'
    print(f'{line}\n{output}\n' if output else line, flush=True)
    return not output


def run_flagged(flag):
    "Run the notebooks with cells of a flag, and record each that passed"
    if flag == 'gpu':
        import torch  # noqa: F401 - so that `device` names the card
    known = last_runs().get(flag, {})
    results = []
    for name, digest in flagged_cells(flag).items():
        if known.get(name, {}).get('digest') == digest:
            continue
        passed = report(f'{name}, {flag}', lambda name=name: run_notebook(ROOT / name, flag))
        results.append(passed)
        if passed:
            runs = last_runs()
            made = {'digest': digest, 'date': time.strftime('%Y-%m-%d'), 'machine': device()}
            runs.setdefault(flag, {})[name] = made
            ordered = {key: dict(sorted(value.items())) for key, value in runs.items()}
            LAST_RUNS.write_text(json.dumps(ordered, indent=1) + '\n')
    return results


def run_notebooks():
    with ThreadPoolExecutor(2) as pool:
        # from the last, since the long ones stand there: no worker waits for one at the end
        checks = [(name_of(path), partial(run_notebook, path)) for path in reversed(NOTEBOOKS)]
        return list(pool.map(lambda named: report(*named), checks))


QUICK = [
    export_in_sync,
    notebooks_clean,
    no_orphans,
    parameters_tagged,
    notebook_sizes,
    slow_cells_known,
    outputs_fresh,
    numbers_hold,
    imports_declared,
    imports_point_down,
    formatted,
    linted,
]


def main(what):
    os.chdir(ROOT)
    os.environ.update(ENVIRONMENT)
    places = [str(ROOT / '.ci'), os.environ.get('PYTHONPATH')]
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, places))  # where warm.py is found
    if what in ('slow', 'gpu'):
        results = run_flagged(what)
    elif what == 'verify':
        results = [report('numbers_hold', verify_here)]
    elif what == 'seal':
        results = [report('seal', seal)]
    elif what == 'plain':
        os.environ.update(plain_kernels)
        results = run_notebooks()
    else:
        results = [report(check.__name__, check) for check in QUICK]
        results += run_notebooks()
    print(f'{sum(results)} passed, {len(results) - sum(results)} failed')
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1] if sys.argv[1:] else 'every check'))
