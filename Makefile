# Thin aliases; `make help` is the index. Every target sets up what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The pins are what CI ran with; they need Python 3.11 (numpy), so 3.10 resolves freely.
PINS = $(shell $(PYTHON) -c "import sys; print('-c constraints.txt' if sys.version_info >= (3, 11) else '')")

.PHONY: help setup lab demo test notebooks pictures check site
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv with everything the course needs

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.10 or newer from https://www.python.org/downloads/."; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" || { echo "This course needs Python 3.10 or newer, $(PYTHON) is $$($(PYTHON) -V): install a newer one, then run make PYTHON=python3.12 setup."; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "pip is missing: run $(PYTHON) -m ensurepip, or install your system's python3-pip."; exit 1; }
	@echo "Setting up $(VENV): on Linux PyTorch is a download of some gigabytes, this takes minutes the first time."
	@# An environment that works is kept; Debian and Ubuntu split ensurepip off, pip is then brought in from outside.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; } \
	|| { echo "No virtual environment could be made: install python3-venv (sudo apt install python3-venv), then run make again."; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check $(PINS) torch torchvision -e ".[dev]" \
	|| { echo "The packages could not be installed: the lines above say which. No network, a full disk (over 6 GB are needed) or a proxy are the usual causes; run make again after mending it."; exit 1; }
	@touch $(READY)

lab: $(READY) ## open JupyterLab on the course
	@# Named as a file to open, the notebook's folder would be all that JupyterLab (and nbgrader in it) sees.
	jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=/lab/tree/notebooks/2_build_a_vit/q1_positional_encoding.ipynb

demo: $(READY) ## grade three sample students with nbgrader and show their points (Part 2; another: PART=folder of notebooks/)
	python -m course demo $(PART)

test: $(READY) ## run all tests
	python -m pytest -n auto --dist loadfile

notebooks: $(READY) ## build solutions/ and notebooks/ from lessons/
	python -m course build

pictures: $(READY) ## draw the README's gallery from the solutions
	python -m course pictures

site: $(READY) ## the lessons as a web site in site/, figures and all; SOLUTIONS=1: the instructors', in site-solutions/
	python -m course site $(if $(filter 1,$(SOLUTIONS)),--solutions --out site-solutions)

check: $(READY) ## lint, and see that the generated notebooks match the lessons (under a minute)
	ruff check .
	ruff format --check .
	python -m course build --check
