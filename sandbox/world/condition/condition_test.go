package condition_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/svcdown/svcdown/sandbox/world/condition"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "u1"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Image: "backend:2"}}},
	}
	for name, c := range map[string]struct {
		condition condition.Condition
		want      bool
	}{
		"of the service, tied to nothing": {condition.Condition{Service: "backend"}, true},
		"of another service":              {condition.Condition{Service: "frontend"}, false},
		"tied to this pod":                {condition.Condition{Service: "backend", Pods: []types.UID{"u0", "u1"}}, true},
		"tied to other pods":              {condition.Condition{Service: "backend", Pods: []types.UID{"u0"}}, false},
		"tied to its image":               {condition.Condition{Service: "backend", Image: "backend:2"}, true},
		"tied to another image":           {condition.Condition{Service: "backend", Image: "backend:1"}, false},
	} {
		if got := c.condition.Holds(pod, "backend"); got != c.want {
			t.Errorf("%s: holds %v, want %v", name, got, c.want)
		}
	}
}

func TestUpdateKeepsWhatManyWriteAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := condition.Update(dir, "shop", func(s *condition.State) error {
				s.Conditions = append(s.Conditions, condition.Condition{Service: "backend", Seed: int64(i)})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	state, err := condition.Load(dir, "shop")
	if err != nil || len(state.Conditions) != 20 {
		t.Errorf("%d conditions (%v), want all 20", len(state.Conditions), err)
	}
}

func TestUpdateThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := condition.Condition{Service: "backend", Mode: condition.OOM}
	if err := condition.Update(dir, "shop", func(s *condition.State) error {
		s.Conditions = []condition.Condition{keep}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	if err := condition.Update(dir, "shop", func(s *condition.State) error {
		s.Conditions = nil
		return stop
	}); !errors.Is(err, stop) {
		t.Fatalf("got %v", err)
	}
	got, err := condition.Load(dir, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]condition.Condition{keep}, got.Conditions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadNamesAFileItCannotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if state, err := condition.Load(dir, "shop"); err != nil || len(state.Conditions) != 0 || state.Namespace != "shop" {
		t.Errorf("a world never broken: %+v, %v", state, err)
	}
	if err := condition.Update(dir, "shop", func(*condition.State) error { return nil }); err != nil {
		t.Fatal(err)
	}
	path := condition.Path(dir, "shop")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := condition.Load(dir, "shop"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want the file's name", err)
	}
}
