package slacksim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"
)

// servers are the two listeners.
type servers struct {
	ctx        context.Context // ends with Close
	end        context.CancelFunc
	api        string // http://host:port
	running    []*http.Server
	terminated []chan error
}

// Addresses is where a started workspace listens.
type Addresses struct {
	// API is the base URL for Slack clients, with a slash at its end: http://127.0.0.1:1234/api/
	API string
	// Page is the people's side: http://127.0.0.1:1235/
	Page string
}

// Start listens and returns once both sides answer. The workspace stops when ctx ends or Close is called. Start may
// be called once.
func (w *Workspace) Start(ctx context.Context) (Addresses, error) {
	api, err := listen(w.cfg.ListenAPI)
	if err != nil {
		return Addresses{}, fmt.Errorf("listen for Slack clients: %w", err)
	}
	pageListener, err := listen(w.cfg.ListenPage)
	if err != nil {
		return Addresses{}, errors.Join(fmt.Errorf("listen for people: %w", err), api.Close())
	}
	static, err := fs.Sub(page, "page")
	if err != nil {
		return Addresses{}, errors.Join(fmt.Errorf("open the embedded page: %w", err), api.Close(), pageListener.Close())
	}
	w.servers.ctx, w.servers.end = context.WithCancel(ctx)
	w.servers.api = "http://" + api.Addr().String()
	w.serve(api, w.slackSide())
	w.serve(pageListener, w.peopleSide(static))
	context.AfterFunc(w.servers.ctx, func() {
		for _, s := range w.servers.running {
			_ = s.Close() // nothing of a simulator is worth draining
		}
	})
	return Addresses{API: w.servers.api + "/api/", Page: "http://" + pageListener.Addr().String() + "/"}, nil
}

// listen opens a loopback port; the simulator takes tokens in the clear and must not be reachable from outside.
func listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not a loopback address; use 127.0.0.1", host)
	}
	return net.Listen("tcp", address)
}

func (w *Workspace) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	w.servers.running = append(w.servers.running, s)
	w.servers.terminated = append(w.servers.terminated, done)
	go func() { done <- s.Serve(l) }()
}

// Close ends all sockets and both listeners and waits for the listeners to be gone.
func (w *Workspace) Close() error {
	if w.servers.end == nil {
		return nil
	}
	w.servers.end()
	var failed error
	for _, done := range w.servers.terminated {
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			failed = errors.Join(failed, fmt.Errorf("serve: %w", err))
		}
	}
	w.servers.terminated = nil
	return failed
}

// slackSide is everything on the Web API's origin.
func (w *Workspace) slackSide() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", w.serveMethod)
	mux.HandleFunc("GET /link/", w.serveSocket)
	mux.HandleFunc("POST /respond/{team}/{id}", w.serveResponse)
	mux.HandleFunc("POST /upload/v1/{ticket}", w.serveUpload)
	mux.HandleFunc("GET /files-pri/{id}/{name}", w.servePrivateFile)
	return mux
}
