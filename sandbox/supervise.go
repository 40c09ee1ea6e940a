package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/sandbox/cluster"
	"github.com/svcdown/svcdown/sandbox/process"
	"github.com/svcdown/svcdown/sandbox/world"
)

// startTimeout bounds a whole start; it takes seconds on an idle machine.
const startTimeout = 3 * time.Minute

// request is what `up` was asked for.
type request struct {
	layout    cluster.Layout
	namespace string
	nodes     int
	basePort  int // 0: any free ports
	owner     int // the process whose end ends the sandbox; 0: none
}

// supervisor is the parent of every component of one sandbox.
type supervisor struct {
	request request
	cluster *cluster.Cluster
	config  *rest.Config

	making sync.Mutex      // one world is made at a time
	made   map[string]bool // namespaces whose workloads were ready once
}

// supervise runs a sandbox until ctx ends or its owner does,
// and returns when the last component is gone. It tells each phase to say, and
// calls ready once with what the world looks like; ready's error stops it all.
func supervise(ctx context.Context, r request, say io.Writer, ready func(info) error) error {
	if err := prepare(r.layout); err != nil {
		return err
	}
	unlock, err := claim(r.layout)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, end := context.WithCancel(ctx)
	defer end()
	// Writing to a caller that went away must not kill the supervisor unasked.
	signal.Ignore(syscall.SIGPIPE)
	if r.owner != 0 {
		gone, err := process.WatchOwner(r.owner)
		if err != nil {
			return err
		}
		go func() {
			select {
			case <-gone:
				end()
			case <-ctx.Done():
			}
		}()
	}
	clock := newStopwatch(say)
	bin, err := ensureBinaries(ctx, say)
	if err != nil {
		return err
	}
	clock.lap("programs at hand")
	return againOnOtherPorts(say, func() error {
		s := &supervisor{request: r, made: map[string]bool{}}
		return s.run(ctx, bin, say, clock, ready)
	})
}

// portAttempts is how often a start may lose the race for a port. Ports are
// chosen when they are free and bound seconds later; on a busy machine another
// program may be quicker.
const portAttempts = 5

// againOnOtherPorts repeats a start that lost the race for a port; what it had
// started is stopped by then.
func againOnOtherPorts(say io.Writer, start func() error) error {
	for attempt := 1; ; attempt++ {
		err := start()
		if !errors.Is(err, cluster.ErrPortTaken) || attempt == portAttempts {
			return err
		}
		fmt.Fprintln(say, "another program took a chosen port meanwhile; starting again on other ports")
	}
}

// run starts everything once and keeps it until ctx ends.
func (s *supervisor) run(ctx context.Context, bin string, say io.Writer, clock *stopwatch, ready func(info) error) error {
	if err := s.startAPI(ctx, bin); err != nil {
		return err
	}
	// Components are stopped also when ctx has long ended.
	defer s.cluster.Stop(context.WithoutCancel(ctx))
	clock.lap("API server ready")

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open the control port: %w", err)
	}
	closeControl, err := s.serveControl(listener)
	if err != nil {
		return err
	}
	defer closeControl()
	defer os.Remove(contactPath(s.request.layout))

	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// The world is made while the controllers start.
	var made info
	group, both := errgroup.WithContext(starting)
	group.Go(func() error {
		err := s.cluster.StartControllers(both)
		clock.lap("controllers ready")
		return err
	})
	group.Go(func() (err error) {
		made, err = s.addWorld(both, s.request.namespace)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	clock.lap("world seeded, its workloads ready")
	if err := ready(made); err != nil {
		return err
	}
	<-ctx.Done()
	fmt.Fprintln(say, "stopping")
	return nil
}

// startAPI prepares the directory and brings up etcd and the API server.
func (s *supervisor) startAPI(ctx context.Context, bin string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	l := s.request.layout
	if err := os.RemoveAll(filepath.Join(string(l), "world")); err != nil {
		return fmt.Errorf("clear the earlier world: %w", err)
	}
	ports, err := cluster.ChoosePorts(s.request.basePort)
	if err != nil {
		return err
	}
	s.cluster, err = cluster.New(cluster.Config{
		Layout: l, Ports: ports, Namespace: s.request.namespace, Bin: bin, Self: self,
	})
	if err != nil {
		return err
	}
	if err := s.cluster.StartAPI(ctx); err != nil {
		s.cluster.Stop(context.WithoutCancel(ctx))
		return err
	}
	if s.config, err = restConfig(l.Kubeconfig()); err != nil {
		s.cluster.Stop(context.WithoutCancel(ctx))
		return err
	}
	o := s.options(s.request.namespace)
	if err := errors.Join(world.WriteStandIns(o.Dir), world.WriteKwokConfig(o.Dir, o)); err != nil {
		s.cluster.Stop(context.WithoutCancel(ctx))
		return err
	}
	return nil
}

// addWorld makes the world of a namespace, starts what keeps it alive and returns
// once its workloads are ready. Done again it changes nothing and waits for
// nothing, because the world may be broken by then.
func (s *supervisor) addWorld(ctx context.Context, namespace string) (info, error) {
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.cluster.AddNamespace(ctx, namespace); err != nil {
		return info{}, err
	}
	if err := world.Seed(ctx, s.config, s.options(namespace)); err != nil {
		return info{}, fmt.Errorf("seed %s: %w", namespace, err)
	}
	urls, err := s.cluster.StartHealth(ctx, namespace, s.request.nodes)
	if err != nil {
		return info{}, err
	}
	if !s.made[namespace] {
		if err := waitReady(ctx, s.config, namespace); err != nil {
			return info{}, err
		}
		s.made[namespace] = true
	}
	l := s.request.layout
	out := info{
		Dir: string(l), Kubeconfig: l.Kubeconfig(), BotKubeconfig: l.BotKubeconfig(),
		UserKubeconfigs: map[string]string{}, Namespace: namespace, AuditLog: l.AuditLog(),
		APIServer: s.cluster.APIURL(), HealthURLs: urls, Tokens: s.cluster.Tokens(),
		Kubectl: s.cluster.Kubectl(), SupervisorPID: os.Getpid(),
	}
	for _, person := range cluster.People {
		out.UserKubeconfigs[person] = l.UserKubeconfig(person)
	}
	return out, nil
}

func (s *supervisor) options(namespace string) world.Options {
	return world.Options{Dir: string(s.request.layout), Namespace: namespace, Nodes: s.request.nodes}
}

// restConfig reads a kubeconfig, without client-go's limit of five calls a
// second, which would make seeding crawl.
func restConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	config.QPS, config.Burst = 200, 400
	return config, nil
}

// stopwatch tells what took how long.
type stopwatch struct {
	say         io.Writer
	began, last time.Time
}

func newStopwatch(say io.Writer) *stopwatch {
	now := time.Now()
	return &stopwatch{say: say, began: now, last: now}
}

func (w *stopwatch) lap(what string) {
	now := time.Now()
	fmt.Fprintf(w.say, "%-34s %6.2fs  (total %.2fs)\n", what, now.Sub(w.last).Seconds(), now.Sub(w.began).Seconds())
	w.last = now
}
