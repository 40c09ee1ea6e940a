package world

import (
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/svcdown/svcdown/sandbox/world/condition"
)

// DefaultNamespace is the runbook's.
const DefaultNamespace = "web3-marketplace-prod"

// Options name one world.
type Options struct {
	Dir       string // the sandbox's directory
	Namespace string // empty: DefaultNamespace
	Nodes     int    // size of the world's own node pool; 0: 4
}

func (o Options) complete() Options {
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Nodes <= 0 {
		o.Nodes = 4
	}
	return o
}

// Modes are the ways in which Break breaks a service.
func Modes() []string {
	return []string{
		condition.CrashLoop, condition.OOM, condition.ImagePull, condition.NotReady, condition.NoEndpoints, condition.StuckRollout,
		condition.Pending, condition.NodeDown, condition.DBRefusing, condition.RedisDown, condition.DiskFull,
	}
}

func connect(config *rest.Config) (kubernetes.Interface, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the sandbox's cluster: %w", err)
	}
	return client, nil
}
