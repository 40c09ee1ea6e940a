package diagnose

import (
	"slices"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Case is all that is known of a service at a moment.
type Case struct {
	Service catalog.Service
	// Findings are those of the status checks: they are about the service's own pods, nodes and endpoints.
	Findings []finding.Finding
	// Steps are those of a runbook's steps. They may be about anything in the cluster, so only what is said of databases, caches, disks,
	// networks and configuration is taken from them.
	Steps   []finding.Finding
	Changes []finding.Change
	// Below are the services that it depends on. What lies below these is not looked at.
	Below []Case
}

// Hypotheses ranks the likely causes that a status' findings speak for, best first. A healthy world gives none.
func Hypotheses(svc catalog.Service, findings []finding.Finding) []finding.Hypothesis {
	return Diagnose(Case{Service: svc, Findings: findings})
}

// Diagnose ranks the likely causes, best first; equal scores keep the order of the rules, which goes from cause to symptom. A healthy world gives
// none, whatever has changed in it.
func Diagnose(c Case) []finding.Hypothesis {
	out := own(c)
	for _, below := range c.Below {
		out = append(out, lift(c.Service, below)...)
	}
	out = merge(out)
	rank(out)
	explain(out)
	rank(out)
	return out
}

func rank(list []finding.Hypothesis) {
	slices.SortStableFunc(list, func(a, b finding.Hypothesis) int { return b.Score - a.Score })
}

// own are the hypotheses of one service alone.
func own(c Case) []finding.Hypothesis {
	f := collect(c)
	var out []finding.Hypothesis
	for _, r := range rules {
		h, ok := r.judge(f)
		if !ok {
			continue
		}
		h.Name = r.name
		h = f.anew(h)
		for _, k := range r.against {
			if s, ok := f.first(k); ok {
				h.Against = append(h.Against, speaks(s))
				h.Score -= doubt
			}
		}
		out = append(out, h)
	}
	f.remember(out)
	return out
}

// doubt is what one fact against a hypothesis takes from its score.
const doubt = 8

// rule makes one hypothesis, or none. against are the facts that speak against it.
type rule struct {
	name    string
	judge   func(facts) (finding.Hypothesis, bool)
	against []finding.Kind
}

// rules from cause to symptom.
var rules = slices.Concat(data, places, workloads, symptoms)

// deep is the score from which the trouble of a service below is a cause for the one above; lesser ones are symptoms or nuisances there.
const deep = 60

// lift makes what is wrong with a service below a hypothesis of the one that depends on it. What is wrong there in general (its pods are not
// ready) ranks with the causes here: whoever asks here wants to look there.
func lift(svc catalog.Service, below Case) []finding.Hypothesis {
	list := own(below)
	rank(list)
	var out []finding.Hypothesis
	for _, h := range list {
		if h.Score < deep {
			continue
		}
		if len(out) > 0 && symptom(h.Name) {
			continue // the cause there is said already
		}
		h.Service = below.Service.Name
		h.Cause = redact.F("%s, on which %s depends: %s", below.Service.Name, svc.Name, h.Cause)
		h.Score--
		if len(out) == 0 {
			h.Score = max(h.Score, lifted)
		}
		out = append(out, h)
	}
	return out
}

// lifted is the least score of trouble below: more than that of any symptom here.
const lifted = 83

// merge makes one of two hypotheses of the same name where the one names the service in which it lies and the other saw it from outside.
func merge(list []finding.Hypothesis) []finding.Hypothesis {
	var out []finding.Hypothesis
	for _, h := range list {
		i := slices.IndexFunc(out, func(o finding.Hypothesis) bool {
			return o.Name == h.Name && outside(h.Name) && (o.Service == "" || h.Service == "" || o.Service == h.Service)
		})
		if i < 0 {
			out = append(out, h)
			continue
		}
		far, near := out[i], h
		if near.Service == "" {
			far, near = near, far
		}
		near.Score = max(near.Score, far.Score)
		near.For = append(near.For, far.For...)
		near.Against = append(near.Against, far.Against...)
		out[i] = near
	}
	return out
}

// outside reports whether a hypothesis is about something that a client sees from outside as well.
func outside(name string) bool {
	return slices.ContainsFunc(data, func(r rule) bool { return r.name == name })
}

func symptom(name string) bool {
	return slices.ContainsFunc(symptoms, func(r rule) bool { return r.name == name })
}

// explain takes the weight off symptoms that a stronger hypothesis accounts for; they stay in the list, since they may have a cause of their own.
func explain(list []finding.Hypothesis) {
	if len(list) == 0 || symptom(list[0].Name) {
		return
	}
	for i := range list[1:] {
		h := &list[i+1]
		if symptom(h.Name) && h.Service == "" {
			h.Score, h.For = min(h.Score, explained), nil
			h.Against = append(h.Against, redact.F("it follows from the first: %s", list[0].Cause.Short(shortLine)))
		}
	}
}

// explained is the highest score of a symptom whose cause is known.
const explained = 30
