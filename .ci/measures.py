"""How the house reads: measures over all notebooks, one line each.

Lines over 100 columns and lines with a semicolon; syntax nodes a line of exported code; lines of
an export cell; public names that are used before the next export; export cells that a cell with
an assert follows; imports from a room above; triangulations of one sample by each method.
"""

import ast
import io
import json
import re
import statistics
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def code_cells(notebook):
    cells = json.loads(notebook.read_text(encoding='utf-8'))['cells']
    return [''.join(cell['source']) for cell in cells if cell['cell_type'] == 'code']


def is_export(text):
    return re.match(r'#\|\s*exporti?\b', text) is not None


def without_magics(text):
    lines = text.split('\n')
    return '\n'.join('pass' if re.match(r'\s*[%!]', line) else line for line in lines)


def defined_names(tree):
    "Public names that a cell binds"
    names = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names += [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
    return [name for name in names if not name.startswith('_')]


def is_imports_alone(tree):
    return all(isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr)) for node in tree.body)


def semicolons(text):
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return len({t.start[0] for t in tokens if t.type == tokenize.OP and t.string == ';'})


class Measures:
    "Counts over notebooks"

    def __init__(self):
        self.lines = self.long_lines = self.semicolons = 0
        self.nodes_a_line = []
        self.lines_a_cell = []
        self.names = self.names_used = 0
        self.exports = self.exports_followed = 0

    def add(self, notebook):
        cells = [without_magics(text) for text in code_cells(notebook)]
        for text in cells:
            lines = [line for line in text.split('\n') if line.strip()]
            self.lines += len(lines)
            self.long_lines += sum(len(line) > 100 for line in lines)
            self.semicolons += semicolons(text)
        exports = [i for i, text in enumerate(cells) if is_export(text)]
        for position, i in enumerate(exports):
            after = exports[position + 1] if position + 1 < len(exports) else len(cells)
            self.add_export(cells[i], cells[i + 1 : after])

    def add_export(self, text, lessons):
        tree = ast.parse(text)
        lines = [line for line in text.split('\n') if line.strip() and line.strip()[0] != '#']
        if lines:
            self.nodes_a_line.append(sum(1 for _ in ast.walk(tree)) / len(lines))
        if is_imports_alone(tree):
            return
        self.exports += 1
        self.lines_a_cell.append(len(lines))
        first = lessons[0] if lessons else ''
        self.exports_followed += 'assert' in first or 'expect_fail' in first
        for name in defined_names(tree):
            self.names += 1
            self.names_used += any(re.search(rf'\b{name}\b', lesson) for lesson in lessons)


def upward_imports():
    "Number of broken contracts of the import linter"
    linter = Path(sys.executable).parent / 'lint-imports'
    command = [linter, '--config', '.ci/importlinter.ini', '--no-cache']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return int(re.search(r'(\d+) broken', done.stdout)[1])


def triangulations(method_name):
    "How often a method triangulates the masks of one sample"
    import mousefacelift.geometry.hull as hull
    from mousefacelift.data.mice.samples import make_sample
    from mousefacelift.geometry.rigs import rig
    from mousefacelift.models.methods import named_method

    sample = make_sample(0, rig('markerless', 128), samples=1)
    method = named_method(method_name)
    calls = []
    triangulate = hull.triangulate

    def counted(*args, **kwargs):
        calls.append(1)
        return triangulate(*args, **kwargs)

    hull.triangulate = counted
    try:
        method(sample.on_white().float(), sample.masks, sample.cameras)
    finally:
        hull.triangulate = triangulate
    return len(calls)


def share(part, whole):
    return f'{100 * part / max(whole, 1):.1f} %'


def main():
    measures = Measures()
    for notebook in sorted((ROOT / 'nbs').rglob('*.ipynb')):
        if '.ipynb_checkpoints' not in notebook.parts:
            measures.add(notebook)
    rows = {
        'lines over 100 columns': share(measures.long_lines, measures.lines),
        'lines with a semicolon': share(measures.semicolons, measures.lines),
        'syntax nodes a line, median': f'{statistics.median(measures.nodes_a_line):.1f}',
        'lines of an export cell, median': f'{statistics.median(measures.lines_a_cell):.0f}',
        'names used before the next export': share(measures.names_used, measures.names),
        'export cells followed by an assert': share(measures.exports_followed, measures.exports),
        'broken import contracts': upward_imports(),
        'triangulations of a sample, hull': triangulations('hull'),
        'triangulations of a sample, rigs': triangulations('rigs'),
    }
    for name, value in rows.items():
        print(f'{name:36} {value}')


if __name__ == '__main__':
    main()
