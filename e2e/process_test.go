package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// process is a child with its output.
type process struct {
	cmd    *exec.Cmd
	out    *buffer
	exited chan struct{}
	listen string
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: &buffer{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// cmdBot: bot NAME [KEY=VALUE...] starts a bot and waits until it is connected to Slack; bot -down NAME does not wait. A later value of a
// variable replaces an earlier one: a second failpoint of a story takes a SVCDOWN_FAILPOINT_MARK of its own.
func cmdBot(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("bot cannot be negated")
	}
	s := of(ts)
	wait := true
	if len(args) > 0 && args[0] == "-down" {
		wait, args = false, args[1:]
	}
	if len(args) == 0 {
		ts.Fatalf("usage: bot [-down] NAME [KEY=VALUE...]")
	}
	name := args[0]
	if old := s.bots[name]; old != nil {
		select {
		case <-old.exited:
		default:
			ts.Fatalf("bot %s runs already", name)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	listen := l.Addr().String()
	ts.Check(l.Close())
	cmd := exec.Command(shared.binary, "run", "--config", s.config)
	cmd.Env = append([]string{
		"PATH=" + ts.Getenv("PATH"), "HOME=" + s.env.WorkDir,
		"SLACK_APP_TOKEN=xapp-sim-svcdown", "SLACK_BOT_TOKEN=xoxb-sim-svcdown", "SLACK_API_URL=" + s.addresses.API,
		"DATABASE_URL=" + s.database, "REDIS_URL=redis://127.0.0.1:" + s.redisPort,
		"SVCDOWN_LISTEN=" + listen, "SVCDOWN_DATA_DIR=" + filepath.Join(s.env.WorkDir, name), "SVCDOWN_SETTLE=3s",
		"SVCDOWN_FAILPOINT_MARK=" + filepath.Join(s.env.WorkDir, "failpoint"),
	}, args[1:]...)
	p, err := start(cmd)
	ts.Check(err)
	p.listen = listen
	s.bots[name] = p
	if !wait {
		return
	}
	ts.Logf("bot %s: pid %d, http://%s", name, cmd.Process.Pid, listen)
	ts.Check(until(60*time.Second, func() error {
		select {
		case <-p.exited:
			return fmt.Errorf("bot %s ended:\n%s", name, p.out)
		default:
		}
		res, err := http.Get("http://" + listen + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("bot %s is not ready: %s\n%s", name, res.Status, p.out)
		}
		return nil
	}))
}

// cmdSignal: signal NAME KILL|STOP|CONT|TERM; signal -wait NAME waits for the process to end by itself (a failpoint).
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if len(args) != 2 {
		ts.Fatalf("usage: signal NAME KILL|STOP|CONT|TERM|ended|stopped")
	}
	p := s.bots[args[0]]
	if p == nil {
		ts.Fatalf("there is no bot %s", args[0])
	}
	switch args[1] {
	case "ended":
		select {
		case <-p.exited:
		case <-time.After(90 * time.Second):
			ts.Fatalf("bot %s did not end at its failpoint:\n%s", args[0], p.out)
		}
	case "stopped":
		ts.Check(until(90*time.Second, func() error { return stopped(p.cmd.Process.Pid) }))
	default:
		sig := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "TERM": syscall.SIGTERM}[args[1]]
		if sig == 0 {
			ts.Fatalf("unknown signal %s", args[1])
		}
		ts.Check(p.cmd.Process.Signal(sig))
		if sig == syscall.SIGKILL || sig == syscall.SIGTERM {
			select {
			case <-p.exited:
			case <-time.After(30 * time.Second):
				ts.Fatalf("bot %s does not end on %s:\n%s", args[0], args[1], p.out)
			}
		}
	}
}

// cmdLog: log NAME REGEXP asserts what the bot wrote to its log; ! log asserts that it did not.
func cmdLog(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: log NAME REGEXP")
	}
	found := regexp.MustCompile(args[1]).MatchString(of(ts).bots[args[0]].out.String())
	if found == neg {
		ts.Fatalf("log of %s matches %q: %v\n%s", args[0], args[1], found, of(ts).bots[args[0]].out)
	}
}

// cmdTerminal: svcdown [-as PERSON] [-bot NAME|none] ARGS... runs the terminal client.
func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	person, server := "alice", ""
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-as":
			person = args[1]
		case "-bot":
			server = args[1]
		default:
			ts.Fatalf("unknown flag %s", args[0])
		}
		args = args[2:]
	}
	url := "http://127.0.0.1:1" // nobody listens there
	if server != "none" {
		if server == "" {
			server = "bot"
		}
		url = "http://" + s.bots[server].listen
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shared.binary, args...)
	cmd.Dir = s.env.WorkDir
	cmd.Env = s.terminalEnv(person, url)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	_, _ = ts.Stdout().Write(out.Bytes())
	_, _ = ts.Stderr().Write(errOut.Bytes())
	if (err != nil) != neg {
		ts.Fatalf("svcdown %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errOut.String())
	}
}

// terminalEnv is the environment of a person at a terminal.
func (s *story) terminalEnv(person, server string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.env.WorkDir, "SVCDOWN_SERVER=" + server, "SVCDOWN_CONFIG=" + s.config,
		"KUBECONFIG=" + shared.cluster.UserKubeconfigs[person], "DATABASE_URL=" + s.database}
}

// cmdRedis: redis stop|start.
func cmdRedis(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch strings.Join(args, " ") {
	case "stop":
		s.redis.kill()
	case "start":
		ts.Check(s.startRedis())
	default:
		ts.Fatalf("usage: redis stop|start")
	}
}

// cmdPause: pause DURATION lets time pass where time itself is what the story is about (an expiry).
func cmdPause(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
}

// cmdSed: sed FILE OLD NEW replaces text that must be there; \n in NEW is a line's end.
func cmdSed(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	if !strings.Contains(string(b), args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(string(b), args[1], strings.ReplaceAll(args[2], `\n`, "\n"))), 0o600))
}

// cmdSettled waits until a bot that was frozen has answered for its lost execution: its log has nothing open and it is ready again.
func cmdSettled(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	for name, p := range s.bots {
		ts.Check(until(patience, func() error {
			res, err := http.Get("http://" + p.listen + "/readyz")
			if err != nil {
				return fmt.Errorf("bot %s: %w", name, err)
			}
			return res.Body.Close()
		}))
	}
	time.Sleep(10 * time.Second) // a late call, were it to come, has its 8 s limit behind it
}

// until tries again until try succeeds or the time is over.
func until(limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
