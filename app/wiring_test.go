package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/slacksim"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/store/pgtest"
)

// canary is a database password; the local Postgres asks nobody for theirs.
const canary = "k4nary-pa55word"

// journal is a log that can be read while it is written.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// running is a whole bot in this process, on a real Postgres and a local Slack; its cluster does not answer.
type running struct {
	slack *slacksim.Workspace
	log   *journal
	stop  context.CancelFunc
	ended chan error
	ctx   context.Context
}

func launch(t *testing.T, change func(*Settings)) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	cfg := slacksim.Marketplace()
	cfg.NoRateLimits = true
	w, err := slacksim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	at, err := w.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	path := filepath.Join(t.TempDir(), "svcdown.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(oneService, "KUBECONFIG", kubeconfigOf(t, "{token: t}"), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s := Settings{Catalog: cat, ConfigPath: path, AppToken: cfg.App.AppToken, BotToken: cfg.App.BotToken, SlackURL: at.API,
		DataDir: t.TempDir(), Listen: "127.0.0.1:0", Settle: time.Second}
	change(&s)
	r := &running{slack: w, log: &journal{}, ended: make(chan error, 1), ctx: ctx}
	runCtx, stop := context.WithCancel(ctx)
	r.stop = stop
	go func() {
		r.ended <- Run(runCtx, s, zerolog.New(r.log))
		close(r.ended)
	}()
	t.Cleanup(func() {
		stop()
		for range r.ended { // until it has ended
		}
		for _, secret := range []string{canary, cfg.App.AppToken, cfg.App.BotToken} {
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("%q stands in the log:\n%s", secret, r.log)
			}
		}
	})
	return r
}

const oneService = `slack: {team: T0MARKET01}
channels: {ops: C0OPS00001}
clusters: [{name: prod, kubeconfig: KUBECONFIG}]
services:
  - {name: backend, cluster: prod, namespace: shop, workload: {kind: Deployment, name: backend}}
roles: [{name: oncall, people: [alice]}]
policies:
  - {name: all, actions: ["*"], services: ["*"], mayAsk: [oncall], approvals: none}
people:
  - {name: alice, slack: [{team: T0MARKET01, user: U0ALICE001}]}
`

func (r *running) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-r.ctx.Done():
			t.Fatalf("%s did not come; the log:\n%s", what, r.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// logged waits for a line of the log.
func (r *running) logged(t *testing.T, part string) {
	t.Helper()
	r.until(t, part, func() bool { return strings.Contains(r.log.String(), part) })
}

var aDatabaseAway = regexp.MustCompile(`"name": ?"database",\s*"ok": ?false`)

var listening = regexp.MustCompile(`"listen":"([^"]+)"`)

// address is where the bot serves HTTP.
func (r *running) address(t *testing.T) string {
	t.Helper()
	r.logged(t, "svcdown runs")
	return listening.FindStringSubmatch(r.log.String())[1]
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := http.Get("http://" + r.address(t) + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (r *running) ready(t *testing.T) {
	t.Helper()
	r.until(t, "readiness", func() bool { code, _ := r.get(t, "/readyz"); return code == http.StatusOK })
}

// answer is what the bot says after that was typed.
func (r *running) answer(t *testing.T, command, part string) {
	t.Helper()
	if _, err := r.slack.Say("alice", "ops", "", "/svcdown "+command); err != nil {
		t.Fatal(err)
	}
	if _, err := r.slack.WaitMessage(r.ctx, func(m slacksim.Message) bool { return strings.Contains(m.Text, part) }); err != nil {
		var said []string
		for _, m := range r.slack.Messages("ops") {
			said = append(said, m.Text)
		}
		t.Fatalf("nobody answered %q with %q: %v\n%q\n%s", command, part, err, said, r.log)
	}
}

func postgresWithPassword(t *testing.T) (*pgtest.Server, string) {
	t.Helper()
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server, server.NewDatabase(t) + "&password=" + canary
}

func TestTheBotIsWiredAndStopsWhatItStarted(t *testing.T) {
	t.Parallel()
	server, url := postgresWithPassword(t)
	r := launch(t, func(s *Settings) { s.DatabaseURL = url })
	r.ready(t)
	if code, body := r.get(t, "/readyz"); code != http.StatusOK || !strings.Contains(body, "cluster prod") || !strings.Contains(body, "database") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	r.answer(t, "whoami", "alice")                     // answered at once
	r.answer(t, "approve R-222222", "no such request") // through the database's inbox
	r.answer(t, "status backend", "backend")           // by the cluster's own checks, all unknown
	_, metrics := r.get(t, "/metrics")
	for _, name := range []string{"svcdown_slack_ack_seconds", "svcdown_slack_calls_total", "svcdown_slack_socket_age_seconds", "svcdown_slack_work_depth",
		"svcdown_command_seconds", "svcdown_approvals", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(metrics, name) {
			t.Errorf("/metrics does not tell %s:\n%s", name, metrics)
		}
	}
	for range 25 {
		if _, err := r.slack.Say("alice", "ops", "", "/svcdown whoami"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.slack.WaitMessage(r.ctx, func(m slacksim.Message) bool { return strings.Contains(m.Text, "Try again in") }); err != nil {
		t.Errorf("nobody is ever asked to wait: %v", err)
	}
	audit, err := store.Open(r.ctx, store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := audit.AuditTail(r.ctx, 5)
	if err != nil || len(entries) == 0 {
		t.Errorf("the audit log holds %v, %v", entries, err)
	}
	if err := audit.Stop(r.ctx); err != nil {
		t.Error(err)
	}

	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	r.until(t, "a database that is away", func() bool {
		code, body := r.get(t, "/readyz")
		return code == http.StatusOK && aDatabaseAway.MatchString(body)
	})
	address := r.address(t)
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("Run ended with %v", err)
		}
	case <-time.After(2 * stopTime):
		t.Fatal("the bot does not stop")
	}
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("somebody still listens")
	}
	if n := len(r.slack.SocketState().Connections); n > 0 {
		t.Errorf("%d sockets are still open", n)
	}
}

func TestRefusedTokensEndABotThatNeverWorkedAndNotOneThatDid(t *testing.T) {
	t.Parallel()
	server, url := postgresWithPassword(t)
	never := launch(t, func(s *Settings) { s.DatabaseURL, s.AppToken = url, "xapp-wrong" })
	select {
	case err := <-never.ended:
		if err == nil || !strings.Contains(err.Error(), "SLACK_APP_TOKEN") {
			t.Errorf("got %v, want what to look at", err)
		}
	case <-never.ctx.Done():
		t.Fatal("a bot whose tokens were never any good runs on")
	}
	worked := launch(t, func(s *Settings) { s.DatabaseURL = server.NewDatabase(t) })
	worked.ready(t)
	if err := worked.slack.Fault(slacksim.Fault{Method: "apps.connections.open", Kind: slacksim.FaultError, Error: "token_revoked", Times: 100}); err != nil {
		t.Fatal(err)
	}
	if err := worked.slack.Socket(slacksim.SocketOp{Op: slacksim.SocketRefresh}); err != nil {
		t.Fatal(err)
	}
	worked.logged(t, "the terminal still works")
	if code, _ := worked.get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz answers %d", code)
	}
}

func TestTheDatabasesPasswordIsInNoLogAndNoError(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().String()
	go func() { // whoever this is, it is no Postgres
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	for name, url := range map[string]string{
		"nobody listens":        "postgres://svcdown:" + canary + "@127.0.0.1:1/svcdown",
		"another server":        "postgres://svcdown:" + canary + "@" + taken + "/svcdown?sslmode=disable",
		"no such host":          "postgres://svcdown:" + canary + "@database.invalid/svcdown",
		"no address":            "postgres://svcdown:" + canary + "@[::1/svcdown",
		"an option of no sense": "postgres://svcdown:" + canary + "@127.0.0.1/svcdown?sslmode=" + canary,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := launch(t, func(s *Settings) { s.DatabaseURL = url }) // looks at the log in the end
			r.logged(t, "the database does not answer")
			r.ready(t)
			r.answer(t, "approve R-222222", "database does not answer")
			for _, m := range r.slack.Messages("ops") {
				if strings.Contains(m.Text, canary) {
					t.Errorf("said in Slack: %s", m.Text)
				}
			}
			r.stop()
			if err := <-r.ended; err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
}
