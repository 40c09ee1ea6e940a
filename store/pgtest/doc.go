// Package pgtest gives tests a real Postgres of their own.
package pgtest
