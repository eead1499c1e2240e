# Everything a newcomer needs: `make demo` shows it, `make test` proves it. Both make their own environment in .venv.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint faults slow bench dist selfupgrade screenshots clean

# A byte-code cache that is switched off doubles the start of every program; foreign paths would shadow the checkout.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
MAKEFLAGS += --no-print-directory
READY := .venv/.ready

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

setup: $(READY) ## Make the environment in .venv, once per change of pyproject.toml

$(READY): pyproject.toml .ci/setup
	@sh .ci/setup
	@touch $@

demo: $(READY) ## A machine in a temporary folder upgrades itself; real processes, nothing left behind
	@.venv/bin/cockpitpm demo

test: $(READY) ## Every gate, then every test that is not long; needs neither root nor system packages
	@sh .ci/gates

lint: $(READY) ## The gates without the tests
	@sh .ci/gates lint

bench: $(READY) ## What it costs, as ratios to other programs on this machine
	@.venv/bin/python -m benchmarks

dist: $(READY) ## One file that is all of cockpitpm, under the names of hero_cockpit, and its index: in dist/
	@sh .ci/dist

selfupgrade: $(READY) ## Cockpit upgrades itself 20 times by its socket and 20 by its page, broken builds among them
	@SELF_UPGRADES=20 .venv/bin/python -m pytest -s tests/acceptance/test_self_upgrade.py tests/browser/test_self_upgrade.py

screenshots: $(READY) ## The pictures of docs/screenshots and those that tests hold pages against, taken anew
	@.venv/bin/python -m tests.browser.shots

faults: $(READY) ## Every sweep of faults in its full form, and a table of what they found; `make test` has the quick ones
	@.venv/bin/python -m tests.faults.table

slow: $(READY) ## The long forms of what the tests prove in short, but for the sweeps of faults
	@.venv/bin/python -m pytest -n auto --dist loadfile -m slow tests --ignore=tests/faults

clean: ## Remove everything that was made here
	@rm -rf .venv .mypy_cache .ruff_cache .hypothesis .coverage dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
