package steps

import (
	"context"
	"fmt"
	"maps"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
)

// worst is how many pods <pod-name> stands for at most.
const worst = 5

// Bind fills a step's placeholders from given, the catalogue, and the cluster of this moment. A placeholder for a pod gives one step for each
// of the service's worst pods, but only in steps that read: which pod something is done to is always asked for, and so is whatever else nobody
// knows (<desired-count>). missing names what to ask for; bound is empty then. A namespace without services of the catalogue is an error.
func (r *Runner) Bind(ctx context.Context, svc catalog.Service, step runbook.Step, given runbook.Values) (bound []runbook.Step, missing []runbook.Hole, err error) {
	values := runbook.ServiceValues(svc)
	maps.Copy(values, given)
	var pods []string
	podHole := ""
	for _, h := range step.Holes() {
		switch {
		case values[h.Name] != "":
		case step.Class != runbook.Check:
			missing = append(missing, h)
		case h.Type == runbook.Pod && h.Whole && podHole == "":
			if pods, err = r.worstPods(ctx, svc); err != nil {
				return nil, nil, err
			}
			podHole = h.Name
		case h.Name == "container" || h.Name == "container-name":
			if values[h.Name], err = r.container(ctx, svc); err != nil {
				return nil, nil, err
			}
			if values[h.Name] == "" {
				missing = append(missing, h)
			}
		default:
			missing = append(missing, h)
		}
	}
	if len(missing) > 0 {
		return nil, missing, nil
	}
	if podHole == "" {
		pods = []string{""}
	}
	for _, pod := range pods {
		if podHole != "" {
			values[podHole] = pod
		}
		one, err := runbook.Bind(step, svc, values)
		if err != nil {
			return nil, nil, err
		}
		if ns := one.Operation.Get("namespace"); ns != "" && !r.ours(svc.Cluster, ns) {
			return nil, nil, fmt.Errorf("bind a step of %s:%d: namespace %q holds no service of the catalogue; nothing was run", step.File, step.Line, ns)
		}
		bound = append(bound, one)
	}
	return bound, nil, nil
}

func (r *Runner) worstPods(ctx context.Context, svc catalog.Service) ([]string, error) {
	cluster, err := r.cluster(svc.Cluster)
	if err != nil {
		return nil, fmt.Errorf("find the worst pods of %s: %w", svc.Name, err)
	}
	pods, err := cluster.WorstPods(ctx, svc, worst)
	if err == nil && len(pods) == 0 {
		err = fmt.Errorf("find the worst pods of %s: it has no pods; nothing was run", svc.Name)
	}
	return pods, err
}

// container is the service's only container, or the one that its pods call the default; "" when there is no telling.
func (r *Runner) container(ctx context.Context, svc catalog.Service) (string, error) {
	cluster, err := r.cluster(svc.Cluster)
	if err != nil {
		return "", fmt.Errorf("find the container of %s: %w", svc.Name, err)
	}
	return cluster.MainContainer(ctx, svc)
}
