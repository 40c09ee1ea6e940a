// Package steps runs one bound reading step of a runbook and reads its answer into a Finding.
package steps
