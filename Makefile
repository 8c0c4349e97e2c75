# Usher. `make run` and `make test` do all their own set-up; `make help` lists the rest.
SHELL := /bin/bash
# Tools that deploy/setup.sh fetched come first; Go's own installer leaves /usr/local/go out of PATH.
TOOLS := $(CURDIR)/.usher/tools/bin
export PATH := $(TOOLS):$(PATH):/usr/local/go/bin
# A packaged Go fetches the version go.mod asks for.
GOTOOLCHAIN ?= auto
export GOTOOLCHAIN
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# nomsgpack: gin without a codec that nothing here speaks, a tenth of the binary.
GO_BUILD := CGO_ENABLED=0 go build -tags nomsgpack -buildvcs=false -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
# Tools that are not part of the product, pinned here and nowhere else.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.DEFAULT_GOAL := help
.PHONY: help run test setup build web generate verify lint vuln bench eval test/go test/race test/web test/e2e db/reset clean

help: ## List the targets
	@grep -hE '^[a-z0-9/]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Set everything up, load the demo, serve, and print sign-in links
	@deploy/setup.sh run
	@$(MAKE) --no-print-directory build
	@exec bin/usher run

test: ## Set everything up and run all tests, the browser journeys included
	@deploy/setup.sh test
	@deploy/test.sh

setup: ## Install what is missing for running and testing
	@deploy/setup.sh test

build: web ## Build bin/usher with the web inside
	@$(GO_BUILD) -o bin/usher ./cmd/usher

web: ## Build the web if its sources changed
	@deploy/web.sh

generate: ## Write generated code anew from the contract
	@deploy/web.sh modules
	@go generate ./...
	@cd portal/web && npm run --silent generate

verify: generate ## Fail when generated code differs from the contract
	@git diff --exit-code -- '*.gen.go' '*.gen.ts' || { echo "generated code is out of date: run 'make generate' and commit"; exit 1; }

lint: ## Run golangci-lint (the import rules are also a Go test)
	@command -v golangci-lint >/dev/null || GOBIN=$(TOOLS) go install $(GOLANGCI_LINT) || { echo "golangci-lint: not run: it is not installed and could not be fetched"; exit 1; }
	@golangci-lint run

vuln: ## Check for known vulnerabilities (needs the vulnerability database)
	@command -v govulncheck >/dev/null || GOBIN=$(TOOLS) go install $(GOVULNCHECK) || { echo "govulncheck: not run: it is not installed and could not be fetched"; exit 1; }
	@govulncheck ./...; status=$$?; [ $$status = 0 ] || [ $$status = 3 ] || echo "govulncheck: not run: see the lines above"; exit $$status

test/go: ## Run the Go tests only (ARGS: packages and flags)
	@deploy/setup.sh run
	@go build -buildvcs=false -o bin/testpg ./migrations/localpg/testpg
	@bin/testpg run -- go test $(or $(ARGS),./...)

test/race: ## Run the Go tests under the race detector (needs a C compiler)
	@$(MAKE) --no-print-directory test/go ARGS='-race $(or $(ARGS),./...)'

test/web: ## Run the web's unit tests
	@deploy/web.sh modules
	@cd portal/web && npm test --silent

test/e2e: build ## Run the browser journeys only
	@deploy/web.sh journeys
	@go build -buildvcs=false -o bin/testpg ./migrations/localpg/testpg
	@cd portal/e2e && ../../bin/testpg run --dir ../../.usher/test -- npm test --silent

bench: build ## Throughput and latency as ratios to a floor measured in the same run
	@for what in intake triage search stream; do bin/usher bench $$what || exit 1; done

eval: build ## Measure the engine on the public development data (USHER_TESTDATA)
	@deploy/eval.sh

db/reset: ## Delete this checkout's private database
	@go run ./migrations/localpg/testpg remove --dir $(or $(USHER_DIR),.usher)

clean: ## Remove what was built; the database stays
	@rm -rf bin portal/web/dist/.stamp
	@find portal/web/dist -mindepth 1 ! -name placeholder.txt -delete 2>/dev/null || true
