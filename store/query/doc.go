// Package query is the SQL of package store, made into functions by sqlc from the .sql files beside it.
package query
