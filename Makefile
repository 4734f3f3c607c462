# Two commands do everything on a fresh machine: `make demo` and `make test`.
.PHONY: demo test mutants mutants-sample check format figures notebooks rocq docs bench bench-gpu build release test-lowest clean help
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)  ## measure a frequency-rank curve and audit an adapter; results in out/
	@mkdir -p out
	@echo "== the rank of sin(omega B A), 512 x 512, r = 2 =="
	@$(BIN)/rankkit sweep --d 512 --r 2 --save out/sweep --plot out/sweep.png
	@echo
	@echo "== a trained adapter: all-MiniLM-L6-v2 on WordNet's glosses =="
	@$(BIN)/rankkit audit --sample --plot out/audit.png --spectra out/audit-spectra.npz
	@$(BIN)/rankkit audit --sample -o out/audit.csv
	@echo; echo "made:"; find out -type f | sort | sed 's/^/  /'

test: $(READY)  ## everything the tests state, doctests and README included
	$(BIN)/python -m pytest -n auto --dist loadfile

mutants: $(READY)  ## plant faults one by one and see whether the tests notice; goes on where it stopped
	$(BIN)/python -m tests.mutants --made 330 --jobs 2 --table tests/mutants/RESULTS.md

mutants-sample: $(READY)  ## fifty of them, after `make test`; 85 % have to be noticed
	$(BIN)/python -m tests.mutants --no-planted --made 50 --jobs 2 --tested

check: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(READY)  ## apply the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

figures: $(READY)  ## the papers' figures and our own, where their data have changed
	$(BIN)/rankkit figures

notebooks: $(READY)  ## run the notebooks in full and keep their outputs
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

rocq: $(READY)  ## coqc on every theorem of proofs/rocq, and the record of it; skipped where there is no coqc
	$(BIN)/python proofs/rocq/check.py

docs: $(READY)  ## the site, in out/site, its links checked
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs out/site
	$(BIN)/python docs/links.py out/site
	@echo "open out/site/index.html"

bench: $(READY)  ## measure the figures that benchmarks/README.md states
	$(BIN)/python benchmarks/audit_llama.py
	$(BIN)/python benchmarks/audit_llama.py --model 70b --rounds 1
	$(BIN)/python benchmarks/sweeps.py
	$(BIN)/python benchmarks/routes.py
	$(BIN)/python benchmarks/basis_table.py
	$(BIN)/python benchmarks/sine_update.py
	$(BIN)/python benchmarks/compare.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/imports.py
	$(BIN)/python benchmarks/law.py

bench-gpu:  ## measure on the CUDA device at hand, with the Python that runs here; writes benchmarks/gpu.json
	PYTHONPATH=. $(PYTHON) benchmarks/gpu.py -o benchmarks/gpu.json

build: $(READY)  ## wheel and sdist, in dist/
	$(BIN)/python -m build

release: $(READY)  ## build, check, install and try wheel and sdist, each in a fresh environment
	.ci/release

test-lowest: .venv-lowest/.ready  ## the tests with the lowest versions that pyproject.toml declares
	.venv-lowest/bin/python -m pytest -n auto --dist loadfile tests rankkit \
	  --ignore tests/test_architecture.py --ignore tests/test_docs.py --ignore tests/test_notebooks.py --ignore tests/test_package.py \
	  --ignore tests/test_docstrings.py

.venv-lowest/.ready: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint constraints-lowest.txt torch
	.venv-lowest/bin/python -m pip install --quiet --constraint constraints-lowest.txt \
	  --editable '.[verify,prove,cluster,nufft,gguf,train,parquet]' pytest pytest-timeout pytest-xdist jsonschema mpmath psutil pytorch-lightning scikit-learn
	@touch $@

clean:  ## remove what make made
	rm -rf .venv .venv-lowest out dist build docs/made .pytest_cache .hypothesis .ruff_cache *.egg-info
	find . -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
