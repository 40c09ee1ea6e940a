package k8sops

import (
	"context"
	"slices"

	"github.com/svcdown/svcdown/catalog"
)

// WorstPods names at most n of the service's pods, those that need most attention first. Pods that ended or are being deleted are left out
// as long as there are others. No name and no error means that the service has no pods.
func (c *Cluster) WorstPods(ctx context.Context, svc catalog.Service, n int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	w, err := c.workload(ctx, svc)
	if err != nil {
		return nil, err
	}
	pods, err := c.podsOf(ctx, w)
	if err != nil {
		return nil, err
	}
	return worstPods(viewPods(pods.items, c.o.Now()), n), nil
}

func worstPods(views []podView, n int) []string {
	if slices.ContainsFunc(views, func(v podView) bool { return !v.gone }) {
		views = slices.DeleteFunc(slices.Clone(views), func(v podView) bool { return v.gone })
	}
	names := []string{}
	for _, v := range views[:min(max(n, 0), len(views))] {
		names = append(names, v.pod.Name)
	}
	return names
}
