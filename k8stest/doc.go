// Package k8stest gives tests a real Kubernetes API: one sandbox for a test binary, one namespace with the runbook's world for a test.
package k8stest
