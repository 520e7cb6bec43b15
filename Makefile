# Compiled modules are kept, whatever the shell says: every worker and every process of a test would compile them again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: check check-all check-real check-cluster docs format lint most-tests tests published paper

# What a commit has to pass; whole runs and sweeps (marked slow) are left to check-all, which CI runs. Types are checked
# beside the tests: mypy works on one core, and tests wait now and then.
check:
	$(MAKE) --no-print-directory --jobs 2 lint most-tests

check-all:
	$(MAKE) --no-print-directory --jobs 2 lint tests

most-tests:
	pytest -m 'not real and not cluster and not slow'

tests:
	pytest

lint:
	ruff format --check .
	ruff check .
	lint-imports --no-logo
	python -m tools.typecheck

# Slow, or needs real data: HARNESS_DATA names the folder.
check-real:
	pytest -m real -n 0

# A real Slurm of one node, started and ended by the tests: root and apt-get install slurm-wlm munge.
check-cluster:
	pytest -m cluster -n 0 tests/cluster

# The site, in site/, with every link checked, and the tutorials executed; needs pip install -e '.[docs]'.
docs:
	python -m mkdocs build --strict
	pytest -m real -n 0 tests/test_notebooks.py

format:
	ruff format .
	ruff check --fix .

# The published run: trained again, and README's table, docs/predictors.md and docs/findings.md made from it. Nothing else touches them.
published:
	python -m tools.published

# The two-column paper around the published report; needs LaTeX. For another: make paper REPORT=../BENCH-DATASET/RUN
REPORT ?= ../published/nasbench201-digits
paper:
	latexmk -cd -pdf -usepretex='\def\report{$(REPORT)}' reports/paper/paper.tex
