# Everything a person or a machine does with this project: `make help` lists it.
SWIFT ?= swift
# An import may only name a dependency that the manifest declares: the layers hold because the build checks them.
CHECKED := --explicit-target-dependency-import-check error
# Machines have libcurl, but not the Swift runtime.
RELEASE := -c release --static-swift-stdlib $(CHECKED)
PREFIX ?= /usr/local
TEST_FLAGS ?=
# With all tests at once on a few processors each of them is slower than its time limit.
WIDTH := --experimental-maximum-parallelization-width 8

CHART_PYTHON := $(CURDIR)/.build/chart/bin/python -B

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests setup-chart setup-kubernetes build install build-tests test test-chart test-kubernetes image test-image manifests lint demo bench bench-limits bench-swarm bench-scheduler bench-exchange bench-webhook sim scaling clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what a build needs (Debian, Ubuntu)
	@scripts/setup.sh

setup-tests: ## install what the tests, the demo and the benchmarks need besides
	@scripts/setup.sh --tests

setup-chart: ## install what the chart's tests need (Debian, Ubuntu, and PyPI below .build)
	@scripts/setup.sh --chart

setup-kubernetes: ## install what a kube-apiserver needs, to be built and to run (Debian 12), besides the chart's
	@scripts/setup.sh --kubernetes

build: setup ## build the executables in release mode (.build/release)
	$(SWIFT) build $(RELEASE)

install: ## install what was built, one executable with the tools' names (PREFIX=/usr/local, DESTDIR)
	@DESTDIR="$(DESTDIR)" scripts/install.sh "$(PREFIX)"

build-tests: setup-tests ## build the tests and the executables they run (.build/debug)
	$(SWIFT) build --build-tests $(CHECKED)

test: setup-tests lint ## lint, then unit and integration tests (TEST_FLAGS="--filter Content" for some of them)
	$(SWIFT) test --disable-xctest $(WIDTH) $(CHECKED) $(TEST_FLAGS)

test-chart: setup-chart ## the Helm chart: lint, schemas of Kubernetes, what it promises, and the executables where they are built
	@cd Tests/Chart && $(CHART_PYTHON) -m unittest discover -b

test-kubernetes: setup-kubernetes ## chart and dfwebhook with a real kube-apiserver, built the first time in some minutes; DARTER_BIN=DIR: executables of there; needs root
	@[ -n "$$KUBE_APISERVER" ] || scripts/kubernetes/build-apiserver.sh >/dev/null
	@cd Tests/Kubernetes && $(CHART_PYTHON) -m unittest discover -b $(TEST_FLAGS)

image: setup-tests ## Darter's OCI image in out/image, without an engine for containers; fails above 120 MiB; needs root
	@SWIFT=$(SWIFT) scripts/image.sh

test-image: image ## that image with podman as a node runs it: a supernode and a dfdaemon, and a pull through them; needs root
	@scripts/image-test.sh

manifests: setup-chart ## write deploy/manifests, the chart with its default values
	@$(CHART_PYTHON) scripts/chart/manifests.py

lint: ## formatting of the Swift sources, syntax of the scripts
	@SWIFT=$(SWIFT) scripts/lint.sh

demo: setup-tests build ## one file and one image through a swarm of three nodes on this machine, every digest verified
	@scripts/demo.sh

bench: setup-tests build ## speed and memory against curl, nginx and docker-registry; fails if a limit does not hold (BENCH_FLAGS="--only dfdaemon"); needs root
	@python3 Benchmarks/bench.py $(BENCH_FLAGS)

bench-limits: setup-tests build ## limits on rates, wanted and measured; fails if one is off by more than 5 %
	@python3 Benchmarks/limits.py $(BENCH_FLAGS)

bench-swarm: setup-tests build ## one file to 4, 8 and 16 hosts of 100 Mb/s, against the bound, curl and BitTorrent; needs root
	@python3 Benchmarks/swarm.py $(BENCH_FLAGS)

bench-scheduler: ## assignments a second and memory of the scheduler alone, up to 10,000 peers; fails if a limit does not hold
	$(SWIFT) build $(RELEASE) --product dfsim
	@.build/release/dfsim bench-scheduler $(BENCH_FLAGS)

bench-exchange: setup-tests build ## a supernode with 10,000 nodes connected: memory, threads, time, bytes; raises the limit of open files
	@python3 Benchmarks/exchange.py $(BENCH_FLAGS)

bench-webhook: setup-tests build ## 200 admission reviews a second over TLS; fails if the 99th percentile is over 100 ms
	@python3 Benchmarks/webhook.py $(BENCH_FLAGS)

sim: ## simulated swarms of up to 10,000 peers under the supernode's own scheduler; fails if a limit does not hold
	$(SWIFT) build $(RELEASE) --product dfsim
	@.build/release/dfsim run --check Benchmarks/scenarios/*.yml

scaling: ## simulate, and draw the curves of docs/scaling.md; SWARM=FILE (bench-swarm's --json): those of real hosts, too
	$(SWIFT) build $(RELEASE) --product dfsim
	@mkdir -p out
	@.build/release/dfsim run --json Benchmarks/scenarios/*.yml > out/scaling.json
	@python3 scripts/scaling.py --simulated out/scaling.json $(if $(SWARM),--measured "$(SWARM)")

clean: ## remove what was built
	$(SWIFT) package clean
	rm -rf out
