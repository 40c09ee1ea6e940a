package k8sops

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// check is one thing that a status looks at.
type check struct {
	name string
	look func(context.Context, *snapshot) (finding.Finding, error)
}

// safely is look, except that a defect of ours is an error: a panic of one check must not end the bot.
func (k check) safely(ctx context.Context, s *snapshot) (f finding.Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.c.o.Log.Error().Str("check", k.name).Interface("panic", p).Str("trace", string(debug.Stack())).Msg("a check panicked")
			err = &Error{Kind: Internal, Op: "check " + k.name, Err: fmt.Errorf("panic: %v", p),
				Message: redact.Const("The check broke off with a defect of svcdown's own; please report it.")}
		}
	}()
	return k.look(ctx, s)
}

// checks in the order in which people read them.
var checks = []check{
	{"pods", checkPods},
	{"rollout", checkRollout},
	{"endpoints", checkEndpoints},
	{"events", checkEvents},
	{"nodes", checkNodes},
	{"usage", checkUsage},
	{"hpa", checkHPA},
	{"pdb", checkPDB},
}

// Status runs every check of a service at once and returns their findings, always one for each check and in the same order. each, when not
// nil, is called for every finding as it comes, never twice at a time. A check that cannot answer within Options.CheckTimeout, or at all, is
// an Unknown finding that says why; it holds up no other. Requests for the same service at the same moment share one set of reads, which
// goes on when one of the askers leaves; an asker who left gets Unknown for what was not there yet.
func (c *Cluster) Status(ctx context.Context, svc catalog.Service, each func(finding.Finding)) []finding.Finding {
	key := svc.Namespace + "/" + svc.Workload.Kind + "/" + svc.Workload.Name + "/" + svc.KubernetesService
	c.mu.Lock()
	f := c.flights[key]
	if f == nil {
		f = &flight{changed: make(chan struct{})}
		c.flights[key] = f
		go func() {
			c.look(context.WithoutCancel(ctx), svc, f.add)
			c.mu.Lock()
			delete(c.flights, key)
			c.mu.Unlock()
			f.land()
		}()
	}
	c.mu.Unlock()
	return f.follow(ctx, each)
}

// look runs the checks and hands each finding to add, one at a time.
func (c *Cluster) look(ctx context.Context, svc catalog.Service, add func(finding.Finding)) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CheckTimeout)
	defer cancel()
	s := c.snapshot(ctx, svc)
	results := make(chan finding.Finding, len(checks))
	begin := time.Now()
	for _, k := range checks {
		go func() {
			f, err := k.safely(ctx, s)
			if err != nil {
				f = unknown(svc, err)
			}
			f.Check, f.Took = k.name, time.Since(begin)
			results <- f
		}()
	}
	for range checks {
		add(<-results)
	}
}

// unknown words a check that could not answer.
func unknown(svc catalog.Service, err error) finding.Finding {
	kind, message := classify(err)
	var own *Error
	if errors.As(err, &own) {
		kind, message = own.Kind, own.Message
	}
	f := finding.Finding{Status: finding.Unknown, Line: redact.F("Could not be checked. %s", message)}
	switch kind {
	case Forbidden:
		f.Fix = redact.F("Give svcdown's account get, list and watch on this in namespace %s (the chart's RBAC does).", svc.Namespace)
	case Unauthenticated:
		f.Fix = redact.Const("Renew the kubeconfig or the service account token that svcdown uses.")
	case Timeout, Unreachable:
		f.Fix = redact.Const("Ask again; if it stays, look at the API server and the network between it and svcdown.")
	case NotFound:
		f.Fix = redact.F("Check the names of service %s in svcdown.yaml against the cluster.", svc.Name)
	default:
		f.Fix = redact.Const("Ask again; if it stays, svcdown's log has the whole error.")
	}
	return f
}

// flight is one set of checks under way and those who wait for it.
type flight struct {
	mu       sync.Mutex
	findings []finding.Finding
	landed   bool
	changed  chan struct{} // closed and replaced whenever something above changes
}

func (f *flight) add(x finding.Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.findings = append(f.findings, x)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *flight) land() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.landed = true
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *flight) follow(ctx context.Context, each func(finding.Finding)) []finding.Finding {
	told := 0
	for {
		f.mu.Lock()
		got, landed, changed := f.findings[told:], f.landed, f.changed
		all := f.findings
		f.mu.Unlock()
		for _, x := range got {
			if each != nil {
				each(x)
			}
		}
		told += len(got)
		if landed || len(all) == len(checks) {
			return inOrder(all)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return inOrder(all)
		}
	}
}

// inOrder puts findings into the order of checks and stands in for those that are missing.
func inOrder(findings []finding.Finding) []finding.Finding {
	by := make(map[string]finding.Finding, len(findings))
	for _, f := range findings {
		by[f.Check] = f
	}
	out := make([]finding.Finding, len(checks))
	for i, k := range checks {
		f, ok := by[k.name]
		if !ok {
			f = finding.Finding{
				Check: k.name, Status: finding.Unknown, Line: redact.Const("Could not be checked. The request ended before the answer came."),
				Fix: redact.Const("Ask again."),
			}
		}
		out[i] = f
	}
	return out
}
