// Package marketplace names the four services of the runbook's world, as its
// objects, its kubelets and its stand-in programs all need to know them.
package marketplace
