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
			root := p.cmd.Process.Pid
			before := tree(t, root, mark)
			for _, program := range []string{"demo", "svcdown", "sandbox", "redis-server", "postgres", "kube-apiserver", "etcd", "kwok"} {
				if !runs(before, program) {
					t.Errorf("%s does not run: %v", program, before)
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
				if remain := left(t, before, root, mark); len(remain) > 0 {
					return fmt.Errorf("these are left: %v", remain)
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

// alive is one process; its start tells it from a later one with the same number.
type alive struct {
	pid            int
	program, start string
}

// tree finds the processes under the demo: its children's children by parent, and by the mark in their environment those whose parent has
// gone. (Redis and Postgres write their title over their environment.)
func tree(t *testing.T, root int, mark string) map[alive]bool {
	t.Helper()
	processes, parent := map[int]alive{}, map[int]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Fatalf("this test finds processes in /proc, which only Linux has: %v", err)
	}
	found := map[alive]bool{}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
		if err != nil || open < 0 {
			continue // ended meanwhile
		}
		pid, err := strconv.Atoi(string(bytes.TrimSpace(stat[:open])))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(stat[end+1:])) // from the third of proc(5) on
		p := alive{pid: pid, program: string(stat[open+1 : end]), start: fields[19]}
		if fields[0] == "Z" {
			continue // ended; only its parent has not asked how
		}
		processes[pid] = p
		if parent[pid], err = strconv.Atoi(fields[1]); err != nil {
			t.Fatal(err)
		}
		if env, err := os.ReadFile(filepath.Join(filepath.Dir(path), "environ")); err == nil && bytes.Contains(env, []byte(mark+"\x00")) {
			found[p] = true
		}
	}
	for pid, p := range processes {
		for up := pid; up > 1; up = parent[up] {
			if up == root {
				found[p] = true
			}
		}
	}
	return found
}

// left are those of before that still live, and whatever carries the mark.
func left(t *testing.T, before map[alive]bool, root int, mark string) []alive {
	t.Helper()
	var out []alive
	now := tree(t, root, mark)
	for p := range before {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
		if err == nil && strings.Contains(string(stat), " "+p.start+" ") && !strings.Contains(string(stat), ") Z ") {
			now[p] = true
		}
	}
	for p := range now {
		out = append(out, p)
	}
	return out
}

func runs(processes map[alive]bool, program string) bool {
	for p := range processes {
		if p.program == program {
			return true
		}
	}
	return false
}
