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
	probe, failing := f.first(finding.ProbeFailing)
	s, unready := f.first(finding.NotReady)
	switch {
	case !failing && !unready:
		return finding.Hypothesis{}, false
	case f.has(finding.CrashLoop, finding.OOMKilled, finding.ImagePull, finding.ConfigError, finding.NodeDown) && !unready:
		return finding.Hypothesis{}, false // these explain the probe
	case f.has(finding.PodsReady) && !unready:
		return finding.Hypothesis{}, false // a warning of before: all pods are ready now
	}
	h := finding.Hypothesis{Score: 75, Verb: string(catalog.Restart), Do: redact.Const("restart if they hang; otherwise look at what they depend on")}
	switch {
	case failing && unready:
		h.Cause = redact.F("%s: the probe fails%s%s", pods(s, "runs but is not ready", "run but are not ready"), since(s), detail(probe))
	case unready:
		h.Cause = redact.F("%s%s%s", pods(s, "runs but is not ready", "run but are not ready"), since(s), detail(s))
	default:
		h.Cause = redact.F("%s%s%s", pods(probe, "fails its probe", "fail their probe"), since(probe), detail(probe))
	}
	for _, k := range []finding.Kind{finding.DBAnswers, finding.RedisAnswers, finding.NodesReady} {
		if good, ok := f.first(k); ok {
			h.For = append(h.For, redact.F("it lies in the pods: %s", speaks(good)))
		}
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
	for _, k := range []finding.Kind{finding.PodsReady, finding.EndpointsUp} {
		if good, ok := f.first(k); ok {
			h.For = append(h.For, redact.F("it lies before the pods: %s", speaks(good)))
		}
	}
	return h, true
}
