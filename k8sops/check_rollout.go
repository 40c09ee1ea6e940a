package k8sops

import (
	"context"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func checkRollout(ctx context.Context, s *snapshot) (finding.Finding, error) {
	w, err := s.workload.get(ctx)
	if KindOf(err) == NotFound {
		return finding.Finding{
			Status: finding.Fail, Line: redact.F("%s does not exist", objectOf(s.svc)),
			Fix:     redact.F("Was it deleted, or does svcdown.yaml name it wrongly for service %s?", s.svc.Name),
			Signals: []finding.Signal{{Kind: finding.NoPods, Object: s.svc.Workload.Kind + "/" + s.svc.Workload.Name}},
		}, nil
	}
	if err != nil {
		return finding.Finding{}, err
	}
	sets, err := s.replicaSets.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeChange(w, sets, s.c.o.Now()), nil
}

// news is how long the last rollout counts as a likely cause.
const news = time.Hour

func judgeChange(w workload, sets []*appsv1.ReplicaSet, now time.Time) finding.Finding {
	state, change := judgeRollout(w), lastChange(w, sets)
	object := w.kind + "/" + w.meta.Name
	f := finding.Finding{Check: "rollout", Status: finding.OK}
	signal := func(k finding.Kind, detail redact.Text) {
		f.Signals = append(f.Signals, finding.Signal{
			Kind: k, Object: object, Count: state.Updated, Of: state.Desired, Detail: detail, Revision: change.revision, Since: change.when,
		})
	}
	settled := w.progress != nil && w.progress.Reason == "NewReplicaSetAvailable"
	name := redact.Const("the rollout")
	if change.revision > 0 {
		name = redact.F("rollout %d", change.revision)
	}
	switch {
	case state.Failed:
		f.Status = finding.Fail
		f.Line = redact.F("%s is stuck: %s", name, state.Line)
		signal(finding.RolloutStuck, state.Line)
	case w.paused:
		f.Status = finding.Warn
		f.Line = redact.F("%s is paused: %d of %d updated, %d available", name, state.Updated, state.Desired, state.Available)
		signal(finding.RolloutPaused, state.Line)
	case state.Done:
		f.Line = redact.F("%s is complete: %s", name, state.Line)
		if w.onDelete {
			f.Line = redact.F("strategy OnDelete: %d of %d pods have the newest template", w.updated, w.desired)
		}
	case settled && w.updated >= w.desired:
		f.Status = finding.Warn
		f.Line = redact.F("%s had completed; now %d of %d pods are available", name, state.Available, state.Desired)
	default:
		f.Status = finding.Warn
		f.Line = redact.F("%s is under way: %s", name, state.Line)
		signal(finding.RolloutRunning, state.Line)
	}
	if w.failure != nil && w.failure.Status == corev1.ConditionTrue {
		message := redact.Clean(w.failure.Message)
		f.Status = finding.Fail
		f.Line = redact.F("%s; new pods are refused: %s", f.Line, message.Short(200))
		if strings.Contains(w.failure.Message, "exceeded quota") {
			signal(finding.QuotaExceeded, message)
		}
	}
	if !change.when.IsZero() {
		f.Line = redact.F("%s; %s", f.Line, change.line(now))
		if age := now.Sub(change.when); age < news && !change.made {
			kind := finding.RecentRollout
			if w.kind == "Deployment" && change.restart {
				kind = finding.RecentRestart // what runs is what ran before: going back to it mends nothing
			}
			signal(kind, change.what())
		}
	}
	if len(f.Signals) > 0 && w.kind == "Deployment" {
		if to, _, err := chooseRevision("", w, sets, 0); err == nil {
			f.Signals = append(f.Signals, finding.Signal{Kind: finding.EarlierRevision, Object: object, Revision: revisionOf(to.ObjectMeta), Detail: imagesOf(to, w)})
		}
	}
	f.Evidence = []finding.Evidence{changeTable(w, sets, change, now)}
	return f
}

// change is what changed last in the pod template.
type change struct {
	revision int64
	when     time.Time
	manager  string
	images   redact.Text // "backend 2.7.3 → 2.8.0", "" when no image changed
	restart  bool        // nothing changed but the mark of a restart
	made     bool        // there was nothing before: the object is new
}

func (c change) what() redact.Text {
	switch {
	case !c.images.Empty():
		return c.images
	case c.restart:
		return redact.Const("a restart")
	case c.made:
		return redact.Const("it was made")
	default:
		return redact.Const("the pod template, with the same images")
	}
}

func (c change) line(now time.Time) redact.Text {
	l := redact.F("last change at %s: %s", clock(c.when, now), c.what())
	if c.manager != "" {
		l = redact.F("%s, by %s", l, c.manager)
	}
	return l
}

const restartedAt = "kubectl.kubernetes.io/restartedAt"

func lastChange(w workload, sets []*appsv1.ReplicaSet) change {
	c := change{revision: w.revision()}
	c.manager, c.when = templateManager(w.meta)
	if w.kind != "Deployment" || len(sets) == 0 {
		if c.made = c.when.IsZero() || w.meta.Generation <= 1; c.made {
			c.when = w.meta.CreationTimestamp.Time
		}
		c.restart = w.template.Annotations[restartedAt] != ""
		return c
	}
	now := sets[0]
	// A rollback takes an old ReplicaSet into use again: then only managedFields know when.
	if now.Annotations["deployment.kubernetes.io/revision-history"] == "" {
		c.when = now.CreationTimestamp.Time
	}
	c.made = len(sets) == 1 && revisionOf(now.ObjectMeta) == 1
	if len(sets) > 1 {
		before := sets[1]
		c.images = imageChange(before.Spec.Template, now.Spec.Template)
		c.restart = c.images.Empty() && now.Spec.Template.Annotations[restartedAt] != before.Spec.Template.Annotations[restartedAt]
	}
	return c
}

// templateManager is who last wrote the pod template, by managedFields.
func templateManager(m metav1.ObjectMeta) (manager string, when time.Time) {
	for _, e := range m.ManagedFields {
		if e.FieldsV1 == nil || e.Subresource != "" || !strings.Contains(e.FieldsV1.GetRawString(), `"f:template"`) {
			continue
		}
		if e.Time != nil && !e.Time.Time.Before(when) {
			manager, when = e.Manager, e.Time.Time
		}
	}
	return manager, when
}

func imageChange(before, now corev1.PodTemplateSpec) redact.Text {
	old := map[string]string{}
	for _, k := range before.Spec.Containers {
		old[k.Name] = k.Image
	}
	var parts []redact.Text
	for _, k := range now.Spec.Containers {
		if was, ok := old[k.Name]; ok && was != k.Image {
			from, to := tags(was, k.Image)
			parts = append(parts, redact.F("%s %s → %s", k.Name, from, to))
		}
	}
	return redact.Join(", ", parts...)
}

// tags shortens two images to their tags when only these differ.
func tags(a, b string) (string, string) {
	ra, ta, okA := cutTag(a)
	rb, tb, okB := cutTag(b)
	if okA && okB && ra == rb {
		return ta, tb
	}
	return a, b
}

// cutTag splits an image at its digest or at the colon of its tag; a colon before the last slash belongs to a port.
func cutTag(image string) (repository, tag string, ok bool) {
	if repository, digest, found := strings.Cut(image, "@"); found {
		return repository, digest, true
	}
	i := strings.LastIndex(image, ":")
	if i < 0 || strings.Contains(image[i:], "/") {
		return image, "", false
	}
	return image[:i], image[i+1:], true
}

func changeTable(w workload, sets []*appsv1.ReplicaSet, c change, now time.Time) finding.Evidence {
	if len(sets) == 0 {
		t := &finding.Table{Columns: texts("Desired", "Updated", "Ready", "Available", "Changed", "By")}
		t.Rows = [][]redact.Text{{redact.F("%d", w.desired), redact.F("%d", w.updated), redact.F("%d", w.ready), redact.F("%d", w.available),
			clock(c.when, now), redact.Clean(c.manager)}}
		return finding.Evidence{Title: redact.Const("Rollout"), Table: t}
	}
	t := &finding.Table{Columns: texts("Revision", "Made", "Pods", "Available", "Images")}
	for i, rs := range sets {
		if i == worst {
			break
		}
		var images []redact.Text
		for _, k := range rs.Spec.Template.Spec.Containers {
			images = append(images, redact.Clean(k.Image))
		}
		t.Rows = append(t.Rows, []redact.Text{
			redact.F("%d", revisionOf(rs.ObjectMeta)), clock(rs.CreationTimestamp.Time, now), redact.F("%d", rs.Status.Replicas),
			redact.F("%d", rs.Status.AvailableReplicas), redact.Join(", ", images...),
		})
	}
	return finding.Evidence{Title: redact.Const("Revisions"), Table: t}
}
