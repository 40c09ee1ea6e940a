package k8sops

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/plan"
)

func TestADeadlineExceededBeforeOurChangeIsNotItsFailure(t *testing.T) {
	t.Parallel()
	changed := metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	ours := metav1.ManagedFieldsEntry{Manager: FieldManager, Operation: metav1.ManagedFieldsOperationUpdate, Time: &changed}
	scale, other := ours, ours
	scale.Subresource, other.Manager = "scale", "kubectl-edit"
	for _, c := range []struct {
		name     string
		exceeded time.Duration // after our change
		managed  []metav1.ManagedFieldsEntry
		failed   bool
	}{
		{"exceeded before our change", -time.Minute, []metav1.ManagedFieldsEntry{ours}, false},
		{"exceeded in the second of our change", 0, []metav1.ManagedFieldsEntry{ours}, false},
		{"exceeded after our change", 15 * time.Second, []metav1.ManagedFieldsEntry{ours}, true},
		{"we changed nothing", -time.Minute, nil, true},
		{"somebody else changed it", -time.Minute, []metav1.ManagedFieldsEntry{other}, true},
		{"we changed a subresource only", -time.Minute, []metav1.ManagedFieldsEntry{scale}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "backend", Generation: 4, ManagedFields: c.managed}}
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: 4, Conditions: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentProgressing, Reason: "ProgressDeadlineExceeded", LastUpdateTime: metav1.NewTime(changed.Add(c.exceeded)),
			}}}
			f := &following{target: plan.Target{Kind: "Deployment", Name: "backend"}, each: func(RolloutState) {}}
			ended := f.see(d)
			if ended != c.failed || f.last.Failed != c.failed {
				t.Errorf("ended %v with %+v, want failed %v", ended, f.last, c.failed)
			}
		})
	}
}
