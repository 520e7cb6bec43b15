.PHONY: check check-real format paper

check:
	ruff format --check .
	ruff check .
	lint-imports --no-logo
	mypy
	pytest

# Slow, or needs real data: HARNESS_DATA names the folder.
check-real:
	pytest -m real -n 0

format:
	ruff format .
	ruff check --fix .

# The two-column paper around reports/nasbench201-digits; needs LaTeX. For another report: make paper REPORT=../BENCH-DATASET
REPORT ?= ../nasbench201-digits
paper:
	latexmk -cd -pdf -usepretex='\def\report{$(REPORT)}' reports/paper/paper.tex
