package diagnose

import (
	"slices"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Hypotheses ranks the likely causes that the findings' signals speak for, best first; equal scores keep the order of the rules below,
// which goes from cause to symptom. A healthy world gives none.
func Hypotheses(svc catalog.Service, findings []finding.Finding) []finding.Hypothesis {
	s := collect(findings)
	var out []finding.Hypothesis
	for _, rule := range rules {
		if h, ok := rule(svc, s); ok {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b finding.Hypothesis) int { return b.Score - a.Score })
	return out
}

// signals are the facts by kind, the strongest of each kind first.
type signals map[finding.Kind][]finding.Signal

func collect(findings []finding.Finding) signals {
	s := signals{}
	for _, f := range findings {
		for _, sig := range f.Signals {
			s[sig.Kind] = append(s[sig.Kind], sig)
		}
	}
	for k := range s {
		slices.SortStableFunc(s[k], func(a, b finding.Signal) int { return b.Count - a.Count })
	}
	return s
}

func (s signals) first(k finding.Kind) (finding.Signal, bool) {
	if len(s[k]) == 0 {
		return finding.Signal{}, false
	}
	return s[k][0], true
}

type rule func(catalog.Service, signals) (finding.Hypothesis, bool)

var rules = []rule{scaledToZero, nodeDown, badRollout, imagePull, configError, oom, crash, pending, selectorMismatch, probeFailing, notReady, stuckRollout, noEndpoints, healthFailing, hpaAtMax}

func badRollout(svc catalog.Service, s signals) (finding.Hypothesis, bool) {
	crash, crashing := s.first(finding.CrashLoop)
	roll, rolled := s.first(finding.RecentRollout)
	if !crashing || !rolled || crash.Revision == 0 || crash.Revision != roll.Revision {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{
		Score: 95,
		Cause: redact.F("%s%s%s, after rollout %d", pods(crash, "crashes", "crash"), since(crash), detail(crash), roll.Revision),
		For:   []redact.Text{redact.F("all crashing pods belong to revision %d%s", roll.Revision, detail(roll))},
	}
	if svc.Workload.Kind == "Deployment" && roll.Revision > 1 {
		h.Verb, h.Do = string(catalog.Rollback), redact.F("roll back to the revision before %d", roll.Revision)
	} else {
		h.Do = redact.Const("put the previous image back where the workload is defined")
	}
	return h, true
}

func crash(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	c, ok := s.first(finding.CrashLoop)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 80, Cause: redact.F("%s%s%s", pods(c, "crashes", "crash"), since(c), detail(c)),
		Do: redact.Const("read the logs of the crashed container: logs --previous")}, true
}

func oom(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	o, ok := s.first(finding.OOMKilled)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 90, Cause: redact.F("%s%s%s", pods(o, "runs out of memory", "run out of memory"), since(o), detail(o)),
		Verb: string(catalog.Restart), Do: redact.Const("restart to get time, then raise the memory limit or find the leak")}
	if near, ok := s.first(finding.MemoryNearLimit); ok {
		h.For = append(h.For, redact.F("memory is near its limit%s", detail(near)))
	}
	return h, true
}

func imagePull(svc catalog.Service, s signals) (finding.Hypothesis, bool) {
	i, ok := s.first(finding.ImagePull)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 92, Cause: redact.F("%s%s%s", pods(i, "cannot pull its image", "cannot pull their image"), since(i), detail(i)), Do: redact.Const("correct the image's name or the registry's credentials")}
	if roll, ok := s.first(finding.RecentRollout); ok && svc.Workload.Kind == "Deployment" && roll.Revision > 1 {
		h.Verb, h.Do = string(catalog.Rollback), redact.F("roll back to the revision before %d", roll.Revision)
	}
	return h, true
}

func configError(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	return simple(s, finding.ConfigError, 92, "cannot start: a ConfigMap, Secret or key is missing", "cannot start: a ConfigMap, Secret or key is missing", "", redact.Const("create what is missing, or roll back the change that asks for it"))
}

func pending(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	return simple(s, finding.Pending, 85, "cannot be scheduled", "cannot be scheduled", "", redact.Const("give the cluster room, or lower what the pods request"))
}

func nodeDown(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	n, ok := s.first(finding.NodeDown)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 94, Cause: redact.F("%s %s down%s%s", count(n, "node"), isAre(n.Count), since(n), detail(n)),
		Do: redact.Const("pods move by themselves after about five minutes; a StatefulSet's pod waits for its node")}, true
}

func probeFailing(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	if len(s[finding.CrashLoop]) > 0 {
		return finding.Hypothesis{}, false // the crash explains the probe
	}
	return simple(s, finding.ProbeFailing, 75, "fails its probe", "fail their probe", catalog.Restart, redact.Const("restart if they hang; otherwise look at what they depend on"))
}

func notReady(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	for _, k := range []finding.Kind{finding.CrashLoop, finding.ImagePull, finding.ConfigError, finding.Pending, finding.ProbeFailing, finding.OOMKilled, finding.NodeDown} {
		if len(s[k]) > 0 {
			return finding.Hypothesis{}, false
		}
	}
	return simple(s, finding.NotReady, 70, "runs but is not ready", "run but are not ready", catalog.Restart, redact.Const("restart if they hang; otherwise look at what they depend on"))
}

func selectorMismatch(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	m, ok := s.first(finding.SelectorMismatch)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 90, Cause: redact.F("the Service selects none of the pods%s", detail(m)), Do: redact.Const("correct the Service's selector or the pods' labels")}, true
}

func noEndpoints(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	e, ok := s.first(finding.NoEndpoints)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 60, Cause: redact.F("no ready address stands behind the Service%s", detail(e)), Do: redact.Const("see why no pod is ready")}, true
}

func stuckRollout(svc catalog.Service, s signals) (finding.Hypothesis, bool) {
	r, ok := s.first(finding.RolloutStuck)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 72, Cause: redact.F("rollout %d does not get on%s%s", r.Revision, since(r), detail(r))}
	if svc.Workload.Kind == "Deployment" && r.Revision > 1 {
		h.Verb, h.Do = string(catalog.Rollback), redact.F("roll back to the revision before %d", r.Revision)
	}
	return h, true
}

func scaledToZero(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	z, ok := s.first(finding.ScaledToZero)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 96, Cause: redact.F("it is scaled to zero%s", since(z)), Verb: string(catalog.Scale), Do: redact.Const("scale it up")}, true
}

func healthFailing(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	f, ok := s.first(finding.HealthFailing)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 40, Cause: redact.F("the health URL fails%s", detail(f)), Do: redact.Const("if the pods are well, look at what stands before them: ingress, DNS, certificates")}, true
}

func hpaAtMax(_ catalog.Service, s signals) (finding.Hypothesis, bool) {
	f, ok := s.first(finding.HPAAtMax)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 35, Cause: redact.F("the autoscaler is at its maximum%s", detail(f)), Do: redact.Const("raise maxReplicas, or find what drives the load")}, true
}

func simple(s signals, k finding.Kind, score int, one, many string, verb catalog.Action, do redact.Text) (finding.Hypothesis, bool) {
	sig, ok := s.first(k)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: score, Cause: redact.F("%s%s%s", pods(sig, one, many), since(sig), detail(sig)), Verb: string(verb), Do: do}, true
}

// pods says what pods do, in the right number: "2 of 3 pods crash", "1 pod crashes".
func pods(s finding.Signal, one, many string) redact.Text {
	switch {
	case s.Of > 1:
		if s.Count == 1 {
			return redact.F("1 of %d pods %s", s.Of, one)
		}
		return redact.F("%d of %d pods %s", s.Count, s.Of, many)
	case s.Count > 1:
		return redact.F("%d pods %s", s.Count, many)
	default:
		return redact.F("the pod %s", one)
	}
}

func count(s finding.Signal, noun string) redact.Text {
	if s.Count == 1 {
		return redact.F("1 %s", noun)
	}
	return redact.F("%d %ss", s.Count, noun)
}

func isAre(n int) redact.Text {
	if n == 1 {
		return redact.Const("is")
	}
	return redact.Const("are")
}

func since(s finding.Signal) redact.Text {
	if s.Since.IsZero() {
		return redact.Text{}
	}
	return redact.F(" since %s", s.Since.In(time.UTC).Format("15:04"))
}

func detail(s finding.Signal) redact.Text {
	if s.Detail.Empty() {
		return redact.Text{}
	}
	return redact.F(", %s", s.Detail.Short(shortLine))
}
