package k8sops

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// revision is one pod template that a workload had.
type revision struct {
	number   int64
	made     time.Time
	reused   bool // it was in use before: when it came back only managedFields know
	cause    string
	template corev1.PodTemplateSpec
}

// rollouts tells the revisions that came in the span, each against the one before.
func (k changed) rollouts(ctx context.Context) ([]finding.Change, error) {
	revisions, err := k.revisions(ctx)
	if err != nil {
		return nil, err
	}
	return k.judgeRevisions(revisions), nil
}

// judgeRevisions compares each revision with the one before; the newest stands first.
func (k changed) judgeRevisions(revisions []revision) []finding.Change {
	manager, written := templateManager(k.w.meta)
	var out []finding.Change
	for i, r := range revisions {
		ch := finding.Change{When: r.made, Kind: finding.ChangeRollout, Object: k.object(), Revision: r.number}
		if i == 0 {
			ch.Who = manager
		}
		if i == 0 && r.reused {
			ch.When = written
		}
		if !k.recent(ch.When) {
			continue
		}
		if i+1 == len(revisions) {
			if r.number > 1 { // what was before is no longer kept
				ch.What = redact.Const("another pod template; the one before is not kept")
			} else {
				ch.What = redact.Const("it was made")
			}
			out = append(out, ch)
			continue
		}
		before := revisions[i+1]
		parts := templateDiff(before.template, r.template)
		switch {
		case len(parts) == 0 && r.template.Annotations[restartedAt] != before.template.Annotations[restartedAt]:
			ch.Kind, ch.What = finding.ChangeRestart, redact.Const("a restart: all pods made anew from the same template")
		case len(parts) == 0:
			ch.What = redact.Const("labels, annotations or other fields of the pod template")
		default:
			ch.What = redact.Join("; ", parts...)
		}
		if r.reused {
			ch.What = redact.F("back to an earlier template: %s", ch.What)
		}
		if r.cause != "" {
			ch.What = redact.F("%s (%q)", ch.What, redact.F("%s", oneLine(r.cause)).Short(80).String())
		}
		out = append(out, ch)
	}
	return out
}

// revisions are those that the cluster still keeps, newest first.
func (k changed) revisions(ctx context.Context) ([]revision, error) {
	if k.w.kind != "Deployment" {
		return k.controllerRevisions(ctx)
	}
	sets, err := k.c.replicaSetsOf(ctx, k.w)
	if err != nil {
		return nil, err
	}
	var out []revision
	for _, rs := range sets {
		out = append(out, revisionsOf(rs)...)
	}
	slices.SortFunc(out, func(a, b revision) int { return cmp.Compare(b.number, a.number) })
	return out, nil
}

// revisionsOf are the revisions that a ReplicaSet has stood for: a rollback gives an old one a new number and notes those it had.
func revisionsOf(rs *appsv1.ReplicaSet) []revision {
	r := revision{
		number: revisionOf(rs.ObjectMeta), made: rs.CreationTimestamp.Time, cause: rs.Annotations["kubernetes.io/change-cause"], template: rs.Spec.Template,
	}
	var earlier []int64
	for _, n := range strings.Split(rs.Annotations["deployment.kubernetes.io/revision-history"], ",") {
		if number, err := strconv.ParseInt(n, 10, 64); err == nil {
			earlier = append(earlier, number)
		}
	}
	r.reused = len(earlier) > 0
	out := []revision{r}
	slices.Sort(earlier)
	for i, n := range earlier {
		past := revision{number: n, template: r.template, reused: i > 0}
		if i == 0 {
			past.made = r.made
		}
		out = append(out, past)
	}
	if r.reused {
		out[0].made = time.Time{} // when it came back, only managedFields know
	}
	return out
}

func (k changed) controllerRevisions(ctx context.Context) ([]revision, error) {
	list, err := k.c.client.AppsV1().ControllerRevisions(k.svc.Namespace).List(ctx, metav1.ListOptions{LabelSelector: k.w.selector.String(), Limit: most})
	if err != nil {
		return nil, apiError("read controllerrevisions", "namespace "+k.svc.Namespace, err)
	}
	var out []revision
	for i := range list.Items {
		cr := &list.Items[i]
		if !metav1.IsControlledBy(cr, &k.w.meta) {
			continue
		}
		r, err := readControllerRevision(cr)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b revision) int { return cmp.Compare(b.number, a.number) })
	// A rollback takes an old revision into use again and gives it a new number.
	for i := range out {
		out[i].reused = i+1 < len(out) && out[i].made.Before(out[i+1].made)
	}
	return out, nil
}

func readControllerRevision(cr *appsv1.ControllerRevision) (revision, error) {
	var data struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(cr.Data.Raw, &data); err != nil {
		// The error may quote what it read, and that holds values.
		return revision{}, &Error{Kind: Internal, Op: "read controllerrevision", Object: cr.Name, Message: redact.Const("A stored revision is not what this version understands.")}
	}
	return revision{
		number: cr.Revision, made: cr.CreationTimestamp.Time, cause: cr.Annotations["kubernetes.io/change-cause"], template: data.Spec.Template,
	}, nil
}
