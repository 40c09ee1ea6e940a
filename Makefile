# The targets that people and CI use alike. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/svcdown/svcdown/app.Version=$(VERSION)
BIN := bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what demo and tests need (Postgres, Redis; for tests also Chromium)
	@./scripts/deps.sh $(WITH)

build: ## the bot, the demo and the local Slack, in bin/
	CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...
	cd sandbox && CGO_ENABLED=0 go build -o ../$(BIN)/sandbox .

demo: ## everything on this machine: Kubernetes, Slack, Postgres, Redis and the bot
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory build
	@exec $(BIN)/demo

test: ## everything that CI checks
	@$(MAKE) --no-print-directory deps WITH=tests
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory sandbox
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory e2e

lint: ## gofmt and vet, for Linux and macOS, with and without the test-only tag
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not gofmt'ed:"; echo "$$out"; exit 1; fi
	GOOS=linux go vet ./...
	GOOS=linux go vet -tags failpoint ./app/... ./cmd/svcdown/... ./e2e/...
	GOOS=darwin CGO_ENABLED=0 go vet ./...
	cd helm && go vet ./...

sandbox: ## build the local Kubernetes (about eight minutes on two cores, once)
	cd sandbox && GOOS=linux go vet ./... && CGO_ENABLED=0 go build -o ../$(BIN)/sandbox .
	$(BIN)/sandbox build

test-unit: ## all packages but the stories, with real Postgres, Redis and Kubernetes; the chart with Helm's own engine
	node --test slacksim/page_test/*.test.js
	go test -race -timeout 20m -p 1 $$(go list ./... | grep -v /e2e)
	cd sandbox && go test -timeout 20m ./...
	cd helm && go test ./...

e2e: ## the stories: the bot over the Slack protocol and a real Kubernetes
	go test -timeout 60m -count=1 ./e2e/...

bench: ## the figures of docs/operations.md, as ratios
	go run ./e2e/bench

generate: ## regenerate what is generated
	go generate ./...

.PHONY: help deps build demo test lint sandbox test-unit e2e bench generate
