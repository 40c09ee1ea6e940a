// Package postgres runs a private instance of the system's own Postgres binaries.
package postgres
