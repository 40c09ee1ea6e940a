// Package checklist is what has become of each step of a runbook that people work through.
package checklist
