// Package kubelet plays the kubelets of a world's nodes: it gives the world's
// pods the life that their conditions ask for, and answers logs, exec and
// resource metrics for them.
//
// The pods are real objects of a real API server and everything above the
// kubelet is real as well: schedulers, controllers, endpoints. Only what a node
// would do is played, from the pod's spec and from the world's state, so that a
// new ReplicaSet, an undo or a deleted pod changes the outcome by itself.
package kubelet
