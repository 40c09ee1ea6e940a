package k8sops_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/svcdown/svcdown/k8sops"
)

// Whoever reaches the port for terminals may send any number of tokens.
func TestAFloodOfTokensKeepsNoOtherCallWaiting(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			_, _ = w.Write([]byte("ok"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{},"status":{}}`))
	}))
	t.Cleanup(srv.Close)
	const patience = 2 * time.Second
	c, err := k8sops.FromConfig("flooded", &rest.Config{Host: srv.URL}, k8sops.Options{CallTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	var flood sync.WaitGroup
	unknown := make(chan struct{}, 3000)
	for range cap(unknown) {
		flood.Go(func() {
			if _, _, err := c.Identify(t.Context(), "of nobody"); k8sops.KindOf(err) == k8sops.Unauthenticated {
				unknown <- struct{}{}
			}
		})
	}
	t.Cleanup(flood.Wait)
	<-unknown // it is under way
	time.Sleep(patience / 4)
	for range 3 {
		start := time.Now()
		if err := c.Ping(t.Context()); err != nil || time.Since(start) > patience/2 {
			t.Errorf("another call took %s: %v", time.Since(start), err)
		}
	}
}
