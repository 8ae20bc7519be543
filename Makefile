.PHONY: help setup setup-tests build test fuzz sanitize soak run demo bench clean

RELEASE := .build/release
PYTHON := .venv/bin/python
PYTHON_READY := .venv/ready
REQUIREMENTS := Tests/InteropTests/Peer/requirements.txt \
    Tests/ContractTests/Contract/requirements.txt \
    Tests/BrowserTests/Browser/requirements.txt

help:
	@echo 'make demo   two gateways on this machine, a file from one to the other; ARGS=--once to end'
	@echo 'make run    one gateway; ARGS="--http 127.0.0.1:8081 ..." (see ARGS=--help)'
	@echo 'make test   everything needed, and all tests'
	@echo 'make fuzz   looks for inputs that break a parser; ARGS="seconds target ..."'
	@echo 'make sanitize  the tests with ThreadSanitizer; ARGS=address with AddressSanitizer'
	@echo 'make soak   gateways at work for MINUTES=30, with faults; fails if they grow'
	@echo 'make bench  measures all there is, a quarter of an hour; ARGS=... (see ARGS=--help)'
	@echo 'make build  all products, optimised, in $(RELEASE)'
	@echo 'make clean  removes what was built'

# What building needs, and what the demo and the tour of the README use.
setup:
	@.ci/install-packages libsodium-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev \
		pkg-config git curl jq

# prometheus for promtool; python3-venv for the independent peer and the checks of the contract;
# chromium for the page, and a font, without which it shows no text.
setup-tests: setup $(PYTHON_READY)
	@.ci/install-packages prometheus chromium chromium-driver \
		fonts-dejavu-core

$(PYTHON_READY): $(REQUIREMENTS)
	@.ci/install-packages python3-venv
	python3 -m venv --clear .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check $(REQUIREMENTS:%=--requirement %)
	touch $@

build: setup
	swift build --configuration release

# Tests that compute, by target. All of a run share the processor, and tests with sockets or
# processes have timeouts: those run afterwards, one by one.
COMPUTING := ^(SodiumTests|NoiseTests|LRP2PCoreTests|LRP2PSimulationTests)[.]
PROCESSES := ^(InteropTests|ContractTests|BrowserTests|EndToEndTests)[.]

test: setup-tests
	swift build --build-tests
	swift test --skip-build --filter '$(COMPUTING)'
	swift test --skip-build --no-parallel --skip '$(COMPUTING)' --skip '$(PROCESSES)'
	LRP2P_TEST_PYTHON=$(CURDIR)/$(PYTHON) swift test --skip-build --no-parallel \
	    --filter '^(InteropTests|ContractTests|BrowserTests)[.]'
	swift test --skip-build --filter '^EndToEndTests[.]'

fuzz: setup
	@exec Tests/Fuzz/run $(ARGS)

sanitize: setup-tests
	@exec Tests/Sanitizers/run $(or $(ARGS),thread)

MINUTES := 30

soak: setup
	swift build --configuration release --product lrp2p-gateway
	swift build --configuration release --product lrp2p-bench
	@exec $(RELEASE)/lrp2p-bench soak --minutes $(MINUTES) $(ARGS)

run: setup
	swift build --configuration release --product lrp2p-gateway
	@exec $(RELEASE)/lrp2p-gateway $(ARGS)

demo: setup
	swift build --configuration release --product lrp2p-gateway
	@exec .ci/demo $(ARGS)

bench: setup
	swift build --configuration release --product lrp2p-gateway
	swift build --configuration release --product lrp2p-bench
	@exec $(RELEASE)/lrp2p-bench $(or $(ARGS),all)

clean:
	rm -rf .build .venv
