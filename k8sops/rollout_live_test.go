package k8sops_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/k8sops"
)

func TestARolloutThatFailsIsToldAsSuch(t *testing.T) {
	t.Parallel()
	t.Run("a Deployment past its deadline, then deleted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := planRestart(t, b, b.backend)
		b.world.Break(t, "backend", "stuck-rollout")
		s, err := b.cluster.Rollout(t.Context(), p.Target, nil)
		if err != nil || !s.Failed || s.Done || !strings.Contains(s.Line.String(), "exceeded its deadline") {
			t.Errorf("got %+v, %v", s, err)
		}
		b.world.Kubectl(t, "delete", "deployment", "backend-deployment")
		s, err = b.cluster.Rollout(t.Context(), p.Target, nil)
		if err != nil || !s.Failed || !strings.Contains(s.Line.String(), "does not exist any more") {
			t.Errorf("of a deleted object: %+v, %v", s, err)
		}
	})
	t.Run("a StatefulSet that does not move, which has no deadline of its own", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.cluster = open(t, botConfig(t, b.world), k8sops.Options{Stall: 3 * time.Second})
		p := planRestart(t, b, b.world.Service("redis-master"))
		b.world.Kubectl(t, "patch", "statefulset", "redis-master", "--type=merge", "-p", `{"spec":{"template":{"spec":{"nodeSelector":{"no":"such-node"}}}}}`)
		s, err := b.cluster.Rollout(t.Context(), p.Target, nil)
		if err != nil || !s.Failed || !strings.Contains(s.Line.String(), "no progress for 3s") {
			t.Errorf("got %+v, %v", s, err)
		}
	})
	t.Run("deleted while it is watched", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := planRestart(t, b, b.backend)
		b.world.Kubectl(t, "patch", "deployment", "backend-deployment", "--type=merge", "-p", `{"spec":{"template":{"spec":{"nodeSelector":{"no":"such-node"}}}}}`)
		moving := make(chan struct{}, 64)
		done := make(chan k8sops.RolloutState, 1)
		go func() {
			s, err := b.cluster.Rollout(context.WithoutCancel(t.Context()), p.Target, func(k8sops.RolloutState) { moving <- struct{}{} })
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		<-moving
		b.world.Kubectl(t, "delete", "deployment", "backend-deployment")
		if s := <-done; !s.Failed || !strings.Contains(s.Line.String(), "delete") && !strings.Contains(s.Line.String(), "does not exist") {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("a watcher who leaves gets the last state and an error", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := planRestart(t, b, b.backend)
		b.world.Kubectl(t, "patch", "deployment", "backend-deployment", "--type=merge", "-p", `{"spec":{"template":{"spec":{"nodeSelector":{"no":"such-node"}}}}}`)
		ctx, cancel := context.WithCancel(t.Context())
		s, err := b.cluster.Rollout(ctx, p.Target, func(k8sops.RolloutState) { cancel() })
		if err == nil || s.Done || s.Failed || s.Line.Empty() {
			t.Errorf("got %+v, %v", s, err)
		}
	})
}
