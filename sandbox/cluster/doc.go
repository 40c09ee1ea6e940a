// Package cluster runs one Kubernetes control plane on loopback.
package cluster
