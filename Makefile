# `make report` regenerates the report, `make test` runs every check, `make test-plain` the notebooks again under the plainest
# kernels of every library, `make lab` opens the notebooks, `make slow` and `make gpu` run the cells that `make test` leaves
# out and record it. `make verify` recomputes every number of the report and the README from stored tables, `make seal` seals
# what a run or a person has changed in them on purpose.
# Each sets up .venv from the pins in constraints.txt first; nothing but Python >= 3.10 and make is needed.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
unexport PYTHONDONTWRITEBYTECODE # the install compiles nothing, so each module is compiled when it is first imported

.PHONY: report publish test test-plain verify seal slow gpu lab export clean
report: .venv/ready
	$(BIN)/mousefacelift report --scale embedded

publish: .venv/ready # figures and outputs of the last report into figures/ and nbs/
	$(BIN)/mousefacelift report --scale embedded --publish

test: .venv/ready
	$(BIN)/python .ci/checks.py

test-plain: .venv/ready
	$(BIN)/python .ci/checks.py plain

verify seal: .venv/ready
	$(BIN)/python .ci/checks.py $@

slow: .venv/sweep .venv/usd .venv/demo .venv/live .venv/movement
slow gpu: .venv/ready
	$(BIN)/python .ci/checks.py $@

.venv/sweep: .venv/ready # Snakemake and what it needs, 25 packages, for slow cells alone
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[sweep]'
	touch $@

.venv/usd: .venv/ready # OpenUSD, for a slow cell alone
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[usd]'
	touch $@

.venv/movement: .venv/ready # movement reads what is exported to it: 100 packages in an environment of their own
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --no-compile movement==0.15.0 || { rm -rf $@; false; }

.venv/demo: .venv/ready # gradio and what it needs, for slow cells alone
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[demo]'
	touch $@

.venv/live: .venv/ready # viser, and what drives a browser (chromium on PATH), for slow cells alone
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[live]' playwright
	touch $@

lab: .venv/ready
	$(BIN)/jupyter lab nbs

export: .venv/ready
	$(BIN)/ruff format --quiet --config .ci/ruff.toml nbs setup.py .ci
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export

.venv/ready: settings.ini setup.py constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 10), "Python >= 3.10 is needed, this is " + sys.version'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[report,dev]'
	touch $@

clean: # data/runs holds runs of yours: remove them yourself
	rm -rf .venv
