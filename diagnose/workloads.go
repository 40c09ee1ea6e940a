package diagnose

import (
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// workloads are the rules about the pods themselves.
var workloads = []rule{
	{finding.BadRollout, badRollout, nil},
	{string(finding.ConfigError), configError, nil},
	{string(finding.ImagePull), imagePull, nil},
	{string(finding.OOMKilled), oom, nil},
	{string(finding.RolloutStuck), stuckRollout, nil},
	{string(finding.CrashLoop), crash, nil},
	{string(finding.HPAAtMax), hpaAtMax, nil},
}

// badRollout: pods crash that the last rollout made.
func badRollout(f facts) (finding.Hypothesis, bool) {
	crash, crashing := f.first(finding.CrashLoop)
	roll, ok := f.rolled(crash)
	if !crashing || !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 95, Cause: redact.F("%s%s%s, after %s", pods(crash, "crashes", "crash"), since(crash), detail(crash), rollout(roll))}
	change, known := f.change(finding.ChangeRollout, crash.Since)
	if known {
		roll.Detail = redact.Text{} // which the change says better
	}
	if roll.Revision != 0 {
		h.For = append(h.For, redact.F("all crashing pods belong to revision %d%s", roll.Revision, detail(roll)))
	} else {
		h.For = append(h.For, redact.F("it began right after the rollout%s", detail(roll)))
	}
	if known {
		h.For = append(h.For, Told(change))
	}
	h.Do = redact.Const("put the previous template back where the workload is defined")
	return f.withLog(f.withRollback(h, crash)), true
}

// rollout names a rollout: by its number where it has one.
func rollout(s finding.Signal) redact.Text {
	if s.Revision == 0 {
		return redact.Const("the last rollout")
	}
	return redact.F("rollout %d", s.Revision)
}

// withRollback makes the way back the action when a trouble came with the last rollout and there is a revision before it.
func (f facts) withRollback(h finding.Hypothesis, trouble finding.Signal) finding.Hypothesis {
	roll, ok := f.rolled(trouble)
	if ok && f.svc.Workload.Kind == "Deployment" && roll.Revision > 1 {
		h = f.back(h, roll.Revision)
	}
	return h
}

// back makes the way back from a revision the action, and names where it leads.
func (f facts) back(h finding.Hypothesis, from int64) finding.Hypothesis {
	h.Verb, h.Do = string(catalog.Rollback), redact.F("roll back to the revision before %d", from)
	if to, ok := f.first(finding.EarlierRevision); ok && to.Revision < from {
		h.Revision, h.To = to.Revision, redact.F("revision %d (%s)", to.Revision, to.Detail.Short(60))
		h.Do = redact.F("roll back to %s", h.To)
	}
	return h
}

func crash(f facts) (finding.Hypothesis, bool) {
	c, ok := f.first(finding.CrashLoop)
	if _, rolled := f.rolled(c); !ok || rolled {
		return finding.Hypothesis{}, false // the rollout is the cause, and said
	}
	h := finding.Hypothesis{Score: 80, Cause: redact.F("%s%s%s", pods(c, "crashes", "crash"), since(c), detail(c)),
		Do: redact.Const("read the logs of the crashed container: logs --previous")}
	if ch, ok := f.change(finding.ChangeConfig, c.Since); ok {
		h.For = append(h.For, Told(ch))
	}
	return f.withLog(h), true
}

func oom(f facts) (finding.Hypothesis, bool) {
	o, ok := f.first(finding.OOMKilled)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 90, Cause: redact.F("%s%s%s", pods(o, "runs out of memory", "run out of memory"), since(o), detail(o)),
		Verb: string(catalog.Restart), Do: redact.Const("restart to get time, then raise the memory limit or find the leak")}
	if near, ok := f.first(finding.MemoryNearLimit); ok {
		h.For = append(h.For, redact.F("memory is near its limit%s", detail(near)))
	}
	if c, ok := f.change(finding.ChangeRollout, o.Since); ok && strings.Contains(c.What.String(), "memory limit") {
		h = f.withRollback(h, o)
		h.For = append(h.For, Told(c))
	}
	return h, true
}

func imagePull(f facts) (finding.Hypothesis, bool) {
	i, ok := f.first(finding.ImagePull)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 92, Cause: redact.F("%s%s%s", pods(i, "cannot pull its image", "cannot pull their image"), since(i), detail(i)), Do: redact.Const("correct the image's name or the registry's credentials")}
	// The image of a new revision that was never pulled anywhere is that revision's, whatever number the pods carry by now.
	if roll, ok := f.first(finding.RecentRollout); ok && f.svc.Workload.Kind == "Deployment" && roll.Revision > 1 {
		h = f.back(h, roll.Revision)
		if c, ok := f.change(finding.ChangeRollout, i.Since); ok {
			h.For = append(h.For, Told(c))
		} else {
			h.For = append(h.For, redact.F("rollout %d%s", roll.Revision, detail(roll)))
		}
	}
	return h, true
}

func configError(f facts) (finding.Hypothesis, bool) {
	do := redact.Const("create what is missing, or roll back the change that asks for it")
	s, ok := f.first(finding.ConfigError)
	if ok {
		h := finding.Hypothesis{Score: 93, Cause: redact.F("%s: a ConfigMap, Secret or key is missing%s%s", pods(s, "cannot start", "cannot start"), since(s), detail(s)), Do: do}
		return f.withRollback(h, s), true
	}
	for _, k := range []finding.Kind{finding.SecretMissing, finding.ConfigMissing} {
		if s, ok := f.first(k); ok {
			return finding.Hypothesis{Score: 60, Cause: redact.F("%s is missing%s", orThe(s.Object, "a ConfigMap, Secret or key"), detail(s)), Do: do,
				For: []redact.Text{redact.Const("pods that start from now on cannot; those that run are not touched")}}, true
		}
	}
	return finding.Hypothesis{}, false
}

// stuckRollout: the new revision's pods have never been ready.
func stuckRollout(f facts) (finding.Hypothesis, bool) {
	never, hasNever := f.first(finding.NeverReady)
	r, ok := f.first(finding.RolloutStuck)
	if !ok {
		if r, ok = f.first(finding.RolloutRunning); !ok || !hasNever {
			return finding.Hypothesis{}, false
		}
		if _, rolled := f.rolled(never); !rolled {
			return finding.Hypothesis{}, false
		}
	}
	if f.has(finding.CrashLoop, finding.ImagePull, finding.ConfigError, finding.OOMKilled, finding.Pending, finding.QuotaExceeded, finding.NodeDown) && !hasNever {
		return finding.Hypothesis{}, false // why it does not get on is said by these
	}
	h := finding.Hypothesis{Score: 91, Cause: redact.F("%s does not get on%s%s", rollout(r), since(r), detail(r)), Do: redact.Const("put the previous template back where the workload is defined")}
	if hasNever {
		h.For = append(h.For, redact.F("%s", pods(never, "of it has never been ready", "of it have never been ready")))
	}
	roll, recent := f.first(finding.RecentRollout)
	if recent && !roll.Detail.Empty() {
		h.For = append(h.For, redact.F("it changed %s", roll.Detail))
	}
	if f.svc.Workload.Kind == "Deployment" && r.Revision > 1 && !f.has(finding.RecentRestart) {
		h = f.back(h, r.Revision)
	}
	return f.withLog(h), true
}

func hpaAtMax(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.HPAAtMax)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 35, Cause: redact.F("the autoscaler is at its maximum%s", detail(s)), Do: redact.Const("raise maxReplicas, or find what drives the load")}, true
}
