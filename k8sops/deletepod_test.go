package k8sops

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The shared cluster's nodes are other tests' as well, so that the API server's answers are written here.
func TestAPodOnALostNodeIsAManualStep(t *testing.T) {
	t.Parallel()
	const (
		ready   = `{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-1"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`
		silent  = `{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-1"},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`
		nowhere = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"no node-1","code":404}`
	)
	ending := metav1.NewTime(time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC))
	manual := []string{"never forces", "manual step", "kubectl --context here taint nodes node-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"}
	for name, c := range map[string]struct {
		node, on string
		ending   *metav1.Time
		kind     Kind
		says     []string
	}{
		"its node answers":                     {node: ready, on: "node-1"},
		"no node has it yet":                   {node: nowhere},
		"it is being deleted":                  {node: ready, on: "node-1", ending: &ending, kind: Conflict, says: []string{"14:02:00"}},
		"its node is silent":                   {node: silent, on: "node-1", kind: Unsupported, says: append([]string{"does not answer"}, manual...)},
		"its node has gone":                    {node: nowhere, on: "node-1", kind: Unsupported, says: manual},
		"it is Terminating on a silent node":   {node: silent, on: "node-1", ending: &ending, kind: Unsupported, says: append([]string{"Terminating since 14:02"}, manual...)},
		"whether the node answers is not said": {node: `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"no","code":403}`, on: "node-1", kind: Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case strings.Contains(c.node, `"code":404`):
					w.WriteHeader(http.StatusNotFound)
				case strings.Contains(c.node, `"code":403`):
					w.WriteHeader(http.StatusForbidden)
				}
				_, _ = w.Write([]byte(c.node))
			}, Options{})
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "postgres-primary-0", DeletionTimestamp: c.ending}, Spec: corev1.PodSpec{NodeName: c.on}}
			err := cl.mayEnd(t.Context(), "delete a pod", pod)
			if KindOf(err) != c.kind {
				t.Fatalf("got %v, want %q", err, c.kind)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v without %q", err, want)
				}
			}
		})
	}
}
