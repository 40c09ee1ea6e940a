// Package k8sops does what an engineer would do with kubectl, typed: it reads a service, makes and executes Plans, and watches rollouts.
package k8sops
