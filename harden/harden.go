package harden

import (
	"cmp"
	"slices"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Case is all that a judgement rests on.
type Case struct {
	Service catalog.Service
	// Dependents are the services that depend on it.
	Dependents   []catalog.Service
	Protection   finding.Protection
	Certificates []finding.Certificate
	// Watched says that svcdown asks the health URLs by itself.
	Watched bool
	Now     time.Time
}

// Item is one thing that was looked at, with what would mend it.
type Item struct {
	Finding finding.Finding
	// Weight is how much of the score hangs on it.
	Weight int
	// Remedies mend it; none when it is well, or when only people can.
	Remedies []Remedy
}

// Remedy is one new object, or one patch of an object that exists.
type Remedy struct {
	// Target is the object to patch, as kubectl names it ("deployment/backend-deployment"); "" for a new object.
	Target string
	// body is the whole object, or the strategic merge patch of Target.
	body fields
}

// Report is the judgement.
type Report struct {
	// Items are ordered by risk: what costs most of the score first, then what could not be told, then what is well.
	Items []Item
	// Score is from 0 to 100 over what could be told; Told is of how many items that is, and a score of nothing means nothing.
	Score, Told int
	// Apart are the checks that do not apply, each with the reason.
	Apart []redact.Text

	target string // the workload, as kubectl names it
}

// rule judges one aspect. It does not apply to every service; the item's line then says why.
type rule struct {
	name   string
	weight int
	judge  func(Case) (item Item, applies bool)
}

// rules with their weights: what takes a whole service down weighs most.
func rules() []rule {
	return []rule{
		{"replicas", 15, replicas},
		{"probes", 15, probes},
		{"resources", 15, resources},
		{"backup", 15, backup},
		{"pdb", 10, budget},
		{"spread", 10, spread},
		{"images", 10, images},
		{"network", 10, network},
		{"alerts", 10, alerts},
		{"certificate", 10, certificate},
		{"hpa", 5, autoscaler},
		{"monitoring", 5, monitoring},
	}
}

// Judge judges a service's protection. Ok counts whole, a warning half, a failure nothing; what could not be told counts neither way.
func Judge(c Case) Report {
	r := Report{target: workload(c.Protection)}
	all, got := 0, 0
	for _, k := range rules() {
		i, applies := k.judge(c)
		i.Finding.Check, i.Weight = k.name, k.weight
		if !applies {
			r.Apart = append(r.Apart, redact.F("%s: %s", k.name, i.Finding.Line))
			continue
		}
		r.Items = append(r.Items, i)
		if i.Finding.Status == finding.Unknown {
			continue
		}
		r.Told++
		all += 2 * k.weight
		got += 2*k.weight - i.loss()
	}
	if all > 0 {
		r.Score = got * 100 / all
	}
	slices.SortStableFunc(r.Items, func(a, b Item) int {
		if by := cmp.Compare(b.loss(), a.loss()); by != 0 {
			return by
		}
		return cmp.Compare(told(a), told(b))
	})
	return r
}

// loss is what an item costs, in half weights.
func (i Item) loss() int {
	switch i.Finding.Status {
	case finding.Fail:
		return 2 * i.Weight
	case finding.Warn:
		return i.Weight
	default:
		return 0
	}
}

func told(i Item) int {
	if i.Finding.Status == finding.Unknown {
		return 0
	}
	return 1
}

// Gaps are the items that cost something.
func (r Report) Gaps() []Item {
	return slices.DeleteFunc(slices.Clone(r.Items), func(i Item) bool { return i.loss() == 0 })
}

func item(status finding.Status, line, fix redact.Text, remedies ...Remedy) (Item, bool) {
	return Item{Finding: finding.Finding{Status: status, Line: line, Fix: fix}, Remedies: remedies}, true
}

func well(line redact.Text) (Item, bool) { return item(finding.OK, line, redact.Text{}) }

func apart(why redact.Text) (Item, bool) { return Item{Finding: finding.Finding{Line: why}}, false }

// unread is the item of a part that could not be looked at.
func unread[T any](p finding.Part[T]) (Item, bool) { return item(finding.Unknown, p.Unread, p.Fix) }
