# Thin aliases; `make help` is the index. Every target sets up what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup lab demo test notebooks pictures check site pins
.PRECIOUS: $(VENV)/.%
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.course ## make .venv with what the staff need; make lab alone brings a student's part
	@echo "$(VENV) is ready: source $(BIN)/activate"

# .venv/.lab, .course, .site, .dev: extras of pyproject.toml that are installed, each with what the ones before it hold
$(VENV)/.%: pyproject.toml constraints.txt
	@# not the Python of a .venv that is only half there
	@PATH="$${PATH#*:}"; command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.10 or newer from https://www.python.org/downloads/."; exit 1; }; $(PYTHON) course/install.py $*

lab: $(VENV)/.lab ## open JupyterLab on the course
	@# What the first notebook imports is compiled while JupyterLab and the browser start.
	@python -c "import timm.models.vision_transformer" >/dev/null 2>&1 &
	@# Named as a file to open, the notebook's folder would be all that JupyterLab (and nbgrader in it) sees.
	jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=/lab/tree/notebooks/2_build_a_vit/q0_a_vit_in_ten_lines.ipynb

demo: $(VENV)/.course ## grade three sample students with nbgrader and show their points (Part 2; another: PART=folder of notebooks/)
	python -m course demo $(PART)

test: $(VENV)/.dev ## run all tests; TESTS=tests/helpers/test_check.py: those of one file
	python -m pytest -n auto --dist loadfile $(TESTS)

notebooks: $(VENV)/.course ## build solutions/ and notebooks/ from lessons/
	python -m course build

pictures: $(VENV)/.site ## draw the README's gallery from the solutions
	python -m course pictures

site: $(VENV)/.site ## the lessons as a web site in site/, figures and all; SOLUTIONS=1: the instructors', in site-solutions/
	python -m course site $(if $(filter 1,$(SOLUTIONS)),--solutions --out site-solutions)

check: $(VENV)/.dev ## lint, and see that the generated notebooks match the lessons (under a minute)
	ruff check .
	ruff format --check .
	lint-imports
	deptry .
	python -m course build --check
	python -m course pins --check

pins: $(VENV)/.dev ## resolve the versions of all packages anew: constraints.txt
	python -m course pins
