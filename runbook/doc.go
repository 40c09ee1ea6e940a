// Package runbook turns Markdown runbooks into typed steps: every command becomes exactly one of check, action, message, manual or refused,
// and nothing of it ever reaches a shell.
package runbook
