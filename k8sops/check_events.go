package k8sops

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func checkEvents(ctx context.Context, s *snapshot) (finding.Finding, error) {
	w, err := s.workload.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	// Pods and ReplicaSets only widen the choice: without one of them the others' events still count. An autoscaler's own warnings outlive
	// their cause by an hour; the hpa check has its state of now.
	sets, _ := s.replicaSets.get(ctx)
	pods, _ := s.pods.get(ctx)
	about := concerned{objects: map[object]bool{{w.kind, w.meta.Name}: true, {"Service", s.svc.KubernetesService}: true}}
	about.add(w, sets, pods.items)
	if s.remembered != nil {
		return judgeEvents(about.among(s.remembered), about, s.c.o.Now()), nil
	}
	all, err := s.events.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeEvents(warningsOf(all.items), about, s.c.o.Now()), nil
}

// concerned says which objects belong to a service. Pods that are gone already are known by the name of their ReplicaSet or StatefulSet.
type concerned struct {
	objects    map[object]bool
	prefixes   []string // of pod names
	everything bool     // whatever it is about
}

type object struct{ kind, name string }

func (c *concerned) add(w workload, sets []*appsv1.ReplicaSet, pods []*corev1.Pod) {
	for _, rs := range sets {
		c.objects[object{"ReplicaSet", rs.Name}] = true
		c.prefixes = append(c.prefixes, rs.Name+"-")
	}
	if w.kind != "Deployment" {
		c.prefixes = append(c.prefixes, w.meta.Name+"-")
	}
	for _, p := range pods {
		c.objects[object{"Pod", p.Name}] = true
	}
}

func (c concerned) has(kind, name string) bool {
	if c.everything || c.objects[object{kind, name}] {
		return true
	}
	if kind != "Pod" {
		return false
	}
	for _, p := range c.prefixes {
		if rest, ok := strings.CutPrefix(name, p); ok && !strings.Contains(rest, "-") {
			return true
		}
	}
	return false
}

// byFamily is the index of events by the family of what they are about.
const byFamily = "family"

// family is an object, or for a pod all that its controller made: a full namespace has thousands of warnings, of which one service's are few.
func (o object) family() string {
	if o.kind == "Pod" {
		return "Pod/" + o.name[:strings.LastIndexByte(o.name, '-')+1]
	}
	return o.kind + "/" + o.name
}

func familyOfEvent(obj any) ([]string, error) {
	e, ok := obj.(*warning)
	if !ok {
		return nil, nil
	}
	return []string{e.about.family()}, nil
}

// among returns the events of the families concerned.
func (c concerned) among(all cache.Indexer) []*warning {
	families := map[string]bool{}
	for o := range c.objects {
		families[o.family()] = true
	}
	for _, p := range c.prefixes {
		families[object{"Pod", p}.family()] = true
	}
	var out []*warning
	for f := range families {
		some, _ := all.ByIndex(byFamily, f) // its only error is an index that does not exist
		for _, o := range some {
			if e, ok := o.(*warning); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

// eventGroup is one reason with one message, over all objects that show it.
type eventGroup struct {
	reason  string
	message string // as the cluster says it: only what is shown is cleaned, for cleaning costs more than all the rest
	last    time.Time
	times   int
	objects map[string]bool
	newest  string
}

// current is how far back a Warning counts for the verdict; older ones are shown.
const current = 15 * time.Minute

func judgeEvents(all []*warning, about concerned, now time.Time) finding.Finding {
	groups := groupEvents(all, about)
	f := finding.Finding{Check: "events", Status: finding.OK, Line: redact.Const("no warning events of these objects")}
	if len(groups) == 0 {
		return f
	}
	newest := groups[0]
	if now.Sub(newest.last) <= current {
		f.Status = finding.Warn
		f.Line = redact.F("%s %d× on %s, last at %s: %s", newest.reason, newest.times, on(newest), clock(newest.last, now), redact.Clean(newest.message).Short(160))
		if n := len(groups) - 1; n > 0 {
			f.Line = redact.F("%s; %d more kinds of warnings", f.Line, n)
		}
	} else {
		f.Line = redact.F("no warning events since %s, the last was %s", clock(newest.last, now), newest.reason)
	}
	for _, g := range groups {
		if k := eventKind(g); k != "" && now.Sub(g.last) <= current {
			f.Signals = append(f.Signals, finding.Signal{Kind: k, Object: g.newest, Count: len(g.objects), Since: g.last, Detail: redact.Clean(g.message).Short(300)})
		}
	}
	f.Evidence = []finding.Evidence{warningTable(groups, now)}
	return f
}

func warningTable(groups []eventGroup, now time.Time) finding.Evidence {
	t := &finding.Table{Columns: texts("Last", "Times", "Reason", "Object", "Message")}
	for _, g := range groups[:min(len(groups), 2*worst)] {
		t.Rows = append(t.Rows, []redact.Text{clock(g.last, now), redact.F("%d", g.times), redact.Clean(g.reason), on(g), redact.Clean(g.message).Short(200)})
	}
	return finding.Evidence{Title: redact.Const("Warning events, newest first"), Table: t}
}

func on(g eventGroup) redact.Text {
	if len(g.objects) > 1 {
		return redact.F("%d objects", len(g.objects))
	}
	return redact.Clean(g.newest)
}

// groupEvents keeps the Warning events of the objects concerned and puts the same story of several pods together, newest first.
func groupEvents(all []*warning, about concerned) []eventGroup {
	by := map[string]*eventGroup{}
	for _, e := range all {
		if !about.has(e.about.kind, e.about.name) {
			continue
		}
		involved := e.about.kind + "/" + e.about.name
		message := strings.ReplaceAll(oneLine(e.message), " in pod "+e.about.name+"_"+e.namespace+"("+e.uid+")", "")
		key := e.about.kind + "\x00" + e.reason + "\x00" + strings.ReplaceAll(message, e.about.name, "")
		g := by[key]
		if g == nil {
			g = &eventGroup{reason: e.reason, objects: map[string]bool{}}
			by[key] = g
		}
		g.times += e.times
		g.objects[involved] = true
		if g.newest == "" || e.last.After(g.last) {
			g.last, g.newest, g.message = e.last, involved, message
		}
	}
	groups := make([]eventGroup, 0, len(by))
	for _, g := range by {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b eventGroup) int {
		return cmp.Or(b.last.Compare(a.last), cmp.Compare(a.reason, b.reason), cmp.Compare(a.newest, b.newest))
	})
	return groups
}

func eventKind(g eventGroup) finding.Kind {
	switch {
	case g.reason == "Unhealthy":
		return finding.ProbeFailing
	case g.reason == "FailedMount", g.reason == "FailedAttachVolume", g.reason == "ProvisioningFailed", g.reason == "FailedMapVolume":
		return finding.VolumeProblem
	case g.reason == "Evicted":
		return finding.Evicted
	case g.reason == "FailedCreate" && strings.Contains(g.message, "exceeded quota"):
		return finding.QuotaExceeded
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
