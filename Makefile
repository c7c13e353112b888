# The same words for people and for CI. `make` alone lists them.
PYTHON := $(or $(PINGMON_VENV),.venv)/bin/python
PACKAGE_ENV := build/package-env
LAB_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pingmon-lab
LAB := PINGMON_LAB_CACHE="$(LAB_CACHE)" $(PYTHON) -m tests.lab
.DEFAULT_GOAL := help
.PHONY: help env run test test-lab test-package lab lab-window lab-down soak properties lint guide screenshots format lock probe package bench clean

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

env: ## makes .venv with the app (editable) and all tools; installs missing system packages where it may
	@sh packaging/env.sh dev

run: ## opens the window; makes its own environment first
	@sh packaging/env.sh app
	@$(PYTHON) -m pingmon_gui

test: env ## everything that must be green, offscreen
	QT_QPA_PLATFORM=offscreen $(PYTHON) -m pytest -q -m "not lab and not soak and not package" -n 3 --dist loadfile --no-loadscope-reorder

test-lab: ## real hosts, tray and namespaces (root, Linux)
	@sh packaging/env.sh lab
	@$(LAB) build
	PINGMON_LAB_CACHE="$(LAB_CACHE)" $(PYTHON) -m pytest -q -m lab -n 2 --dist worksteal tests/lab

test-package: package ## installs, uses and removes the .deb on a clean Debian (root, Debian; after a build of minutes)
	@sh packaging/env.sh lab
	PINGMON_LAB_CACHE="$(LAB_CACHE)" $(PYTHON) -m pytest -q -m package tests/lab/test_package.py

lab: ## starts five hosts in five regions to play with, and tells how (root, Debian)
	@sh packaging/env.sh lab
	@$(LAB) up

lab-window: ## opens the window in the lab, with a data folder of its own
	@$(LAB) pingmon

lab-down: ## takes the lab down, with the hosts' disks
	@$(LAB) down

soak: env ## long soaks and fuzz runs
	QT_QPA_PLATFORM=offscreen PINGMON_SOAK=1 $(PYTHON) -m pytest -q -m soak --timeout 0 || [ $$? = 5 ]

properties: env ## tries the rules on new examples, other ones each time
	QT_QPA_PLATFORM=offscreen PINGMON_PROPERTIES=search $(PYTHON) -m pytest -q -n 2 -m "not lab and not soak and not package" \
		$$(grep -lE 'given\(' -r tests --include='test_*.py')

lint: env guide ## ruff, mypy, the arrows between rooms, and the guide's links
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	PYTHONPATH=probes $(dir $(PYTHON))lint-imports --no-cache

guide: env ## builds the user guide into build/guide; every link and picture must be there
	@$(PYTHON) -m sphinx -q -n -W --keep-going -d build/guide-trees docs build/guide
	@echo "build/guide/index.html"

screenshots: ## takes the pictures of README and guide from the real app (root, Debian); ONLY=name,name takes some
	@sh packaging/env.sh pictures
	@PINGMON_LAB_CACHE="$(LAB_CACHE)" $(PYTHON) -m tests.pictures $(ONLY)

format: env ## rewrites the code in the house's format
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

probe: env ## builds the one-file probe into build/
	$(PYTHON) probes/build_probe.py

package: ## builds the app as one folder and, on Debian, a .deb of it, into build/
	@PINGMON_VENV=$(PACKAGE_ENV) sh packaging/env.sh package
	@$(PACKAGE_ENV)/bin/python packaging/build_package.py

bench: env ## all benchmarks; ONLY=name runs one; writes build/bench.json
	QT_QPA_PLATFORM=offscreen $(PYTHON) -m tests.bench $(ONLY)

lock: ## pins the newest versions that pyproject.toml allows into requirements/
	sh packaging/lock.sh

clean: ## removes what the other targets made
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
