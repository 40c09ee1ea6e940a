package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestUp looks at one running sandbox from all sides.
func TestUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	t.Run("every component is healthy", func(t *testing.T) {
		var names []string
		for _, s := range b.status() {
			names = append(names, s.Name)
			if !s.Healthy {
				t.Errorf("%s is not healthy: %s", s.Name, s.Detail)
			}
		}
		want := []string{"etcd", "apiserver", "controller-manager", "scheduler", "metrics-server", "kwok", "health-" + defaultNamespace}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("components (-want +got):\n%s", diff)
		}
	})
	t.Run("the server has the version it was built from", func(t *testing.T) {
		out := b.mustRun("kubectl", "--", "version")
		if !strings.Contains(out, "Server Version: v1.37.2") {
			t.Errorf("got %q", out)
		}
	})
	t.Run("it listens on loopback alone", func(t *testing.T) { listensOnLoopback(t, b) })
	t.Run("the runbook's pods are ready", func(t *testing.T) {
		out := b.mustKubectl("get", "pods", "-o",
			`jsonpath={range .items[*]}{.metadata.labels.app}={.status.conditions[?(@.type=="Ready")].status} {end}`)
		counts := map[string]int{}
		for _, word := range strings.Fields(out) {
			counts[word]++
		}
		want := map[string]int{"backend=True": 3, "frontend=True": 2, "postgres-primary=True": 1, "redis-master=True": 1}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("pods (-want +got):\n%s", diff)
		}
	})
	t.Run("health URLs answer", func(t *testing.T) {
		for service, url := range b.HealthURLs {
			resp, err := http.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: got %s", service, resp.Status)
			}
		}
	})
	t.Run("the bot may look and change, and sees no Secret", func(t *testing.T) { botPermissions(t, b) })
	t.Run("a person's token is known to TokenReview", func(t *testing.T) { tokenReview(t, b) })
	t.Run("the audit log witnesses a change, and no Secret's content", func(t *testing.T) { auditLog(t, b) })
	t.Run("logs come through the API", func(t *testing.T) {
		out, err := b.kubectl(b.BotKubeconfig, "logs", "deployment/backend-deployment", "--tail=3")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(strings.Split(strings.TrimSpace(out), "\n")); got != 3 {
			t.Errorf("got %d lines, want 3:\n%s", got, out)
		}
	})
	t.Run("exec comes through the API, with the exit code", func(t *testing.T) {
		out, err := b.kubectl(b.Kubeconfig, "exec", "statefulset/postgres-primary", "--", "pg_isready", "-U", "postgres")
		if err != nil || !strings.Contains(out, "accepting connections") {
			t.Errorf("pg_isready: got %q, %v", out, err)
		}
		_, err = b.kubectl(b.Kubeconfig, "exec", "statefulset/postgres-primary", "--", "pg_isready", "--no-such-flag")
		if err == nil || !strings.Contains(err.Error(), "exit code") {
			t.Errorf("an unknown flag: got %v, want an exit code", err)
		}
	})
	t.Run("kubectl top shows figures within a minute", func(t *testing.T) {
		within(t, time.Minute, func() error {
			out, err := b.kubectl(b.BotKubeconfig, "top", "pods", "--no-headers")
			if err != nil {
				return err
			}
			if got := strings.Count(out, "\n"); got < 7 {
				return fmt.Errorf("figures of %d pods, want 7:\n%s", got, out)
			}
			return nil
		})
	})
	t.Run("an unknown mode is refused with the modes there are", func(t *testing.T) {
		_, complaint, err := b.run("break", "backend", "sulking")
		if err == nil || !strings.Contains(complaint, "crashloop") {
			t.Errorf("got %v, %q", err, complaint)
		}
	})
	t.Run("a broken service shows, a healed one is as before", func(t *testing.T) { breakAndHeal(t, b) })
	t.Run("a second world is made apart from the first", func(t *testing.T) { secondWorld(t, b) })
	t.Run("a second up in the same directory is refused", func(t *testing.T) {
		_, complaint, err := b.run("up", "--detach")
		if err == nil || !strings.Contains(complaint, "runs here already") {
			t.Errorf("got %v, %q", err, complaint)
		}
	})
}

func listensOnLoopback(t *testing.T, b *bench) {
	out, err := exec.Command("ss", "-Hltnp").CombinedOutput()
	if err != nil {
		t.Fatalf("ss: %v (install iproute2)\n%s", err, out)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		for _, s := range b.status() {
			if !strings.Contains(line, fmt.Sprintf("pid=%d,", s.PID)) {
				continue
			}
			checked++
			if local := strings.Fields(line)[3]; !strings.HasPrefix(local, "127.0.0.1:") {
				t.Errorf("%s listens on %s", s.Name, local)
			}
		}
	}
	if checked < 7 {
		t.Errorf("saw %d listeners, want at least 7", checked)
	}
}

func botPermissions(t *testing.T, b *bench) {
	cases := []struct {
		ask  []string
		want string
	}{
		{[]string{"list", "pods"}, "yes"},
		{[]string{"get", "pods", "--subresource=log"}, "yes"},
		{[]string{"patch", "deployments.apps"}, "yes"},
		{[]string{"create", "tokenreviews.authentication.k8s.io"}, "yes"},
		{[]string{"list", "nodes"}, "yes"},
		{[]string{"create", "pods", "--subresource=exec"}, "yes"}, // which a policy bounds
		{[]string{"create", "pods/attach"}, "no"},
		{[]string{"create", "pods/portforward"}, "no"},
		{[]string{"get", "secrets"}, "no"},
		{[]string{"list", "secrets"}, "no"},
		{[]string{"impersonate", "users"}, "no"},
		{[]string{"delete", "pods"}, "yes"},
		{[]string{"create", "jobs.batch"}, "yes"},
		{[]string{"create", "pods"}, "no"},
		{[]string{"delete", "deployments.apps"}, "no"},
		{[]string{"delete", "statefulsets.apps"}, "no"},
		{[]string{"list", "pods", "-n", "kube-system"}, "no"},
	}
	for _, c := range cases {
		t.Run(strings.Join(c.ask, " "), func(t *testing.T) {
			// "no" is exit code 1.
			out, err := b.kubectl(b.BotKubeconfig, append([]string{"auth", "can-i"}, c.ask...)...)
			if got := strings.TrimSpace(out); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func tokenReview(t *testing.T, b *bench) {
	for user, token := range b.Tokens {
		review := fmt.Sprintf(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":%q}}`, token)
		out, complaint, err := execute(b.Kubectl, []byte(review), "--kubeconfig", b.BotKubeconfig,
			"create", "--validate=false", "-o", "json", "-f", "-")
		if err != nil {
			t.Fatalf("%v\n%s", err, complaint)
		}
		var answer struct {
			Status struct {
				Authenticated bool
				User          struct{ Username string }
			}
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatal(err)
		}
		if !answer.Status.Authenticated || answer.Status.User.Username != user {
			t.Errorf("token of %s: got %+v", user, answer.Status)
		}
	}
}

func auditLog(t *testing.T, b *bench) {
	const secret = "the-password-in-the-secret"
	b.mustKubectl("create", "secret", "generic", "audited", "--from-literal=password="+secret)
	b.mustKubectl("delete", "secret", "audited")
	if _, err := b.kubectl(b.BotKubeconfig, "patch", "deployment", "frontend-deployment", "-p",
		`{"metadata":{"annotations":{"test.svcdown.dev/witness":"patched"}}}`); err != nil {
		t.Fatal(err)
	}
	log, err := os.Open(b.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	witnesses := 0
	scan := bufio.NewScanner(log)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		var event struct {
			Verb           string
			User           struct{ Username string }
			ObjectRef      struct{ Name string }
			RequestObject  json.RawMessage
			ResponseStatus struct{ Code int }
		}
		if err := json.Unmarshal(scan.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(scan.Text(), secret) || strings.Contains(scan.Text(), "dGhlLXBhc3N3b3JkLWluLXRoZS1zZWNyZXQ") {
			t.Errorf("a Secret's content is in the log: %.300s", scan.Text())
		}
		if event.Verb == "patch" && event.User.Username == "svcdown-bot" && event.ObjectRef.Name == "frontend-deployment" &&
			strings.Contains(string(event.RequestObject), "test.svcdown.dev/witness") && event.ResponseStatus.Code == http.StatusOK {
			witnesses++
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	if witnesses != 1 {
		t.Errorf("got %d records of the one patch", witnesses)
	}
}

func breakAndHeal(t *testing.T, b *bench) {
	b.mustRun("break", "backend", "crashloop", "--seed", "7")
	within(t, time.Minute, func() error {
		out := b.mustKubectl("get", "pods", "-l", "app=backend", "--no-headers")
		if !strings.Contains(out, "CrashLoopBackOff") {
			return fmt.Errorf("no pod is in CrashLoopBackOff:\n%s", out)
		}
		return nil
	})
	b.mustRun("heal", "backend")
	within(t, time.Minute, func() error {
		out := b.mustKubectl("get", "pods", "-l", "app=backend", "--no-headers")
		if strings.Count(out, "1/1   Running") != 3 || strings.Count(out, "\n") != 3 {
			return fmt.Errorf("not healed:\n%s", out)
		}
		return nil
	})
}

func secondWorld(t *testing.T, b *bench) {
	var second info
	if err := json.Unmarshal([]byte(b.mustRun("seed", "--namespace", "elsewhere", "--json")), &second); err != nil {
		t.Fatal(err)
	}
	b.mustRun("break", "redis-master", "redis-down", "--namespace", "elsewhere")
	first := b.mustKubectl("get", "pods", "--no-headers")
	if strings.Count(first, "Running") != 7 {
		t.Errorf("the first world is not whole:\n%s", first)
	}
	if _, err := b.kubectl(b.BotKubeconfig, "get", "pods", "-n", "elsewhere"); err != nil {
		t.Errorf("the bot in the second world: %v", err)
	}
	if second.HealthURLs["backend"] == "" || second.HealthURLs["backend"] == b.HealthURLs["backend"] {
		t.Errorf("health URLs: got %v beside %v", second.HealthURLs, b.HealthURLs)
	}
	again := b.mustRun("seed", "--namespace", "elsewhere", "--json")
	var third info
	if err := json.Unmarshal([]byte(again), &third); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(second, third); diff != "" {
		t.Errorf("seeding again (-first +again):\n%s", diff)
	}
}

func TestForegroundEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(program, "--dir", dir, "up", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got info
	if err := json.NewDecoder(out).Decode(&got); err != nil {
		t.Fatalf("up --json: %v", err)
	}
	b := &bench{t: t, dir: dir, info: got}
	parts := b.status()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("up: %v", err)
	}
	for _, part := range parts {
		if alive(part.PID) {
			t.Errorf("%s (process %d) is still there", part.Name, part.PID)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "supervisor.json")); !os.IsNotExist(err) {
		t.Errorf("the contact file: got %v, want none", err)
	}
}
