package diagnose

import (
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// symptoms are what people notice first. They are hypotheses of their own only as long as no cause is known.
var symptoms = []rule{
	{string(finding.ProbeFailing), probeFailing, nil},
	{string(finding.NoPods), noPods, nil},
	{string(finding.NoEndpoints), noEndpoints, nil},
	{string(finding.VolumeProblem), volumes, []finding.Kind{finding.VolumesBound}},
	{string(finding.TLSExpiring), tls, nil},
	{string(finding.HealthFailing), healthFailing, nil},
}

// probeFailing: pods run and are not ready.
func probeFailing(f facts) (finding.Hypothesis, bool) {
	s, unready := f.first(finding.NotReady)
	if !unready {
		return finding.Hypothesis{}, false // a warning of before, or a crash that explains it
	}
	h := finding.Hypothesis{Score: 75, Verb: string(catalog.Restart), Do: redact.Const("restart if they hang; otherwise look at what they depend on"),
		Cause: redact.F("%s%s%s", pods(s, "runs but is not ready", "run but are not ready"), since(s), detail(s))}
	if probe, failing := f.first(finding.ProbeFailing); failing {
		h.Cause = redact.F("%s: the probe fails%s%s", pods(s, "runs but is not ready", "run but are not ready"), since(s), detail(probe))
	}
	if good := f.good(finding.DBAnswers, finding.RedisAnswers, finding.NodesReady); !good.Empty() {
		h.For = append(h.For, redact.F("it lies in the pods: %s", good))
	}
	return f.withLog(h), true
}

func noPods(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.NoPods)
	if !ok || f.has(finding.QuotaExceeded) {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 78, Cause: redact.F("no pod exists%s", detail(s)), Do: redact.Const("see the events of the workload: something keeps it from making pods, or it was deleted")}, true
}

func noEndpoints(f facts) (finding.Hypothesis, bool) {
	e, ok := f.first(finding.NoEndpoints)
	if !ok || f.has(finding.SelectorMismatch) {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 60, Cause: redact.F("no ready address stands behind the Service%s", detail(e)), Do: redact.Const("see why no pod is ready")}, true
}

func volumes(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.VolumeProblem)
	if !ok || f.has(finding.PodsReady) {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 72, Cause: redact.F("a volume cannot be attached or mounted%s%s", since(s), detail(s)), Do: redact.Const("see the claim's events, and whether the volume still hangs on another node")}, true
}

func tls(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.TLSExpiring)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 45, Cause: redact.F("a certificate has expired or will soon%s", detail(s)), Do: redact.Const("renew the certificate")}, true
}

func healthFailing(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.HealthFailing)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 40, Cause: redact.F("the health URL fails%s", detail(s)), Do: redact.Const("if the pods are well, look at what stands before them: ingress, DNS, certificates")}
	if good := f.good(finding.PodsReady, finding.EndpointsUp); !good.Empty() {
		h.For = append(h.For, redact.F("it lies before the pods: %s", good))
	}
	return h, true
}

// good says those of the good facts that there are.
func (f facts) good(kinds ...finding.Kind) redact.Text {
	var parts []redact.Text
	for _, k := range kinds {
		if s, ok := f.first(k); ok {
			parts = append(parts, speaks(s))
		}
	}
	return redact.Join(", ", parts...)
}
