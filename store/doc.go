// Package store keeps what must survive a crash in Postgres: requests, leases, jobs, the inbox and the audit chain.
package store

//go:generate env CGO_ENABLED=0 go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate
