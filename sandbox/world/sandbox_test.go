package world_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/svcdown/svcdown/sandbox/world"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// A symptom shows within patience, also on a busy machine; a whole world takes
// longer to come up or to be well again there.
const (
	patience = 90 * time.Second
	recovery = 2 * time.Minute
)

// shared is the one sandbox that all tests of this package use. It is built and
// started by the first test that needs it.
var shared struct {
	once sync.Once
	root string // holds the binary and the sandbox's directory
	err  error
}

func cluster() (dir string, err error) {
	shared.once.Do(func() { shared.root, shared.err = startCluster() })
	return filepath.Join(shared.root, "up"), shared.err
}

func startCluster() (string, error) {
	root, err := os.MkdirTemp("", "svcdown-world-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(root, "sandbox")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		return root, fmt.Errorf("build the sandbox: %w\n%s", err, out)
	}
	up := exec.Command(binary, "up", "--detach", "--dir", filepath.Join(root, "up"), "--owner", fmt.Sprint(os.Getpid()))
	if out, err := up.CombinedOutput(); err != nil {
		return root, fmt.Errorf("start the sandbox: %w\n%s", err, out)
	}
	return root, nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if root := shared.root; root != "" {
		if out, err := exec.Command(filepath.Join(root, "sandbox"), "down", "--dir", filepath.Join(root, "up")).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "stop the sandbox: %v\n%s", err, out)
			code = 1
		}
		_ = os.RemoveAll(root)
	}
	os.Exit(code)
}

// bench is one world of its own inside the shared cluster.
type bench struct {
	t      *testing.T
	o      world.Options
	config *rest.Config
	client kubernetes.Interface
}

func setup(t *testing.T) bench {
	t.Helper()
	dir, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(t.Name()))
	if len(name) > 50 {
		name = name[len(name)-50:]
	}
	b := bench{t: t, config: config, client: client, o: world.Options{Dir: dir, Namespace: "w-" + strings.Trim(name, "-"), Nodes: 3}}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	if err := world.Seed(ctx, config, b.o); err != nil {
		stop()
		t.Fatal(err)
	}
	go func() { served <- world.ServeHealth(ctx, b.o) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("ServeHealth: %v", err)
		}
	})
	b.recovers("the world is well")
	return b
}

// eventually asks until ok answers nil, and fails with its last answer.
func (b bench) eventually(what string, ok func() error) {
	b.t.Helper()
	b.within(patience, what, ok)
}

// recovers waits until the whole world is well.
func (b bench) recovers(what string) {
	b.t.Helper()
	b.within(recovery, what, b.well)
}

func (b bench) within(limit time.Duration, what string, ok func() error) {
	b.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// well says what is not as Seed and Heal leave it.
func (b bench) well() error {
	for _, s := range marketplace.Services() {
		pods := b.pods(s.Name)
		if len(pods) != int(s.Replicas) {
			return fmt.Errorf("%s has %d pods, want %d", s.Name, len(pods), s.Replicas)
		}
		for _, p := range pods {
			if !ready(p) {
				return fmt.Errorf("%s is not ready: %+v", p.Name, p.Status.ContainerStatuses)
			}
		}
		if got := b.endpoints(s.KubeService); got != int(s.Replicas) {
			return fmt.Errorf("%s has %d ready endpoints, want %d", s.KubeService, got, s.Replicas)
		}
	}
	return nil
}

func (b bench) pods(service string) []corev1.Pod {
	b.t.Helper()
	list, err := b.client.CoreV1().Pods(b.o.Namespace).List(b.t.Context(), metav1.ListOptions{LabelSelector: "app=" + service})
	if err != nil {
		b.t.Fatal(err)
	}
	return list.Items
}

func ready(p corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}

func (b bench) endpoints(service string) int {
	b.t.Helper()
	list, err := b.client.DiscoveryV1().EndpointSlices(b.o.Namespace).List(b.t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + service})
	if err != nil {
		b.t.Fatal(err)
	}
	n := 0
	for _, slice := range list.Items {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready != nil && *e.Conditions.Ready {
				n++
			}
		}
	}
	return n
}

// event looks for an event of an object whose reason is as given and whose
// message contains words.
func (b bench) event(object, reason, words string) error {
	b.t.Helper()
	list, err := b.client.CoreV1().Events(b.o.Namespace).List(b.t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + object})
	if err != nil {
		b.t.Fatal(err)
	}
	var seen []string
	for _, e := range list.Items {
		if e.Reason == reason && strings.Contains(e.Message, words) {
			return nil
		}
		seen = append(seen, e.Reason+": "+e.Message)
	}
	return fmt.Errorf("%s has no event %s with %q, but %q", object, reason, words, seen)
}

func (b bench) log(pod string, previous bool) string {
	b.t.Helper()
	raw, err := b.client.CoreV1().Pods(b.o.Namespace).GetLogs(pod, &corev1.PodLogOptions{Previous: previous}).DoRaw(b.t.Context())
	if err != nil {
		return "log: " + err.Error()
	}
	return string(raw)
}

// exec runs a command in a pod, through the API server, and answers what it
// printed; err carries the exit code as a CodeExitError.
func (b bench) exec(pod string, command ...string) (out string, err error) {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	err = b.stream(pod, corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr})
	return stdout.String() + stderr.String(), err
}

// execTTY is exec from a terminal at which nobody types.
func (b bench) execTTY(pod string, command ...string) (out string, err error) {
	b.t.Helper()
	keyboard, hand := io.Pipe()
	defer hand.Close()
	var screen bytes.Buffer
	err = b.stream(pod, corev1.PodExecOptions{Command: command, Stdin: true, Stdout: true, TTY: true}, remotecommand.StreamOptions{Stdin: keyboard, Stdout: &screen, Tty: true})
	return screen.String(), err
}

func (b bench) stream(pod string, options corev1.PodExecOptions, streams remotecommand.StreamOptions) error {
	b.t.Helper()
	u := b.client.CoreV1().RESTClient().Post().Namespace(b.o.Namespace).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&options, scheme.ParameterCodec).URL()
	e, err := remotecommand.NewWebSocketExecutor(b.config, http.MethodGet, u.String())
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	return e.StreamWithContext(ctx, streams)
}

func (b bench) breakIt(service, mode string, seed int64) {
	b.t.Helper()
	if err := world.Break(b.t.Context(), b.config, b.o, service, mode, seed); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) heal(service string) {
	b.t.Helper()
	if err := world.Heal(b.t.Context(), b.config, b.o, service); err != nil {
		b.t.Fatal(err)
	}
}

// restart is `kubectl rollout restart`.
func (b bench) restart(service marketplace.Service) {
	b.t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
	var err error
	if service.Stateful {
		_, err = b.client.AppsV1().StatefulSets(b.o.Namespace).Patch(b.t.Context(), service.Workload, "application/strategic-merge-patch+json", patch, metav1.PatchOptions{})
	} else {
		_, err = b.client.AppsV1().Deployments(b.o.Namespace).Patch(b.t.Context(), service.Workload, "application/strategic-merge-patch+json", patch, metav1.PatchOptions{})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// undo is `kubectl rollout undo`, by the built kubectl itself.
func (b bench) undo(workload string) {
	b.t.Helper()
	binary := filepath.Join(filepath.Dir(b.o.Dir), "sandbox")
	out, err := exec.CommandContext(b.t.Context(), binary, "kubectl", "--dir", b.o.Dir, "--", "-n", b.o.Namespace, "rollout", "undo", workload).CombinedOutput()
	if err != nil {
		b.t.Fatalf("rollout undo %s: %v\n%s", workload, err, out)
	}
}
