# Two commands set everything up: `make dev` to try it, `make test` to test it.
# These targets install or build everything that a machine lacks (see tests/testenv/build.sh).

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
LOCKED := --locked
DIR ?= examples/quickstart
IMAGE ?= lanyard:0.1.0

.PHONY: help dev test unit e2e relying-parties upstreams kills fuzz check crds references docs image fmt bench bench-flood bench-growth microbench storm screenshots testenv testenv-node

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

dev: ## Build, and serve examples/quickstart at http://localhost:8080 (DIR=... for another folder)
	$(CARGO) build $(LOCKED) --quiet
	./target/debug/lanyard dev $(DIR)

unit: ## Unit tests without database servers, and the tests of architecture and golden files: under a minute
	$(CARGO) test $(LOCKED) --workspace --lib --quiet -- --skip store::postgres --skip store::valkey
	$(CARGO) test $(LOCKED) --workspace --test integration --quiet -- architecture golden

test: ## Run every test: unit, HTTP, golden, property, architecture, API server and, where it can, real Pods
	tests/run.sh

e2e: ## Install the chart on a real cluster with real Pods, or on the one that E2E_KUBECONFIG names (with E2E_IMAGE)
	tests/run.sh e2e

relying-parties: ## Sign in with well-known libraries of four languages and mod_auth_openidc
	tests/relying_parties/run.sh

upstreams: ## Sign in, refresh and sign out with the real Keycloak and Dex, and move people from them; six minutes
	tests/testenv/build.sh upstreams
	$(CARGO) test $(LOCKED) --workspace --test integration real_providers:: -- --ignored --nocapture

kills: ## Kill -9 a store and a server under load 200 times each; the tests do it a few times
	LANYARD_KILLS=200 $(CARGO) test $(LOCKED) --test cluster kill -- --nocapture

fuzz: ## Fuzz parsers for a minute each, where a nightly toolchain is installed
	fuzz/run.sh

check: ## Formatting, lints, dependencies, prose, generated files, chart, docs, licences
	tests/check.sh

crds: ## Write crds/ and the chart's copies from the code
	$(CARGO) run $(LOCKED) --quiet -- crds --dir crds
	mkdir -p charts/lanyard/definitions && cp crds/*.yaml charts/lanyard/definitions/

references: ## Write docs/reference/ from the code and the chart
	$(CARGO) run $(LOCKED) --quiet -p lanyard-reference -- docs/reference

docs: ## Check the links of the documentation, and build it as a site in target/book
	tests/book.sh

image: ## Build the container image (docker or podman)
	$$(command -v docker || command -v podman) build -t $(IMAGE) .

bench: ## Make the table of figures: a release server on one core, the load driver on another
	$(CARGO) build $(LOCKED) --release -p lanyard -p lanyard-bench
	./target/release/lanyard-bench lanyard --out target/bench.md

bench-flood: ## Compare sign-ins at one tenant alone and during a flood of wrong passwords at 39 others
	$(CARGO) build $(LOCKED) --release -p lanyard -p lanyard-bench
	./target/release/lanyard-bench flood

microbench: ## Measure signing, token requests, sign-ins at providers, discovery and snapshots in process
	$(CARGO) bench $(LOCKED)

bench-growth: ## Measure how cost grows with tenants, clients and grants; about an hour
	tests/testenv/build.sh api
	tests/testenv/build.sh stores
	$(CARGO) build $(LOCKED) --release -p lanyard -p lanyard-growth
	./target/release/lanyard-growth $(ARGS)

storm: ## Apply 1,000 tenants at once on a real API server, and compare the time with that of their keys; five minutes
	tests/testenv/build.sh api
	$(CARGO) build $(LOCKED) --release
	LANYARD_BINARY=$(CURDIR)/target/release/lanyard STORM_TENANTS=1000 $(CARGO) test $(LOCKED) --test cluster a_storm_of_tenants -- --nocapture

screenshots: ## Pictures of every page at three widths, light and dark, in target/screenshots
	SCREENSHOTS=all $(CARGO) test $(LOCKED) --test browser pictures -- --nocapture

fmt: ## Format the code
	$(CARGO) fmt

testenv: ## Build what the API-server tests need into target/testenv (once)
	tests/testenv/build.sh api

testenv-node: ## Build and install what the Pod tests need (once; may need root)
	tests/testenv/build.sh node
