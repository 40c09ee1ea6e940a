package k8sops

import (
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func checkPods(ctx context.Context, s *snapshot) (finding.Finding, error) {
	w, err := s.workload.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	pods, err := s.pods.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	// Without ReplicaSets the finding only lacks the rollout's number.
	sets, _ := s.replicaSets.get(ctx)
	return judgePods(w, viewPods(pods.items, s.c.o.Now()), sets, pods.truncated, s.c.o.Now()), nil
}

func judgePods(w workload, views []podView, sets []*appsv1.ReplicaSet, truncated bool, now time.Time) finding.Finding {
	live, ready, starting := 0, 0, 0
	groups := map[finding.Kind][]podView{}
	var order []finding.Kind
	recent := 0
	for _, v := range views {
		if v.gone && v.kind != finding.Evicted {
			continue
		}
		if !v.gone {
			live++
		}
		if v.ready {
			ready++
		}
		if v.recent {
			recent++
		}
		if v.kind == "" {
			continue
		}
		if fresh(v, now) {
			starting++
		}
		if groups[v.kind] == nil {
			order = append(order, v.kind)
		}
		groups[v.kind] = append(groups[v.kind], v)
	}
	f := finding.Finding{Check: "pods", Status: finding.OK}
	if live == 0 {
		return noPods(w, f)
	}
	for _, k := range order {
		f.Signals = append(f.Signals, signalOf(k, groups[k], live, sets))
		if never := slices.DeleteFunc(slices.Clone(groups[k]), func(v podView) bool { return !neverReady(v.pod) }); k == finding.NotReady && len(never) > 0 {
			s := signalOf(k, never, live, sets)
			s.Kind = finding.NeverReady
			f.Signals = append(f.Signals, s)
		}
	}
	f.Evidence = []finding.Evidence{podTable(views, now)}
	if truncated {
		f.Evidence = append(f.Evidence, finding.Evidence{Title: redact.F("Only the first %d pods were read; counts are of these.", most)})
	}
	if ready < live {
		f.Status = finding.Warn
	}
	for _, k := range order {
		if (k != finding.NotReady && k != finding.Pending && k != finding.Evicted) || 2*ready < live && starting < live-ready {
			f.Status = finding.Fail
		}
	}
	switch {
	case len(order) > 0 && order[0] != finding.Evicted:
		first := f.Signals[0]
		f.Line = redact.F("%d of %d %s %s", first.Count, live, pods(live), does(order[0], first.Count, starting == live-ready))
		if !first.Since.IsZero() {
			f.Line = redact.F("%s since %s", f.Line, clock(first.Since, now))
		}
		f.Line = redact.Join(", ", f.Line, first.Detail.Short(160), after(first.Revision))
		if rest := live - ready - first.Count; rest > 0 {
			f.Line = redact.F("%s; %d more not ready", f.Line, rest)
		}
	case len(order) > 0: // evicted ones only
		f.Status = finding.Warn
		f.Line = redact.F("%d of %d %s ready; %d were evicted: %s", ready, live, pods(live), len(groups[finding.Evicted]), groups[finding.Evicted][0].detail.Short(160))
	case ready < live || ready < int(w.desired):
		f.Status = finding.Warn
		f.Line = redact.F("%d of %d %s ready", ready, max(int(w.desired), live), pods(max(int(w.desired), live)))
	case recent > 0:
		f.Status = finding.Warn
		f.Line = redact.F("%d of %d %s ready; %d restarted within the last 10 minutes, %s", ready, live, pods(live), recent, firstRecent(views).detail)
	case live == 1:
		f.Line = redact.Const("the one pod is ready")
	default:
		f.Line = redact.F("all %d pods are ready", ready)
	}
	return f
}

// neverReady reports whether a pod has not been ready since it was made: its Ready condition still is what the kubelet wrote when it took the
// pod on. One that lost its readiness has a later transition.
func neverReady(p *corev1.Pod) bool {
	r, begin := condition(p, corev1.PodReady), p.CreationTimestamp.Time
	if s := condition(p, corev1.PodScheduled); s != nil && s.LastTransitionTime.After(begin) {
		begin = s.LastTransitionTime.Time
	}
	return r == nil || r.Status != corev1.ConditionTrue && r.LastTransitionTime.Sub(begin) < takenOn
}

// takenOn is how long after its scheduling the kubelet has written a pod's first status.
const takenOn = 5 * time.Second

// fresh pods had no time to become ready yet.
func fresh(v podView, now time.Time) bool {
	return (v.kind == finding.NotReady || v.kind == finding.Pending && v.detail.Empty()) && now.Sub(v.pod.CreationTimestamp.Time) < 30*time.Second
}

func noPods(w workload, f finding.Finding) finding.Finding {
	f.Status = finding.Fail
	if w.desired == 0 {
		f.Line = redact.F("%s is scaled to zero: no pod runs", w.ref())
		f.Signals = []finding.Signal{{Kind: finding.ScaledToZero, Object: w.kind + "/" + w.meta.Name}}
		return f
	}
	f.Line = redact.F("none of %d pods exists", w.desired)
	signal := finding.Signal{Kind: finding.NoPods, Object: w.kind + "/" + w.meta.Name, Of: int(w.desired)}
	if w.failure != nil {
		signal.Detail = redact.Clean(w.failure.Message)
		f.Line = redact.F("%s: %s", f.Line, signal.Detail.Short(200))
	}
	f.Signals = []finding.Signal{signal}
	return f
}

// signalOf sums up the pods of one kind of trouble: the earliest time, the first detail, the rollout when it is the same for all.
func signalOf(k finding.Kind, views []podView, live int, sets []*appsv1.ReplicaSet) finding.Signal {
	s := finding.Signal{Kind: k, Object: "Pod/" + views[0].pod.Name, Count: len(views), Of: live, Detail: views[0].detail}
	same := true
	for i, v := range views {
		if !v.since.IsZero() && (s.Since.IsZero() || v.since.Before(s.Since)) {
			s.Since = v.since
		}
		rev := revisionOfPod(v, sets)
		if i > 0 && rev != s.Revision {
			same = false
		}
		s.Revision = rev
	}
	// An old revision that fails, or a new one that was well for long, says nothing about a rollout.
	if !same || len(sets) < 2 || s.Revision != revisionOf(sets[0].ObjectMeta) || s.Since.Sub(sets[0].CreationTimestamp.Time) > soonAfter {
		s.Revision = 0
	}
	return s
}

// soonAfter a rollout a failure is told together with it.
const soonAfter = 15 * time.Minute

func revisionOfPod(v podView, sets []*appsv1.ReplicaSet) int64 {
	ref := metav1.GetControllerOf(v.pod)
	for _, rs := range sets {
		if ref != nil && rs.UID == ref.UID {
			return revisionOf(rs.ObjectMeta)
		}
	}
	return 0
}

func does(k finding.Kind, n int, starting bool) redact.Text {
	one := n == 1
	switch k {
	case finding.CrashLoop, finding.OOMKilled:
		return either(one, "crashes", "crash")
	case finding.ImagePull:
		return either(one, "cannot pull its image", "cannot pull their image")
	case finding.ConfigError:
		return either(one, "cannot start its container", "cannot start their containers")
	case finding.Pending:
		if starting {
			return either(one, "is starting", "are starting")
		}
		return either(one, "is pending", "are pending")
	default:
		if starting {
			return either(one, "is starting", "are starting")
		}
		return either(one, "is not ready", "are not ready")
	}
}

func either(one bool, singular, plural string) redact.Text {
	if one {
		return redact.Clean(singular)
	}
	return redact.Clean(plural)
}

func pods(n int) redact.Text { return either(n == 1, "pod", "pods") }

func after(revision int64) redact.Text {
	if revision == 0 {
		return redact.Text{}
	}
	return redact.F("after rollout %d", revision)
}

func firstRecent(views []podView) podView {
	for _, v := range views {
		if v.recent {
			return v
		}
	}
	return podView{}
}

// worst is how many pods the table shows.
const worst = 5

func podTable(views []podView, now time.Time) finding.Evidence {
	t := &finding.Table{Columns: texts("Pod", "Ready", "State", "Restarts", "Since", "Node")}
	for i, v := range views {
		if i == worst {
			break
		}
		up := 0
		for _, s := range v.pod.Status.ContainerStatuses {
			if s.Ready {
				up++
			}
		}
		state := v.reason
		if state == "" {
			state = string(v.pod.Status.Phase)
		}
		since := v.since
		if since.IsZero() {
			since = v.pod.CreationTimestamp.Time
		}
		t.Rows = append(t.Rows, []redact.Text{
			redact.Clean(v.pod.Name), redact.F("%d/%d", up, len(v.pod.Spec.Containers)), redact.Join(" ", redact.Clean(state), v.detail.Short(80)),
			redact.F("%d", v.restarts), clock(since, now), redact.Clean(v.pod.Spec.NodeName),
		})
	}
	title := redact.Const("Pods")
	if len(views) > worst {
		title = redact.F("The %d pods that need most attention, of %d", worst, len(views))
	}
	return finding.Evidence{Title: title, Table: t}
}

func texts(parts ...string) []redact.Text {
	out := make([]redact.Text, len(parts))
	for i, p := range parts {
		out[i] = redact.Clean(p)
	}
	return out
}

// clock writes a time as people on call say it: the time of day, with the day when it is not today's.
func clock(t, now time.Time) redact.Text {
	t = t.In(now.Location())
	layout := "15:04"
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		layout = "Jan 2 15:04"
	}
	return redact.Clean(t.Format(layout))
}
