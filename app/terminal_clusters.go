package app

import (
	"fmt"
	"io"
	"sync"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
)

// ownClusters opens the catalogue's clusters with the caller's own kubeconfig, each once, and says on errOut through which context.
type ownClusters struct {
	terminal Terminal
	catalog  *catalog.Catalog
	errOut   io.Writer

	mu   sync.Mutex
	open map[string]*k8sops.Cluster
}

func (o *ownClusters) named(name string) (*k8sops.Cluster, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cl := o.open[name]; cl != nil {
		return cl, nil
	}
	c, ok := o.catalog.Cluster(name)
	if !ok {
		return nil, fmt.Errorf("%s names no cluster %q", o.terminal.Config, name)
	}
	fmt.Fprintf(o.errOut, "Cluster %q is read through the context %q of your kubeconfig.\n", name, o.terminal.contextOf(c))
	cl, err := k8sops.Open(catalog.Cluster{Name: name, Kubeconfig: o.terminal.Kubeconfig, Context: c.Context}, k8sops.Options{Log: zerolog.Nop(), Version: Version, Now: utc})
	if err != nil {
		return nil, err
	}
	o.open[name] = cl
	return cl, nil
}
