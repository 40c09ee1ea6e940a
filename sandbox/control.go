package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

// componentTimeout bounds one change of one component.
const componentTimeout = time.Minute

// serveControl answers the other commands on a loopback port, to callers that
// know the token in the contact file.
func (s *supervisor) serveControl(listener net.Listener) (stop func(), err error) {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails, by its documentation
	token := hex.EncodeToString(raw)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.cluster.Status(r.Context()), nil)
	})
	mux.HandleFunc("POST /worlds/{namespace}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), startTimeout)
		defer cancel()
		made, err := s.addWorld(ctx, r.PathValue("namespace"))
		answer(w, made, err)
	})
	mux.HandleFunc("POST /components/{name}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), componentTimeout)
		defer cancel()
		answer(w, struct{}{}, s.change(ctx, r.PathValue("name"), r.PathValue("verb")))
	})
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
				http.Error(w, "the token is not this sandbox's", http.StatusUnauthorized)
				return
			}
			mux.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() { _ = server.Serve(listener) }()
	err = writeContact(s.request.layout, contact{
		PID: os.Getpid(), Address: listener.Addr().String(), Token: token,
		Nodes: s.request.nodes, Main: s.request.namespace,
	})
	if err != nil {
		server.Close()
		return nil, err
	}
	return func() { server.Close() }, nil
}

func (s *supervisor) change(ctx context.Context, name, verb string) error {
	switch verb {
	case "pause":
		return s.cluster.Pause(name)
	case "resume":
		return s.cluster.Resume(name)
	case "stop":
		return s.cluster.StopOne(ctx, name)
	case "start":
		if err := s.cluster.Start(name); err != nil {
			return err
		}
		return s.cluster.Ready(ctx, name)
	}
	return fmt.Errorf("%s %s: a component can be paused, resumed, stopped or started", verb, name)
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// call asks a directory's supervisor. It returns errNotRunning when there is none.
func call(ctx context.Context, l cluster.Layout, method, path string, into any) error {
	c, err := readContact(l)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.Address+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the supervisor (process %d): %w", c.PID, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("ask the supervisor (process %d): %w", c.PID, err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(bytes.TrimSpace(body)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
