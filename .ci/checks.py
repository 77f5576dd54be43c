"""Every check of the project, one line each; ends with `N passed, N failed` and exit status 1 if any failed.

`checks.py plain` runs the notebooks alone, under the kernels of `provenance.plain_kernels`.
`checks.py slow` (or gpu) instead runs the notebooks that have cells of that flag and records it in last_runs.json."""

import filecmp, hashlib, json, multiprocessing, os, re, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from mousefacelift.provenance import device, plain_kernels

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
NOTEBOOKS = sorted(
    p for p in (ROOT / 'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts
)
os.chdir(ROOT)
os.environ.update(
    WANDB_MODE='offline',
    WANDB_SILENT='true',
    MPLBACKEND='agg',
    HF_HUB_OFFLINE='1',
    NUMBA_THREADING_LAYER='workqueue',
    OMP_NUM_THREADS='1',
    OMP_WAIT_POLICY='PASSIVE',
)  # two notebooks at a time


def run(*command):
    "Output of a command that failed, or '' where it succeeded"
    r = subprocess.run(
        [str(BIN / command[0]), *map(str, command[1:])], capture_output=True, text=True
    )
    return (r.stdout + r.stderr).strip() or f'exit status {r.returncode}' if r.returncode else ''


def cells(path):
    return json.loads(path.read_text())['cells']


def source(cell):
    return ''.join(cell['source'])


def exports():
    "(notebook, module) for each notebook that exports one"
    for nb in NOTEBOOKS:
        for cell in cells(nb):
            if m := re.search(r'^#\| *default_exp +(\S+)', source(cell), re.M):
                yield nb, Path('mousefacelift', *m[1].split('.')).with_suffix('.py')


def in_sync():
    "The package is what the notebooks export"
    before = {p: p.read_bytes() for p in Path('mousefacelift').rglob('*.py')}
    if out := run('nbdev_export'):
        return out
    after = {p: p.read_bytes() for p in Path('mousefacelift').rglob('*.py')}
    changed = [str(p) for p in after if before.get(p) != after[p]]
    return f'nbdev_export changes {", ".join(changed)}: commit the export' if changed else ''


def clean():
    "Notebooks carry no stray metadata"
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(
            'nbs', d, dirs_exist_ok=True, ignore=shutil.ignore_patterns('.ipynb_checkpoints')
        )
        if out := run('nbdev_clean', '--fname', d):
            return out
        dirty = [
            str(nb.relative_to(ROOT))
            for nb in NOTEBOOKS
            if not filecmp.cmp(nb, Path(d) / nb.relative_to(ROOT / 'nbs'), shallow=False)
        ]
    return f'not clean, run nbdev_clean: {", ".join(dirty)}' if dirty else ''


def orphans():
    "Each module belongs to one notebook"
    owned = [m for _, m in exports()]
    found = {
        p
        for p in Path('mousefacelift').rglob('*.py')
        if p.name not in ('__init__.py', '_modidx.py')
    }
    twice = {m for m in owned if owned.count(m) > 1}
    wrong = [f'{p} has no notebook' for p in found - set(owned)] + [
        f'{p} has several notebooks' for p in twice
    ]
    return '; '.join(map(str, wrong))


def parameters():
    "Each report and issue notebook has exactly one cell tagged `parameters`"
    counts = {
        nb: sum('parameters' in c['metadata'].get('tags', []) for c in cells(nb))
        for nb in NOTEBOOKS
        if nb.parent.name in ('report', 'issues')
    }
    return '; '.join(f'{nb.relative_to(ROOT)} has {n}' for nb, n in counts.items() if n != 1)


def sizes():
    "Notebooks stay under 200 KB and 40 code cells, modules under about 200 lines"
    wrong = [
        f'{nb.relative_to(ROOT)}: {nb.stat().st_size // 1000} KB'
        for nb in NOTEBOOKS
        if nb.stat().st_size > 200_000
    ]
    wrong += [
        f'{nb.relative_to(ROOT)}: {n} code cells'
        for nb in NOTEBOOKS
        if (n := sum(c['cell_type'] == 'code' for c in cells(nb))) > 40
    ]
    wrong += [
        f'{m}: {n} lines'
        for _, m in exports()
        if m.exists() and (n := len(m.read_text().splitlines())) > 260
    ]
    return '; '.join(wrong)


FRESH = multiprocessing.get_context(
    'forkserver'
)  # a process of its own for each notebook, which finds the slow imports made
FRESH.set_forkserver_preload(
    [
        'torch',
        'pandas',
        'matplotlib.pyplot',
        'scipy.stats',
        'numba',
        'accelerate',
        'peft',
        'diffusers',
        'nbdev.test',
    ]
)


def test_notebook(path, flags, log):
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND), stream)
    from nbdev.test import nbdev_test

    nbdev_test(str(path.relative_to(ROOT)), n_workers=0, flags=flags)


def notebook(path, flags=''):
    "Run one notebook under nbdev_test"
    with tempfile.NamedTemporaryFile('r') as log:
        process = FRESH.Process(target=test_notebook, args=(path, flags, log.name))
        process.start()
        process.join()
        return (log.read().strip() or f'exit status {process.exitcode}') if process.exitcode else ''


LAST_RUNS = Path('.ci/last_runs.json')


def last_runs():
    return json.loads(LAST_RUNS.read_text()) if LAST_RUNS.exists() else {}


def flagged(flag):
    "Digest of the cells of a flag, for each notebook that has some"
    marked = {
        nb: [source(c) for c in cells(nb) if re.match(rf'#\| *{flag}\b', source(c))]
        for nb in NOTEBOOKS
    }
    return {
        str(nb.relative_to(ROOT)): hashlib.sha256('\0'.join(m).encode()).hexdigest()[:12]
        for nb, m in marked.items()
        if m
    }


def slow_cells():
    "The slow cells of each notebook have been run as they stand"
    known = {k: v['digest'] for k, v in last_runs().get('slow', {}).items()}
    stale = [nb for nb, digest in flagged('slow').items() if known.get(nb) != digest]
    return f'not run since they were changed, run `make slow`: {", ".join(stale)}' if stale else ''


def run_flagged(flag):
    "Run the notebooks with cells of a flag, and record each that passed"
    if flag == 'gpu':
        import torch  # noqa: F401 - so that `device` names the card
    results = []
    for nb, digest in flagged(flag).items():
        results.append(report(f'{nb}, {flag}', lambda nb=nb: notebook(ROOT / nb, flag)))
        if not results[-1]:
            continue
        runs = last_runs()
        runs.setdefault(flag, {})[nb] = dict(
            digest=digest, date=time.strftime('%Y-%m-%d'), machine=device()
        )
        LAST_RUNS.write_text(
            json.dumps({k: dict(sorted(v.items())) for k, v in runs.items()}, indent=1) + '\n'
        )
    return results


def report(name, check):
    start = time.time()
    out = check()
    print(
        f'{"FAIL" if out else "ok  "} {time.time() - start:6.1f} s  {name}'
        + (f'\n{out}\n' if out else ''),
        flush=True,
    )
    return not out


quick = dict(
    export_in_sync=in_sync,
    notebooks_clean=clean,
    no_orphans=orphans,
    parameters_tags=parameters,
    sizes=sizes,
    slow_cells=slow_cells,
    layers_contract=lambda: run('lint-imports', '--config', '.ci/importlinter.ini', '--no-cache'),
    ruff=lambda: run(
        'ruff', 'check', '--no-cache', '--config', '.ci/ruff.toml', 'nbs', 'setup.py', '.ci'
    ),
)
if __name__ == '__main__':
    what = sys.argv[1] if sys.argv[1:] else 'every check'
    if what == 'plain':
        os.environ.update(plain_kernels)
    if what in ('slow', 'gpu'):
        results = run_flagged(what)
    else:
        results = [report(name, check) for name, check in quick.items() if what == 'every check']
        with ThreadPoolExecutor(2) as pool:
            results += pool.map(
                lambda nb: report(nb.relative_to(ROOT), lambda: notebook(nb)), NOTEBOOKS
            )
    print(f'{sum(results)} passed, {len(results) - sum(results)} failed')
    sys.exit(not all(results))
