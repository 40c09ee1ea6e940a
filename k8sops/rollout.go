package k8sops

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// RolloutState is how far a rollout has come. At most one of Done and Failed is true.
type RolloutState struct {
	Updated, Ready, Available, Desired int
	Done, Failed                       bool
	Line                               redact.Text
}

// judgeRollout applies the rules of `kubectl rollout status` (k8s.io/kubectl v0.37, pkg/polymorphichelpers/rollout_status.go); a test holds it
// against the real kubectl. It differs where kubectl gives up: a strategy OnDelete is done once the controller has seen the change, and says
// that no pod was replaced.
func judgeRollout(w workload) RolloutState {
	s := RolloutState{Updated: int(w.updated), Ready: int(w.ready), Available: int(w.available), Desired: int(w.desired)}
	wait := func(t redact.Text) RolloutState { s.Line = t; return s }
	done := func(t redact.Text) RolloutState { s.Done, s.Line = true, t; return s }
	if w.meta.Generation > w.observed || w.kind == "StatefulSet" && w.observed == 0 {
		return wait(redact.Const("waiting for the controller to see the change"))
	}
	if w.onDelete {
		return done(redact.Const("the change is in, and no pod has it yet: strategy OnDelete replaces a pod only when somebody deletes it"))
	}
	switch w.kind {
	case "Deployment":
		switch {
		case w.progress != nil && w.progress.Reason == "ProgressDeadlineExceeded":
			s.Failed = true
			return wait(redact.F("the rollout exceeded its deadline of %d s: %d of %d updated, %d available", w.deadline, w.updated, w.desired, w.available))
		case w.updated < w.desired && w.paused:
			return wait(redact.F("the rollout is paused: %d of %d updated", w.updated, w.desired))
		case w.updated < w.desired:
			return wait(redact.F("%d of %d new pods are there", w.updated, w.desired))
		case w.total > w.updated:
			return wait(redact.F("%d old pods have yet to end", w.total-w.updated))
		case w.available < w.updated:
			return wait(redact.F("%d of %d updated pods are available", w.available, w.updated))
		}
	case "StatefulSet":
		switch {
		case w.ready < w.desired:
			return wait(redact.F("%d of %d pods are ready", w.ready, w.desired))
		case w.rolling && w.updated < w.desired-w.partition:
			return wait(redact.F("%d of %d new pods are there", w.updated, w.desired-w.partition))
		case w.rolling && w.partition > 0:
			return done(redact.F("above partition %d, %d pods are new", w.partition, w.updated))
		case !w.rolling && w.update != w.current:
			return wait(redact.F("%d of %d pods are new", w.updated, w.desired))
		}
	case "DaemonSet":
		switch {
		case w.updated < w.desired:
			return wait(redact.F("%d of %d new pods are there", w.updated, w.desired))
		case w.available < w.desired:
			return wait(redact.F("%d of %d updated pods are available", w.available, w.desired))
		}
	}
	return done(redact.F("%d of %d pods are available", w.available, w.desired))
}

// Rollout watches the target to the end of its rollout and calls each, when not nil, for every new state. It ends with Done, or with Failed when
// the Deployment exceeded its progress deadline, the object was replaced or deleted, or (for kinds without a deadline, and as a net under
// the others) nothing moved for Options.Stall. An error means that the end was not seen, also when the API server is away for as long: the
// state returned is the last one known.
func (c *Cluster) Rollout(ctx context.Context, t plan.Target, each func(RolloutState)) (RolloutState, error) {
	resource, err := resourceOf(t.Kind)
	if err != nil {
		return RolloutState{}, err
	}
	if each == nil {
		each = func(RolloutState) {}
	}
	follow := &following{target: t, each: each, stall: c.o.Stall, moved: time.Now()}
	s := scope{resource: resource, namespace: t.Namespace, field: "metadata.name=" + t.Name}
	for {
		version, ended, err := follow.look(ctx, c, s)
		if ended || ctx.Err() != nil {
			return follow.last, apiError("watch the rollout", t.String(), ctx.Err())
		}
		if err != nil {
			// The API server may be away for a moment: the rollout goes on without us, so we look again.
			c.o.Log.Warn().Err(err).Str("target", t.String()).Msg("rollout not readable, looking again")
		} else if follow.watch(ctx, c, s, version) {
			return follow.last, nil
		}
		select {
		case <-ctx.Done():
			return follow.last, apiError("watch the rollout", t.String(), ctx.Err())
		case <-time.After(time.Second):
		}
		switch stalled := follow.stalled(); {
		case stalled && err != nil:
			// Not seeing it is no news of the rollout.
			return follow.last, apiError("watch the rollout", t.String(), err)
		case stalled:
			follow.stop()
			return follow.last, nil
		}
	}
}

// following is one rollout being watched.
type following struct {
	target plan.Target
	each   func(RolloutState)
	last   RolloutState
	seen   bool
	stall  time.Duration
	moved  time.Time
}

// look reads the object once; ended says that its state is final.
func (f *following) look(ctx context.Context, c *Cluster, s scope) (version string, ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	list := c.resources[s.resource].list()
	o := s.options()
	err = c.resources[s.resource].client.Get().Namespace(s.namespace).Resource(s.resource).
		VersionedParams(&o, scheme.ParameterCodec).MaxRetries(0).Do(ctx).Into(list)
	if err != nil {
		return "", false, err
	}
	objects, version, err := itemsOf(list)
	if err != nil {
		return "", false, err
	}
	if len(objects) == 0 {
		return version, f.note(RolloutState{Failed: true, Line: redact.F("%s does not exist any more", f.target)}), nil
	}
	return version, f.see(objects[0]), nil
}

// watch follows the object from version on; true means that its state is final, false that the watch ended first.
func (f *following) watch(ctx context.Context, c *Cluster, s scope, version string) bool {
	o := s.options()
	o.Watch, o.ResourceVersion = true, version
	w, err := c.resources[s.resource].client.Get().Namespace(s.namespace).Resource(s.resource).
		VersionedParams(&o, scheme.ParameterCodec).Watch(ctx)
	if err != nil {
		return false
	}
	defer w.Stop()
	// A watch says nothing of a server that went away silently: look anew now and then.
	again := time.NewTimer(min(30*time.Second, f.stall))
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-again.C:
			return false
		case e, open := <-w.ResultChan():
			switch {
			case !open || e.Type == watch.Error:
				return false
			case e.Type == watch.Deleted:
				return f.note(RolloutState{Failed: true, Line: redact.F("%s was deleted", f.target)})
			case e.Type != watch.Bookmark && f.see(e.Object):
				return true
			}
		}
	}
}

func (f *following) see(obj runtime.Object) bool {
	w, err := workloadOf(obj)
	if err != nil {
		return false
	}
	if f.target.UID != "" && string(w.meta.UID) != f.target.UID {
		return f.note(RolloutState{Failed: true, Line: redact.F("%s was replaced by another object of the same name", f.target)})
	}
	s := judgeRollout(w)
	if s.Failed && deadlineOfBefore(w) {
		s.Failed, s.Line = false, redact.Const("waiting for the first new pod")
	}
	return f.note(s)
}

// deadlineOfBefore reports whether the deadline was exceeded before our last change: a Deployment that goes back to an earlier revision keeps
// that condition until a pod of it comes up (k8s.io/kubernetes v1.37, pkg/controller/deployment/progress.go), and kubectl, asked in
// between, blames the new rollout for the old one.
func deadlineOfBefore(w workload) bool {
	return w.progress != nil && slices.ContainsFunc(w.meta.ManagedFields, func(m metav1.ManagedFieldsEntry) bool {
		return m.Manager == FieldManager && m.Subresource == "" && m.Time != nil && !w.progress.LastUpdateTime.After(m.Time.Time)
	})
}

// note keeps a state, tells it when it is new, and reports whether it is final.
func (f *following) note(s RolloutState) bool {
	if !f.seen || s != f.last {
		f.seen, f.last, f.moved = true, s, time.Now()
		f.each(s)
	}
	return s.Done || s.Failed
}

func (f *following) stalled() bool { return time.Since(f.moved) >= f.stall }

// stop ends a rollout that did not move for too long.
func (f *following) stop() {
	s := f.last
	s.Failed = true
	s.Line = redact.F("no progress for %s: %s", f.stall, f.last.Line)
	f.note(s)
}

func itemsOf(list runtime.Object) ([]runtime.Object, string, error) {
	m, err := meta.ListAccessor(list)
	if err != nil {
		return nil, "", err
	}
	items, err := meta.ExtractList(list)
	return items, m.GetResourceVersion(), err
}
