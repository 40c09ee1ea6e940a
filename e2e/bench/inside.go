package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
)

// inside measures what the bot does for a status, with its standing watches, against its own reads done alone.
func (s *stage) inside(ctx context.Context, w world) ([]row, error) {
	cat, err := catalog.Load(s.config)
	if err != nil {
		return nil, err
	}
	var watched, alone wire
	cluster, err := watched.open(s.cluster.BotKubeconfig)
	if err != nil {
		return nil, err
	}
	once, err := alone.open(s.cluster.BotKubeconfig)
	if err != nil {
		return nil, err
	}
	watch, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- cluster.Watch(watch, cat.Services) }()
	defer func() { stop(); _ = <-ended }()
	if err := until(ctx, time.Minute, func() error {
		if !cluster.Synced() {
			return errors.New("the standing watches are not in sync")
		}
		return nil
	}); err != nil {
		return nil, err
	}
	backend, ok := cat.Service("backend")
	if !ok {
		return nil, errors.New("the catalogue has no backend")
	}
	if err := until(ctx, time.Minute, func() error { return answered(cluster.Status(ctx, backend, nil)) }); err != nil {
		return nil, err
	}
	chain, err := s.slowest(cluster, &watched, backend)
	if err != nil {
		return nil, err
	}
	var whole, reads []time.Duration
	for range w.rounds {
		whole = append(whole, took(func() { cluster.Status(ctx, backend, nil) }))
		if err == nil {
			reads = append(reads, took(func() { err = chain(ctx) }))
		}
	}
	if err != nil {
		return nil, err
	}
	rows := []row{{key: "a", what: "status inside the bot / its slowest chain of reads", world: w.name, n: w.rounds,
		value: ratio(median(whole), median(reads)), unit: "×", target: 1.3, note: fmt.Sprintf("%s / %s", short(median(whole)), short(median(reads)))}}

	bytes, cpu := watched.bytes.Load(), processorTime()
	for range w.rounds {
		cluster.Status(ctx, backend, nil)
	}
	cpu, bytes = processorTime()-cpu, watched.bytes.Load()-bytes
	each := float64(w.rounds)
	rows = append(rows,
		row{key: "c", what: "API bytes per status, inside the bot", world: w.name, n: w.rounds, value: float64(bytes) / each / 1024, unit: "KiB"},
		row{key: "c", what: "CPU per status, inside the bot", world: w.name, n: w.rounds, value: cpu.Seconds() * 1e3 / each, unit: "ms"})

	const few = 5
	once.Status(ctx, backend, nil) // opens the connection
	before := alone.bytes.Load()
	for range few {
		if err := answered(once.Status(ctx, backend, nil)); err != nil {
			return rows, err
		}
	}
	return append(rows, row{key: "c", what: "API bytes per status, without standing watches", world: w.name, n: few,
		value: float64(alone.bytes.Load()-before) / few / 1024, unit: "KiB"}), nil
}

// answered is an error while a check could not see what it looks at: a figure for half an answer would be none.
func answered(findings []finding.Finding) error {
	for _, f := range findings {
		if f.Status == finding.Unknown {
			return fmt.Errorf("check %s: %s", f.Check, f.Line)
		}
	}
	return nil
}

// slowest is the chain of dependent reads that a status in the bot still asks the API for: the workload, then the figures of its pods by its
// selector. It fails when a status reads anything else, so that the comparison cannot go stale unseen.
func (s *stage) slowest(cluster *k8sops.Cluster, w *wire, svc catalog.Service) (func(context.Context) error, error) {
	w.forget()
	cluster.Status(context.Background(), svc, nil)
	for _, path := range w.asked() {
		if !strings.HasSuffix(path, "/deployments/"+svc.Workload.Name) && !strings.HasPrefix(path, "/apis/metrics.k8s.io/") {
			return nil, fmt.Errorf("a status now also reads %s: add it to what it is measured against", path)
		}
	}
	cfg, err := (&wire{}).config(s.cluster.BotKubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = 1000, 1000
	cfg.ContentType, cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf,application/json"
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	metrics, err := metricsclient.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		d, err := client.AppsV1().Deployments(svc.Namespace).Get(ctx, svc.Workload.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		_, err = metrics.MetricsV1beta1().PodMetricses(svc.Namespace).List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)})
		return err
	}, nil
}

// wire counts what goes over a client's connections, TLS included, and notes which paths it asked for.
type wire struct {
	bytes atomic.Int64
	mu    sync.Mutex
	paths []string
}

func (w *wire) open(kubeconfig string) (*k8sops.Cluster, error) {
	cfg, err := w.config(kubeconfig)
	if err != nil {
		return nil, err
	}
	return k8sops.FromConfig("sandbox", cfg, k8sops.Options{QPS: 1000})
}

func (w *wire) config(kubeconfig string) (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &countedConn{c, &w.bytes}, err
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			w.mu.Lock()
			w.paths = append(w.paths, req.URL.Path)
			w.mu.Unlock()
			return next.RoundTrip(req)
		})
	})
	return cfg, nil
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths = nil
}

func (w *wire) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.paths)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type countedConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

func took(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
