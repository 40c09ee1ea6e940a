// Package e2e tells incident stories: the real bot as a process, over the Slack protocol, a real Kubernetes API server, Postgres and Redis.
package e2e
