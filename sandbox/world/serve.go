package world

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/sandbox/world/kubelet"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// ServeHealth keeps a world alive until ctx ends: it plays the kubelets of the
// world's nodes and serves the health URLs that the outside sees. Once those
// listen it has written dir/health/NAMESPACE.json, an object of service name to
// URL, in one rename. It reads the cluster with dir/kubeconfig and listens on
// loopback, on ports of its own choosing.
//
// Without it no pod of the world ever starts. One process per world is enough; a
// second one would take its nodes over.
func ServeHealth(ctx context.Context, o Options) error {
	o = o.complete()
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(o.Dir, "kubeconfig"))
	if err != nil {
		return fmt.Errorf("serve the world of %s: %w", o.Namespace, err)
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(o.Dir, "pki", "serving.crt"), filepath.Join(o.Dir, "pki", "serving.key"))
	if err != nil {
		return fmt.Errorf("serve the world of %s: %w", o.Namespace, err)
	}
	kubeletPort, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen as a kubelet: %w", err)
	}
	defer kubeletPort.Close()
	outside, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for health requests: %w", err)
	}
	defer outside.Close()
	k, err := kubelet.New(config, o.Dir, o.Namespace, kubeletPort.Addr().(*net.TCPAddr).Port, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	if err := writeHealthURLs(o, outside.Addr().String()); err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.Run(ctx) })
	group.Go(func() error {
		// Exec upgrades the connection, which HTTP/2 cannot.
		return serve(ctx, &http.Server{Handler: k.Handler(), ReadHeaderTimeout: 10 * time.Second}, tls.NewListener(kubeletPort, &tls.Config{
			Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		}))
	})
	group.Go(func() error {
		return serve(ctx, &http.Server{Handler: healthHandler(k.Health), ReadHeaderTimeout: 10 * time.Second}, outside)
	})
	return group.Wait()
}

func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	go func() {
		<-ctx.Done()
		// Followed logs and hanging health requests would outlast any grace.
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}

// healthPaths are the paths of the outside health URLs.
func healthPaths() map[marketplace.Kind]string {
	return map[marketplace.Kind]string{marketplace.Backend: "/health", marketplace.Frontend: "/api/health"}
}

func writeHealthURLs(o Options, address string) error {
	urls := map[string]string{}
	for kind, path := range healthPaths() {
		urls[marketplace.Of(kind).Name] = "http://" + address + path
	}
	raw, err := json.Marshal(urls)
	if err != nil {
		return fmt.Errorf("write the health URLs: %w", err)
	}
	path := filepath.Join(o.Dir, "health", o.Namespace+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the health URLs: %w", err)
	}
	if err := os.WriteFile(path+".new", raw, 0o644); err != nil {
		return fmt.Errorf("write the health URLs: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the health URLs: %w", err)
	}
	return nil
}

// healthHandler answers as the ingress in front of the services would.
func healthHandler(health func(marketplace.Kind) (int, time.Duration)) http.Handler {
	mux := http.NewServeMux()
	for kind, path := range healthPaths() {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			code, delay := health(kind)
			select {
			case <-time.After(delay):
			case <-r.Context().Done():
				return
			}
			if code != http.StatusOK {
				http.Error(w, "503 Service Temporarily Unavailable", code)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
		})
	}
	return mux
}
