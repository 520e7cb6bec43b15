.PHONY: check check-real format

check:
	ruff format --check .
	ruff check .
	mypy
	pytest

# Slow, or needs real data: HARNESS_DATA names the folder.
check-real:
	pytest -m real -n 0

format:
	ruff format .
	ruff check --fix .
