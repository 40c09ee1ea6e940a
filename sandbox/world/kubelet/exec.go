package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
	"github.com/svcdown/svcdown/sandbox/world/standin"
)

// programs are what each kind of image brings along.
func programs(kind marketplace.Kind) []string {
	everywhere := []string{"cat", "df", "env", "ls", "printenv", "ps", "top"}
	switch kind {
	case marketplace.Backend:
		return append(everywhere, "curl", "nc", "node", "nslookup", "pg_isready", "psql", "redis-cli", "wget")
	case marketplace.Frontend:
		return append(everywhere, "curl", "nc", "node", "nslookup", "wget")
	case marketplace.Database:
		return append(everywhere, "pg_isready", "psql")
	}
	return append(everywhere, "nc", "nslookup", "redis-cli", "wget")
}

// executor runs commands in one pod. Nothing but a stand-in is ever started: a
// command of the pod must not become one of this machine.
type executor struct {
	k   *Kubelet
	pod *corev1.Pod
}

// ExecInContainer runs cmd and answers its exit code as a CodeExitError. As with
// a kubelet, the process goes on when the client goes away, until it ends.
func (e executor) ExecInContainer(_ context.Context, _, _, _ string, cmd []string, in io.Reader, out, errOut io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	s, err := marketplace.Lookup(e.pod.Labels[marketplace.ServiceLabel])
	if err != nil {
		return err
	}
	if len(cmd) == 0 {
		return errors.New("you must specify at least one command for the container")
	}
	name := filepath.Base(cmd[0])
	if !slices.Contains(programs(s.Kind), name) {
		return fmt.Errorf("failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: %q: executable file not found in $PATH: unknown", cmd[0])
	}
	environment, err := e.k.environment(e.pod)
	if err != nil {
		return err
	}
	view, err := json.Marshal(e.k.view(e.pod, s))
	if err != nil {
		return fmt.Errorf("show the world to %s: %w", name, err)
	}
	process := exec.Command(filepath.Join(e.k.dir, "standins", name), cmd[1:]...)
	process.Env = append(environment, standin.ViewVariable+"="+string(view))
	process.Stdout, process.Stderr = out, errOut
	if tty {
		terminal := carriage{out}
		process.Stdout, process.Stderr = terminal, terminal
	}
	err = start(process, in)
	if err == nil {
		err = process.Wait()
	}
	// As container runtimes do: a stream that ends by itself is read to its end.
	for _, stream := range []io.WriteCloser{out, errOut} {
		if stream != nil {
			_ = stream.Close() // a client that went away has closed it
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", exit.ExitCode()), Code: exit.ExitCode()}
	}
	return err
}

// start starts the process with in as its standard input. Waiting for the
// process does not wait for in, which a terminal keeps open.
func start(process *exec.Cmd, in io.Reader) error {
	if in == nil {
		return process.Start()
	}
	stdin, err := process.StdinPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	go func() {
		// Either side may go away first; neither is an error of the command.
		_, _ = io.Copy(stdin, in)
		_ = stdin.Close()
	}()
	return nil
}

// carriage ends lines as a terminal does.
type carriage struct{ w io.Writer }

func (c carriage) Write(p []byte) (int, error) {
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// view is the world as a program in the pod sees it now.
func (k *Kubelet) view(pod *corev1.Pod, s marketplace.Service) standin.View {
	p, pods := k.latest.Load(), k.pods()
	v := standin.View{
		Namespace: k.namespace, Pod: pod.Name, PodIP: pod.Status.PodIP, Kind: s.Kind, Health: 200, Serving: true,
		Database:     p.variant(marketplace.Database, condition.DBRefusing, pods),
		Cache:        p.variant(marketplace.Cache, condition.RedisDown, pods),
		DatabaseDisk: 41, CacheDisk: 12, Hosts: map[string]string{}, Emptied: emptied(pod),
	}
	for _, a := range pod.Spec.HostAliases {
		for _, name := range a.Hostnames {
			v.Hosts[name] = a.IP
		}
	}
	for _, peer := range marketplace.Services() {
		v.Peers = append(v.Peers, standin.Peer{
			Name: peer.KubeService, IP: p.ips[peer.KubeService], Port: int(peer.Port), Up: p.up(peer.Kind), Kind: peer.Kind,
		})
	}
	for _, c := range p.state.Conditions {
		switch {
		case c.Mode == condition.DiskFull && c.Service == marketplace.Of(marketplace.Database).Name:
			v.DatabaseDisk = c.UsedPercent
		case c.Mode == condition.DiskFull:
			v.CacheDisk = c.UsedPercent
		case c.Holds(pod, s.Name) && c.Mode == condition.NotReady && c.Variant == condition.Hangs:
			v.Serving = false
		case c.Holds(pod, s.Name) && (c.Mode == condition.NotReady || c.Mode == condition.StuckRollout):
			v.Health = 503
		}
	}
	if unreachable, _ := p.needs(pods); s.Kind == marketplace.Backend && len(unreachable) > 0 {
		v.Health = 503
	}
	if p.up(marketplace.Backend) {
		_, v.Delay = p.health(marketplace.Backend, pods)
	}
	return v
}

// emptied are the folders over which the pod's first container mounts a volume
// that begins empty.
func emptied(pod *corev1.Pod) []string {
	var out []string
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name == m.Name && volume.EmptyDir != nil && m.SubPath == "" {
				out = append(out, strings.TrimSuffix(m.MountPath, "/"))
			}
		}
	}
	return out
}

// Health is what the service's health URL answers outside the cluster now, and
// after how long a delay; see Forever.
func (k *Kubelet) Health(kind marketplace.Kind) (code int, delay time.Duration) {
	return k.latest.Load().health(kind, k.pods())
}
