# Everything from a bare machine: `make setup` makes .venv and install/, the other targets call it themselves.
# PYTHON=python3.12 picks the interpreter; ARGS are handed on, as in make test ARGS='test/core -k voxel'.

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup:  ## ROS 2 and PyTorch into .venv, the package into install/ (6 GB; seconds when nothing changed)
	@scripts/setup.sh

demo: setup  ## a roadside unit and a vehicle on a made-up crossing; pictures and figures in out/demo
	@scripts/run.sh emiff demo --out out/demo --frames 20 $(ARGS)

test: setup  ## all tests, in the built environment
	@scripts/run.sh python -m pytest $(ARGS)

lint: setup  ## ruff and mypy
	@scripts/run.sh ruff check .
	@scripts/run.sh mypy

docs: setup  ## the site of docs/ into out/site, the page of parameters written anew
	@scripts/run.sh python scripts/write_parameter_page.py
	@scripts/run.sh mkdocs build --strict --quiet

clean:  ## remove what setup and demo made
	rm -rf .venv build install log out
