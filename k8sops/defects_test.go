package k8sops

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/plan"
)

var shop = plan.Target{Namespace: "shop", Kind: "Deployment", Name: "backend", UID: "u-1"}

// answering is a cluster whose API server answers as f does.
func answering(t *testing.T, f http.HandlerFunc, o Options) *Cluster {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	c, err := FromConfig("here", &rest.Config{Host: srv.URL}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAPanicInOneCheckIsItsErrorAlone(t *testing.T) {
	t.Parallel()
	k := check{"pods", func(context.Context, *snapshot) (finding.Finding, error) { panic("out of range") }}
	if _, err := k.safely(t.Context(), &snapshot{c: &Cluster{}}); KindOf(err) != Internal {
		t.Errorf("got %v, want an internal error", err)
	}
}

func TestAPanicInOneReadIsItsErrorAlone(t *testing.T) {
	t.Parallel()
	if _, err := begin(func() (int, error) { panic("out of range") }).get(t.Context()); KindOf(err) != Internal {
		t.Errorf("got %v, want an internal error", err)
	}
}

func TestARolloutThatNobodyCanReadHasNotFailed(t *testing.T) {
	t.Parallel()
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, Options{Stall: 10 * time.Millisecond})
	state, err := c.Rollout(t.Context(), shop, nil)
	if err == nil || state.Failed {
		t.Errorf("got %+v and %v, want an error and no verdict", state, err)
	}
}

func TestAWebhookThatRefusesTheVoidMarkDoesNotMakeTheObjectAnew(t *testing.T) {
	t.Parallel()
	for uid, want := range map[string]Kind{"u-1": Invalid, "u-2": Conflict} {
		t.Run(uid, func(t *testing.T) {
			t.Parallel()
			c := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.Method == http.MethodPatch {
					w.WriteHeader(http.StatusUnprocessableEntity)
					_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","message":"refused","code":422}`))
					return
				}
				_, _ = w.Write([]byte(`{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"backend","namespace":"shop","uid":"` + uid + `"},"spec":{"template":{}}}`))
			}, Options{})
			if err := c.Void(t.Context(), plan.Plan{Target: shop}, "R-1"); KindOf(err) != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}
