package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/sandbox/pki"
	"github.com/svcdown/svcdown/sandbox/process"
)

// Config says what to run and where.
type Config struct {
	Layout    Layout
	Ports     Ports
	Namespace string // the kubeconfigs' default
	Bin       string // folder of the built programs
	Self      string // the sandbox executable, which is also the health server
}

// Cluster is one control plane. Safe for concurrent use.
type Cluster struct {
	config Config
	tree   *process.Tree
	tokens map[string]string
	ca     []byte

	mu         sync.Mutex
	components []*component // in starting order
}

// New prepares the directory: certificates, tokens, kubeconfigs and the audit
// policy, all new. What an earlier cluster left there is removed.
func New(config Config) (*Cluster, error) {
	l := config.Layout
	for _, stale := range []string{l.etcd(), l.pki(), l.join("users"), l.join("health"), l.join("logs"), l.AuditLog()} {
		if err := os.RemoveAll(stale); err != nil {
			return nil, fmt.Errorf("clear %s: %w", l, err)
		}
	}
	for _, dir := range []string{string(l), l.join("logs"), l.join("health")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", l, err)
		}
	}
	files, err := pki.Write(l.pki(), time.Now())
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(files.CA)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	policy, err := manifests.ReadFile("manifests/audit-policy.yaml")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(l.auditPolicy(), policy, 0o600); err != nil {
		return nil, fmt.Errorf("write the audit policy: %w", err)
	}
	c := &Cluster{config: config, tree: process.NewTree(), ca: ca}
	if c.tokens, err = writeUsers(l, c.APIURL(), config.Namespace, ca); err != nil {
		return nil, err
	}
	if err := c.plan(files); err != nil {
		return nil, err
	}
	return c, nil
}

// APIURL is where the API server listens.
func (c *Cluster) APIURL() string { return "https://" + loopback(c.config.Ports.API) }

// Tokens are the bearer tokens of the bot and of People.
func (c *Cluster) Tokens() map[string]string {
	out := map[string]string{Bot: c.tokens[Bot]}
	for _, person := range People {
		out[person] = c.tokens[person]
	}
	return out
}

func (c *Cluster) plan(f pki.Files) error {
	l, p := c.config.Layout, c.config.Ports
	web, err := newProbe(c.ca)
	if err != nil {
		return err
	}
	add := func(name, program string, port int, args, env []string, url string) {
		c.components = append(c.components, &component{
			spec: process.Spec{
				Name: name, Path: filepath.Join(c.config.Bin, program), Args: args, Env: env,
				Dir: string(l), LogPath: l.Log(name),
			},
			port:  port,
			probe: func(ctx context.Context) error { return web.get(ctx, url) },
		})
	}
	add(Etcd, "etcd", p.Etcd, etcdFlags(l, p), nil, "http://"+loopback(p.Etcd)+"/health")
	add(APIServer, "kube-apiserver", p.API, apiServerFlags(l, p, f), nil, c.APIURL()+"/readyz")
	add(ControllerManager, "kube-controller-manager", p.ControllerManager, controllerManagerFlags(l, p, f), nil,
		"https://"+loopback(p.ControllerManager)+"/healthz")
	add(Scheduler, "kube-scheduler", p.Scheduler, schedulerFlags(l, p, f), nil, "https://"+loopback(p.Scheduler)+"/healthz")
	add(MetricsServer, "metrics-server", p.MetricsServer, metricsServerFlags(l, p, f), nil,
		"https://"+loopback(p.MetricsServer)+"/livez")
	add(Kwok, "kwok", p.Kwok, kwokFlags(l, p, f), []string{
		// Keep a kwok configuration in the caller's home out of it.
		"KWOK_WORKDIR=" + l.join("kwok"),
	}, "https://"+loopback(p.Kwok)+"/healthz")
	return nil
}

// StartAPI starts etcd and the API server and returns once it serves.
func (c *Cluster) StartAPI(ctx context.Context) error {
	// The API server waits for etcd by itself.
	for _, name := range []string{Etcd, APIServer} {
		if err := c.Start(name); err != nil {
			return err
		}
	}
	for _, name := range []string{Etcd, APIServer} {
		if err := c.Ready(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// StartControllers starts all that works on the API server, makes the bot's and
// the metrics API's objects, and returns once every component is healthy.
func (c *Cluster) StartControllers(ctx context.Context) error {
	names := []string{ControllerManager, Scheduler, MetricsServer, Kwok}
	for _, name := range names {
		if err := c.Start(name); err != nil {
			return err
		}
	}
	if err := c.applyClusterManifests(ctx); err != nil {
		return err
	}
	for _, name := range names {
		if err := c.Ready(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// StartHealth starts the health server of a namespace unless it runs already,
// and returns the URLs by service.
func (c *Cluster) StartHealth(ctx context.Context, namespace string, nodes int) (map[string]string, error) {
	name := healthName(namespace)
	l := c.config.Layout
	c.mu.Lock()
	known := slices.ContainsFunc(c.components, func(x *component) bool { return x.spec.Name == name })
	if !known {
		c.components = append(c.components, &component{
			spec: process.Spec{
				Name: name, Path: c.config.Self, Dir: string(l), LogPath: l.Log(name),
				Args: []string{"serve-health", "--dir", string(l), "--namespace", namespace, "--nodes", fmt.Sprint(nodes)},
			},
			probe: func(ctx context.Context) error { return healthServed(ctx, l.HealthURLs(namespace)) },
		})
	}
	c.mu.Unlock()
	if !known {
		if err := c.Start(name); err != nil {
			return nil, err
		}
	}
	if err := c.Ready(ctx, name); err != nil {
		return nil, err
	}
	return healthURLs(l.HealthURLs(namespace))
}

// Start starts a component that does not run.
func (c *Cluster) Start(name string) error {
	x, err := c.find(name)
	if err != nil {
		return err
	}
	return x.start(c.tree)
}

// Ready waits until a component that was started is healthy.
func (c *Cluster) Ready(ctx context.Context, name string) error {
	x, err := c.find(name)
	if err != nil {
		return err
	}
	err = x.ready(ctx)
	if err != nil && strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("%w: %w", ErrPortTaken, err)
	}
	return err
}

// StopOne ends a component and waits for its end.
func (c *Cluster) StopOne(ctx context.Context, name string) error {
	x, err := c.find(name)
	if err != nil {
		return err
	}
	x.stop(ctx)
	return nil
}

// Pause suspends a component, as a machine that hangs would.
func (c *Cluster) Pause(name string) error {
	x, err := c.find(name)
	if err != nil {
		return err
	}
	return x.pause()
}

// Resume lets a paused component run on.
func (c *Cluster) Resume(name string) error {
	x, err := c.find(name)
	if err != nil {
		return err
	}
	return x.resume()
}

// Stop ends everything in reverse order, each gone before the next is asked: an
// API server whose etcd went first would hang on its port.
func (c *Cluster) Stop(ctx context.Context) {
	c.mu.Lock()
	all := slices.Clone(c.components)
	c.mu.Unlock()
	for _, x := range slices.Backward(all) {
		x.stop(ctx)
	}
	c.tree.Close()
}

// Status asks every component, all at once.
func (c *Cluster) Status(ctx context.Context) []Status {
	c.mu.Lock()
	all := slices.Clone(c.components)
	c.mu.Unlock()
	out := make([]Status, len(all))
	var wg sync.WaitGroup
	for i, x := range all {
		wg.Go(func() { out[i] = x.status(ctx) })
	}
	wg.Wait()
	return out
}

func (c *Cluster) find(name string) (*component, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, x := range c.components {
		if x.spec.Name == name {
			return x, nil
		}
		names = append(names, x.spec.Name)
	}
	return nil, fmt.Errorf("there is no component %q; there are: %s", name, strings.Join(names, ", "))
}

func healthURLs(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the health URLs: %w", err)
	}
	var urls map[string]string
	if err := json.Unmarshal(content, &urls); err != nil {
		return nil, fmt.Errorf("read the health URLs in %s: %w", path, err)
	}
	if len(urls) == 0 {
		return nil, errors.New("read the health URLs: " + path + " names no service")
	}
	return urls, nil
}
