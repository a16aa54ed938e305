# Two commands do everything: `make demo` and `make test`. Needs Python >= 3.10, stable Rust
# >= 1.88 and a C compiler; everything else is installed into .venv.

PYTHON ?= python3
CARGO ?= cargo
CC ?= cc
BIN := .venv/bin
# Most tests wait for a clock or a server, not for a processor.
TEST_PROCESSES ?= 4
ROUNDS ?= 1
# What `make fuzz` takes for each target, and which it runs; all without.
SECONDS ?= 60
TARGET ?=
# What `make faults` begins its chance with, and which cases or groups it runs; all without.
SEED ?= 1
CASES ?=
# How many seeds `make soup` has, from FIRST on, and how long `make soak` takes.
SEEDS ?= 1000
FIRST ?= 1
MINUTES ?= 10
# What `make audit` looks things up in; over the network without.
ADVISORY_DB ?=
DENY_VERSION := 0.20.2
AUDIT_VERSION := 0.22.2
# Where `make bench` draws; SVG=docs/images/throughput.svg is for a machine that does nothing else.
SVG ?= target/bench.svg
# What the tests run on: a debug build shares what the Rust tests compile, BUILD=release is what users get.
BUILD ?= debug
SOURCES := $(shell find src python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name 'py.typed' -o -name 'Cargo.toml') \
           Cargo.toml Cargo.lock pyproject.toml README.md LICENSE
# What maturin told pyo3: else pyo3 is compiled anew for each of the two after the other.
AS_MATURIN = PYO3_BUILD_EXTENSION_MODULE=1 PYO3_CONFIG_FILE="$$(echo $(CURDIR)/target/maturin/pyo3-config-*.txt)"
MATURIN_VERSION := $(shell sed -n 's/.*"maturin==\([^"]*\)".*/\1/p' pyproject.toml)

.PHONY: help demo dev test test-rust test-python test-versions test-matrix test-busy test-large fuzz faults soup soak audit memcheck lint lint-workflows bench bench-check bench-quick bench-calls bench-ova bench-commands bench-formats bench-progress bench-many bench-fleet serve wheel test-wheel test-browser peers docs clean prerequisites

help:  ## Lists the commands.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: .venv/.with-release  ## Exports and imports a VM against the simulator, all set-up included.
	$(BIN)/python examples/demo.py

# An edit of Python needs no command after the first.
dev: .venv/.with-edits  ## After an edit of Rust, for a run of .venv/bin/python on this folder's code, in seconds.
	$(BIN)/maturin develop --locked --skip-install

test: lint lint-workflows test-rust test-python test-versions  ## Runs every check and every test, all set-up included.

# Two crates of the tests have a Cargo.lock of their own, which must go with the dependencies of this one.
lint: .venv/.dev .venv/.with-$(BUILD)  ## Formatting, lints and types of both languages.
	$(CARGO) fmt --all --check
	$(AS_MATURIN) $(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@for crate in fuzz judges loom; do $(CARGO) tree --quiet --locked --manifest-path tests/$$crate/Cargo.toml > /dev/null || exit 1; done
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy python/nfclease tests benchmarks examples
	$(BIN)/python -m mypy.stubtest nfclease._core

lint-workflows: .venv/.dev peers  ## The workflows of GitHub: mistakes, and what would let others in.
	tests/peers/bin/actionlint .github/workflows/*.yml
	@if [ -x $(BIN)/zizmor ]; then $(BIN)/zizmor --offline --quiet .github; \
	else echo "not run: zizmor, which wants Python 3.11"; fi

test-rust: prerequisites  ## Rust tests of all crates.
	$(CARGO) test --locked --workspace

test-python: .venv/.dev .venv/.with-$(BUILD) peers  ## Python tests against the simulator, vcsim and govc.
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

test-versions: .venv/.dev .venv/.with-$(BUILD)  ## The drop-in tests on every other pyvmomi in use, on one Python.
	$(BIN)/python tests/tools/matrix.py --python current

test-matrix: .venv/.dev .venv/.with-$(BUILD)  ## The same on every Python 3.10 to 3.14 that is found.
	$(BIN)/python tests/tools/matrix.py

test-busy: .venv/.dev .venv/.with-$(BUILD) peers  ## The Python tests beside four busy processes; ROUNDS=3 for three times.
	$(BIN)/python tests/tools/busy.py --rounds $(ROUNDS) $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

# What a test that passed has written is removed before the next one writes as much.
test-large: .venv/.dev .venv/.with-$(BUILD)  ## Archives beyond 8 GiB: minutes, and 10 GB in TMPDIR.
	NFCLEASE_LARGE_TESTS=1 $(BIN)/python -m pytest -m large

# Needs a C++ compiler, for libFuzzer.
fuzz: prerequisites  ## Each reader of foreign bytes on bytes made for it: SECONDS=60 each, TARGET=walk for one.
	$(PYTHON) tests/fuzz/run.py --cargo $(CARGO) --seconds $(SECONDS) $(TARGET)

# A case that cannot be run here is named, and does not count as survived. Some want strace, unshare and ip.
faults: .venv/.dev .venv/.with-$(BUILD) peers  ## The catalogue of faults: what of it is survived, a JSON report in target/faults.json.
	$(BIN)/python -m tests.faults --processes $(TEST_PROCESSES) --seed $(SEED) --json target/faults.json $(CASES)

soup: .venv/.dev .venv/.with-$(BUILD)  ## Jobs with three disks under faults of chance: SEEDS=1000, and what each ended in.
	$(BIN)/python -m tests.faults.soup --first $(FIRST) --seeds $(SEEDS)

# For a machine that does nothing else: it judges how late the keep-alive is.
soak: .venv/.dev .venv/.with-$(BUILD)  ## 64 leases under faults for MINUTES=10: late renewals, memory, leaks, and a verdict.
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

# ADVISORY_DB=PATH is a clone of RustSec's advisory-db, for a machine without a network. 1: found, 2: not run.
audit: .venv/.dev target/audit/bin/cargo-deny  ## Known holes, licences and origins of all dependencies; minutes the first time.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group audit
	ADVISORY_DB=$(ADVISORY_DB) $(BIN)/python -m tests.tools.audit --tools target/audit/bin

target/audit/bin/cargo-deny: | prerequisites
	$(CARGO) install --quiet --locked --root target/audit cargo-deny@$(DENY_VERSION)
	$(CARGO) install --quiet --locked --root target/audit cargo-audit@$(AUDIT_VERSION)

# Needs valgrind, and says so where it is missing (2).
memcheck: prerequisites  ## The Rust tests of the readers of foreign bytes under valgrind: a quarter of an hour.
	$(PYTHON) tests/tools/memcheck.py --cargo $(CARGO)

test-browser: .venv/.browser .venv/.with-$(BUILD)  ## The notebooks in JupyterLab, in the Chromium of this machine.
	$(BIN)/python tests/tools/browser.py

peers: .venv/.dev  ## Builds vcsim, govc, toxiproxy and more from the small Go module in tests/peers.
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/peers/build.py

bench-quick: .venv/.dev .venv/.with-release peers  ## A first measure against Go, requests and the sample loop.
	$(CARGO) build --release --locked --example transport
	$(BIN)/python -m benchmarks.quick

bench: .venv/.dev .venv/.with-release peers  ## Every client, the floor of this machine, both digests: a quarter of an hour.
	$(CARGO) build --release --locked --example transport --example floor
	$(BIN)/python -m benchmarks.full --json target/bench.json --tables target/bench.txt --svg $(SVG)

bench-check: .venv/.dev .venv/.with-release peers  ## Instruction counts of a transfer each way, against those that are committed.
	$(CARGO) build --release --locked --example transport
	$(BIN)/python -m benchmarks.check

bench-calls: .venv/.dev .venv/.with-release peers  ## An attribute read and a Progress beside pyvmomi's, the starts, and 10,000 VMs.
	$(BIN)/python -m benchmarks.calls

bench-ova: .venv/.dev .venv/.with-release peers  ## A package to an .ova and back, beside a directory, govc and the sample.
	$(BIN)/python -m benchmarks.ova

bench-commands: .venv/.dev .venv/.with-release peers  ## The same jobs by govc and by the command line.
	$(BIN)/python -m benchmarks.commands

bench-formats: .venv/.dev .venv/.with-release  ## Disks checked to the grain, made raw, qcow2 and streams, beside qemu-img and 7zz.
	$(BIN)/python -m benchmarks.formats
	$(BIN)/python -m benchmarks.downloads

bench-many: .venv/.dev .venv/.with-release  ## Eight limited disks, memory by streams, 64 leases: wall time, MiB, keep-alive.
	$(BIN)/python -m benchmarks.many

bench-fleet: .venv/.dev .venv/.with-release  ## Ten hosts, 64 leases, 5,000 small jobs and Dask by `fleet.run`: six minutes.
	$(BIN)/python -m benchmarks.fleet --json target/bench-fleet.json --tables target/bench-fleet.txt

bench-progress: .venv/.dev .venv/.with-release  ## A download with and without progress=, beside a busy thread.
	$(BIN)/python -m benchmarks.progress

serve: .venv/.with-release  ## Runs the simulator until Ctrl-C, for a script of your own.
	$(BIN)/python -m nfclease.simulator --no-stdin

wheel: .venv/.wheel-tools .venv/.created  ## Builds the wheel and sdist to give away into dist/, and checks them.
	rm -rf dist .venv/.wheel-*
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --release --locked --zig --compatibility manylinux_2_17 --sdist --out dist
	$(BIN)/auditwheel show dist/*.whl
	$(BIN)/abi3audit --strict --summary dist/*.whl
	$(BIN)/twine check --strict dist/*
	@touch .venv/.wheel-release

test-wheel: wheel .venv/.dev  ## Installs that wheel, and the sdist, for every Python found, and exports a VM.
	$(BIN)/python -m tests.tools.wheels

# Not --quiet: mkdocs then counts no warnings, and --strict means nothing. Its tools want Python 3.11.5.
docs: .venv/.docs-tools  ## Builds the documentation site into site/, strictly and without a network.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	$(BIN)/python tests/tools/site.py site

clean:  ## Removes everything that was built.
	rm -rf .venv .venv-matrix dist site target tests/peers/bin

prerequisites:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	  { echo "Python >= 3.10 is needed as '$(PYTHON)': install python3 and python3-venv, or set PYTHON=/path/to/python3"; exit 1; }
	@$(CARGO) --version >/dev/null 2>&1 || \
	  { echo "stable Rust >= 1.88 is needed: install it with rustup (https://rustup.rs)"; exit 1; }
	@$(CARGO) --version | awk '{ split($$2, v, "."); exit !(v[1] > 1 || v[2] >= 88) }' || \
	  { echo "Rust >= 1.88 is needed, this is $$($(CARGO) --version): run 'rustup update stable'"; exit 1; }
	@command -v $(CC) >/dev/null 2>&1 || \
	  { echo "a C compiler is needed as '$(CC)': install gcc or clang (Debian: apt install build-essential)"; exit 1; }

.venv/.created: | prerequisites
	$(PYTHON) -m venv .venv || { echo "python3's venv module is needed (Debian: apt install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1' 'maturin==$(MATURIN_VERSION)'
	@touch $@

# For this machine, in half the time that the wheel to give away takes. dist/ holds one wheel, .venv one package.
.PRECIOUS: .venv/.wheel-% .venv/.with-%
.venv/.wheel-%: .venv/.created $(SOURCES) | prerequisites
	rm -rf dist .venv/.wheel-*
	$(BIN)/maturin build $(if $(filter release,$*),--release) --locked --interpreter $(BIN)/python --out dist
	@touch $@

.venv/.with-edits: .venv/.created pyproject.toml | prerequisites
	@rm -f .venv/.with-*
	$(BIN)/maturin develop --locked --extras simulator
	@touch $@

.venv/.with-%: .venv/.wheel-%
	@rm -f .venv/.with-*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(ls dist/*.whl)[simulator]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/*.whl
	@touch $@

.venv/.browser: .venv/.dev pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group browser
	@touch $@

.venv/.wheel-tools: .venv/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group wheel
	@touch $@

.venv/.docs-tools: .venv/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

.venv/.dev: .venv/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@
