# Two commands do all set-up on a machine with Python 3.11 to 3.13:
#   make quickstart     installs, launches configs/quickstart.yaml, says where to look
#   make test           installs, then checks, fast tests, and one whole flow of each kind
# and a third runs what takes longer:
#   make whole          after make test: everything slow
PYTHON ?= python3
BIN := .venv/bin
# two files at a time: a launch waits for Ray as long as it computes
TWO := -n 2 --dist loadfile

.PHONY: quickstart test setup format check fast flows whole bench published study neurogym wheel soak scale nightly audit clean

quickstart: setup
	$(BIN)/popnet launch configs/quickstart.yaml

# asked for: 15 minutes on 2 quiet cores, once installed; measured: 7.  Side by side
# (make --jobs) it takes longer: shard actors are nice, so that flows wait.  6 of the
# quickstart's 24 networks are trained here, all of them in make nightly
test: setup check fast flows wheel
	$(BIN)/popnet launch configs/quickstart.yaml --set networks=2 --out runs/ci
	$(BIN)/python tests/golden/quickstart.py runs/ci/quickstart

setup: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# fast tests first, so that a mistake is seen within minutes
fast: setup
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=10 \
		-m "not (slow or cluster or papers or gpu)"

# one whole flow of each kind: a launch beside others, a search, a study, a package of
# somebody else's; a plain launch is the quickstart's
flows: setup
	$(BIN)/python -m pytest $(TWO) -m "flow" -rs

# asked for: 35 minutes on 2 quiet cores; measured: 15
whole: setup
	$(BIN)/python -m pytest $(TWO) -rs --durations=30 \
		-m "(slow or cluster or papers or gpu) and not (nightly or flow)"

# some minutes more: what other tests show nearly as well, such as killed searches
nightly: setup
	$(BIN)/popnet launch configs/quickstart.yaml --out runs/ci
	$(BIN)/python tests/golden/quickstart.py runs/ci/quickstart
	$(BIN)/python -m pytest -m nightly

# popnet beside what people do today; writes the table of tests/bench/README.md.
# A look in two minutes, page untouched: make bench ARGS=--quick
bench: setup
	$(BIN)/python tests/bench/run.py $(ARGS)
	$(if $(ARGS),,$(BIN)/python tests/bench/three_levels.py --readme)

# every rule on its paper's task, to its criterion; an hour; makes the tables
# and figures of configs/README.md, and the figure of README.md
published: setup
	$(BIN)/python tests/papers/published.py

# a paper done again, within an hour or two; writes the README page of its folder in
# popnet/studies.  Another one: make study STUDY=degeneracy, SCALE=paper
STUDY ?= heterogeneity
SCALE ?= quick
study: setup
	$(BIN)/python tests/papers/study.py $(STUDY) $(SCALE)

# a sweep through 66 faults on a cluster of four machines; up to half an hour; needs root for
# network namespaces.  make soak ARGS=--readme writes popnet/sweep/README.md
soak: setup
	$(BIN)/python tests/soak/run.py $(ARGS)

# 3,400 networks from the file to the report, watched; a quarter of an hour.  make scale
# ARGS=--readme writes into tests/bench/README.md
scale: setup
	$(BIN)/python tests/bench/scale.py $(ARGS)

# the tests of the extra popnet[neurogym], which holds numpy and matplotlib back, in an
# environment of their own
neurogym:
	$(PYTHON) -m venv build/neurogym
	build/neurogym/bin/python -m pip install --quiet --editable ".[dev,neurogym]"
	build/neurogym/bin/python -m pytest tests/tasks/test_neurogym.py tests/contracts/test_every_task.py

# the wheel, installed elsewhere: its own files alone, with this .venv's dependencies
wheel: setup
	rm -rf build dist && $(BIN)/python -m build --wheel --quiet
	$(PYTHON) -m venv --clear build/elsewhere
	build/elsewhere/bin/python -m pip install --quiet --no-deps dist/*.whl
	$(BIN)/python tests/wheel.py build/elsewhere

# known holes in what is installed here; asks PyPI's advisories (ARGS="-s osv": OSV's),
# so it needs the network and is no part of `make test`.  --strict: a package that could
# not be looked up is a failure, not a pass.  popnet itself is on no index
audit: setup
	$(BIN)/python -m pip freeze --exclude-editable > build-audit.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
		--requirement build-audit.txt $(ARGS); status=$$?; rm -f build-audit.txt; exit $$status

clean:
	rm -rf build dist runs .pytest_cache .ruff_cache

# the example job of k8s/, rendered by the command that k8s/README.md shows
.PHONY: manifests
manifests: setup
	$(BIN)/$(shell grep '^popnet k8s render' k8s/README.md) > k8s/job/rayjob.yaml
