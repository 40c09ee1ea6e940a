// Package harden judges what stands between a service and its next outage: a score, gaps ordered by risk, and the YAML that mends each.
package harden
