# Everything happens in a virtual environment in .venv, made by the first target that needs it and brought up to date
# whenever pyproject.toml, the only list of dependencies, has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))

# The server refuses to run as root unless told to, and in most containers there is no other user.
ROOT_ARGS := $(if $(filter 0,$(shell id -u)),--allow-root)
# On Linux without a display a "browser" could only be a text browser, and it would take the terminal over.
BROWSER_ARGS := $(if $(and $(filter Linux,$(shell uname -s)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),,none)),--no-browser)
START := $(or $(wildcard notebooks/00_start_here.ipynb),notebooks)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab app class test notebooks pages bench peers mutants clean

help:
	@echo 'make lab        open the notebooks in JupyterLab (more options: make lab LAB_ARGS="--port=9999")'
	@echo 'make app        show them as apps without their code, for a lecture (Voila; more options: APP_ARGS)'
	@echo 'make class      a JupyterHub for a class, on this machine (README, "For a class")'
	@echo 'make test       run the unit tests, every notebook, and the browser tests where there is a Chromium'
	@echo 'make notebooks  run every notebook and save it with its outputs'
	@echo 'make pages      write the notebooks as HTML pages that need no internet, into build/pages'
	@echo 'make bench      measure how fast the panels and the algorithms are'
	@echo 'make peers      compare advantages, losses, learning curves and speed with other programs (PyTorch: a large download)'
	@echo 'make mutants    change the core in 200 random places and see whether the tests notice (or: make mutants MUTANTS=20)'
	@echo 'make clean      remove what the other targets made, .venv too'
	@echo
	@echo 'Python 3.11 or newer is needed: make lab PYTHON=/path/to/python3 (after make clean, if there is a .venv).'

# The root is the whole repository, so that links from a notebook to the source open too. No token is set here: the
# server makes a random one and prints the address that contains it. Below that address there shall be no list of
# language servers that are not there.
lab: $(VENV)/installed $(VENV)/trusted
	$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/$(START) \
		--LanguageServerManager.autodetect=False $(ROOT_ARGS) $(BROWSER_ARGS) $(LAB_ARGS)

# Only for this machine: whoever can open the page runs the notebooks.
app: $(VENV)/installed-app
	$(BIN)/voila notebooks $(BROWSER_ARGS) $(APP_ARGS)

# Outside this folder, which students need not read. Root can give each of them a user of their own.
CLASS ?= $(if $(filter 0,$(shell id -u)),/srv/pgedu-class,$(HOME)/pgedu-class)
class:
	$(REQUIRE_PYTHON)
	PYTHON='$(PYTHON)' hub/start '$(CLASS)'

# In a process for each processor, up to four; then those in a browser, whose pages need processors too, in at most two.
# With arguments, such as PYTEST_ARGS=tests/worlds, there may be none of these (pytest then returns 5).
test: $(VENV)/installed-app
	$(BIN)/python -m pytest --nbval -n logical --maxprocesses 4 -m "not browser" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -n logical --maxprocesses 2 --dist worksteal -m browser $(PYTEST_ARGS) $(if $(PYTEST_ARGS),|| [ $$? -eq 5 ])

notebooks: $(VENV)/installed
	$(BIN)/python .ci/save_notebooks.py $(NOTEBOOKS)

PAGES ?= build/pages
pages: $(VENV)/installed
	$(BIN)/python .ci/save_pages.py "$(PAGES)" $(NOTEBOOKS)

bench: $(VENV)/installed-bench
	$(BIN)/python tests/bench.py

# Not part of `make test`: these other programs are ten times as large as everything else together.
peers: $(VENV)/installed-peers
	$(BIN)/python -m pytest tests/peers.py tests/peers_off_policy.py tests/peers_rlhf.py tests/peers_trl.py
	$(BIN)/python tests/peers.py $(PEERS_ARGS)

# Not part of `make test` either: it runs tests again for every change.
MUTANTS ?= 200
SEED ?= 0
mutants: $(VENV)/installed-mutants
	$(BIN)/python tests/mutants.py $(MUTANTS) --seed $(SEED) $(MUTANTS_ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

# In a notebook that was never run or signed on this machine JupyterLab shows the panels' pictures, not the panels.
$(VENV)/trusted: $(NOTEBOOKS) | $(VENV)/installed
	@$(if $(NOTEBOOKS),$(BIN)/jupyter trust $(NOTEBOOKS) >/dev/null)
	@touch $@

# JupyterLab's question about news would lie over the first panel.
SETTINGS := $(VENV)/share/jupyter/lab/settings

$(VENV)/installed: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,browser]'
	@mkdir -p $(SETTINGS) && cp hub/overrides.json $(SETTINGS)/
	@touch $@

# Apart, since Voila adds buttons to JupyterLab and time to its start.
$(VENV)/installed-app: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[app]'
	@touch $@

$(VENV)/installed-bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

$(VENV)/installed-peers: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[peers]'
	@touch $@

$(VENV)/installed-mutants: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	@touch $@

# Written so that even Python 2 can read it and say the sentence.
define CHECK_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("pgedu needs Python 3.11 or newer, but $(PYTHON) is Python %d.%d: install a newer one, or name the one to \
use with PYTHON=/path/to/python3." % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("pgedu needs the venv module, which $(PYTHON) lacks: install it (on Debian and Ubuntu: sudo apt install \
python3-venv), or name another Python with PYTHON=/path/to/python3.")
endef
export CHECK_PYTHON

define REQUIRE_PYTHON
	@command -v '$(PYTHON)' >/dev/null || { echo "pgedu needs Python 3.11 or newer, but there is no $(PYTHON): install \
	it, or name the one to use with PYTHON=/path/to/python3." >&2; exit 1; }
	@'$(PYTHON)' -c "$$CHECK_PYTHON"
endef

# --clear, so that what an interrupted run left behind is no obstacle.
$(BIN)/python:
	$(REQUIRE_PYTHON)
	@echo 'Installing pgedu into $(VENV): this takes a minute or two, once.'
	@'$(PYTHON)' -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
