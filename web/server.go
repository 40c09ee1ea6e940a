package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/handlers"
)

// Desk answers a command.
type Desk interface {
	Handle(ctx context.Context, in handlers.Incoming)
}

// Config is what the server needs; all of it but Hooks is required.
type Config struct {
	Desk Desk
	// Streams carries answers to the terminals that wait for them.
	Streams *Streams
	// Identify verifies a Kubernetes token at a cluster of the catalogue ("" means where people are known) and returns the username. A
	// [handlers.Problem] says that nobody could verify it; any other error, that the token is not good.
	Identify func(ctx context.Context, cluster, token string) (string, error)
	// Health says, by component, what does not work. Components named critical decide readiness.
	Health func(ctx context.Context) []Component
	// Gather is what /metrics shows.
	Gather prometheus.Gatherer
	// Hooks are the ways in for other systems; a hook that is not here does not exist.
	Hooks []Hook
	Log   zerolog.Logger
}

// Component is one thing that the bot needs.
type Component struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Critical bool   `json:"critical"`
	Detail   string `json:"detail,omitempty"`
}

// Handler serves /healthz (the process lives), /readyz (every critical component works; the body names each), /metrics,
// /v1/command and the hooks.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Gather, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /v1/command", c.command)
	c.hooks(mux)
	return mux
}

func (c Config) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	components := c.Health(ctx)
	code := http.StatusOK
	for _, comp := range components {
		if comp.Critical && !comp.OK {
			code = http.StatusServiceUnavailable
		}
	}
	reply(w, code, map[string]any{"components": components})
}

// Serve answers on addr until ctx ends, then lets requests under way finish for five seconds.
func Serve(ctx context.Context, srv *http.Server, listen func() error) error {
	done := make(chan error, 1)
	go func() { done <- listen() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := srv.Shutdown(stop)
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return err
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client has gone; nobody is left to tell
}
