package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoMark is in the environment of a demo and of everything it starts.
const demoMark = "SVCDOWN_DEMO_TEST"

// TestDemo starts the demo twice in one folder: it serves its page, breaks the backend, and leaves no process behind when it is asked to
// end, nor when it is killed.
func TestDemo(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	builds := []struct{ dir, pkg string }{{"..", "./cmd/svcdown"}, {"..", "./cmd/demo"}, {"../sandbox", "."}}
	for _, b := range builds {
		cmd := exec.Command("go", "build", "-o", bin+"/", b.pkg)
		cmd.Dir = b.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s in %s: %v\n%s", b.pkg, b.dir, err, out)
		}
	}
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		says   string
	}{
		{"asked to end it stops everything in order", syscall.SIGINT, "Nothing of the demo runs any more."},
		{"started again and killed it leaves nothing behind", syscall.SIGKILL, ""},
		{"started after a kill it ends as a service manager asks", syscall.SIGTERM, "Nothing of the demo runs any more."},
	} {
		t.Run(c.name, func(t *testing.T) {
			mark := fmt.Sprintf("%s=%d-%s", demoMark, os.Getpid(), c.signal)
			p, page := startDemo(t, filepath.Join(bin, "demo"), dir, mark)
			if body := get(t, page); !strings.Contains(body, "<title>") {
				t.Errorf("the page is no page:\n%s", body)
			}
			tree := marked(t, mark)
			for _, program := range []string{"demo", "svcdown", "sandbox", "redis-server", "postgres", "kube-apiserver", "etcd"} {
				if !containsProgram(tree, program) {
					t.Errorf("%s does not run: %v", program, tree)
				}
			}
			if err := p.cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			select {
			case <-p.exited:
			case <-time.After(patience):
				t.Fatalf("the demo does not end on %s:\n%s", c.signal, p.out)
			}
			limit := time.Duration(0) // what ended in order has waited for its children
			if c.signal == syscall.SIGKILL {
				limit = 20 * time.Second
			}
			if err := until(limit, func() error {
				if left := marked(t, mark); len(left) > 0 {
					return fmt.Errorf("these are left: %v", left)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			if !strings.Contains(p.out.String(), c.says) {
				t.Errorf("want %q in:\n%s", c.says, p.out)
			}
		})
	}
}

// startDemo returns once the demo has printed the page's address.
func startDemo(t *testing.T, program, dir, mark string) (p *process, page string) {
	t.Helper()
	cmd := exec.Command(program, "-port", "0")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), mark)
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	address := regexp.MustCompile(`Open\s+(http://127\.0\.0\.1:\d+/)#/ops\?user=alice`)
	// The first start of a machine compiles a control plane.
	if err := until(20*time.Minute, func() error {
		select {
		case <-p.exited:
			t.Fatalf("the demo ended:\n%s", p.out)
		default:
		}
		m := address.FindStringSubmatch(p.out.String())
		if m == nil {
			return fmt.Errorf("no address yet:\n%s", p.out)
		}
		page = m[1]
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return p, page
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, res.Status, err)
	}
	return body.String()
}

// marked are the live processes, by process ID, that have mark in their environment: whoever their parent is by now.
func marked(t *testing.T, mark string) map[int]string {
	t.Helper()
	found := map[int]string{}
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(environs) == 0 {
		t.Fatalf("this test finds processes in /proc, which only Linux has: %v", err)
	}
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte(mark+"\x00")) {
			continue // ended meanwhile, or somebody else's
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found[pid] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
	}
	return found
}

func containsProgram(tree map[int]string, program string) bool {
	for _, line := range tree {
		name, _, _ := strings.Cut(line, " ")
		if filepath.Base(name) == program {
			return true
		}
	}
	return false
}
