.PHONY: help setup setup-tests build install test docs fuzz sanitize soak run demo bench clean \
    docker-image test-docker

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
	@echo 'make docker-image  the image lrp2p-gateway; make test-docker  tries such an image out'
	@echo 'make docs   the documentation in .build/docs, as a web site'
	@echo 'make build  all products, optimised, in $(RELEASE)'
	@echo 'make install  both programs, manual and completions, below PREFIX=/usr/local'
	@echo 'make clean  removes what was built'

# What building needs, and what the demo and the tour of the README use.
setup:
	@.ci/install-packages libsodium-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev \
		libcurl4-gnutls-dev pkg-config git curl jq

# prometheus with promtool; openssl for certificates; man-db, zsh and fish for the manual and the
# completions of the tool; python3-venv for the independent peer and the checks of the contract;
# what the clients in docker/examples are written in, and looked at with; chromium for the page, and
# a font, without which it shows no text.
setup-tests: setup $(PYTHON_READY)
	@.ci/install-packages prometheus openssl man-db zsh fish golang-go nodejs shellcheck \
		chromium chromium-driver fonts-dejavu-core

$(PYTHON_READY): $(REQUIREMENTS)
	@.ci/install-packages python3-venv
	python3 -m venv --clear .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check $(REQUIREMENTS:%=--requirement %)
	touch $@

build: setup
	swift build --configuration release

PREFIX := /usr/local
SHARE := $(DESTDIR)$(PREFIX)/share

install: setup
	swift build --configuration release --product lrp2p-gateway
	swift build --configuration release --product lrp2p
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/bash-completion/completions \
	    $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	install $(RELEASE)/lrp2p-gateway $(RELEASE)/lrp2p $(DESTDIR)$(PREFIX)/bin
	install --mode 644 Sources/lrp2p/lrp2p.1 $(SHARE)/man/man1
	$(RELEASE)/lrp2p --generate-completion-script bash \
	    > $(SHARE)/bash-completion/completions/lrp2p
	$(RELEASE)/lrp2p --generate-completion-script zsh > $(SHARE)/zsh/site-functions/_lrp2p
	$(RELEASE)/lrp2p --generate-completion-script fish \
	    > $(SHARE)/fish/vendor_completions.d/lrp2p.fish

# Tests that compute, by target. All of a run share the processor, and tests with sockets or
# processes have timeouts: those run afterwards, one by one.
COMPUTING := ^(SodiumTests|NoiseTests|LRP2PCoreTests|LRP2PSimulationTests)[.]
PROCESSES := ^(InteropTests|ContractTests|BrowserTests|EndToEndTests)[.]

test: setup-tests
	swift build --build-tests
	.ci/build-docs
	swift test --skip-build --filter '$(COMPUTING)'
	swift test --skip-build --no-parallel --skip '$(COMPUTING)' --skip '$(PROCESSES)'
	LRP2P_TEST_PYTHON=$(CURDIR)/$(PYTHON) swift test --skip-build --no-parallel \
	    --filter '^(InteropTests|ContractTests|BrowserTests)[.]'
	swift test --skip-build --filter '^EndToEndTests[.]'

docs: setup
	@.ci/build-docs

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

IMAGE := lrp2p-gateway
BUILDER := swift:6.3-bookworm
RUNTIME := debian:bookworm-slim

docker-image:
	docker build --file docker/Dockerfile --tag '$(IMAGE)' \
	    --build-arg BUILDER='$(BUILDER)' --build-arg RUNTIME='$(RUNTIME)' \
	    --build-arg VERSION="$$(sed -n 's/.* current = "\(.*\)"/\1/p' \
	        Sources/Gateway/GatewayVersion.swift)" \
	    --build-arg REVISION="$$(git describe --always --abbrev=40 --exclude '*' --dirty)" \
	    --build-arg CREATED="$$(git log -1 --format=%cI)" .

# Debian's engine and tools, unless there are others.
test-docker: setup
	@command -v docker >/dev/null && command -v dockerd >/dev/null || \
	    .ci/install-packages docker.io iptables
	@docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || \
	    .ci/install-packages docker-compose
	@.ci/install-packages debootstrap
	@exec docker/test

clean:
	rm -rf .build .venv
