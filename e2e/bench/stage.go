package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/slacksim"
	"github.com/svcdown/svcdown/store/pgtest"
)

//go:embed svcdown.yaml
var template string

// stage is what is measured: the product as it is shipped, a real Kubernetes API, a local Slack and a real Postgres.
type stage struct {
	dir, binary, config string
	cluster             *k8stest.Sandbox
	postgres            *pgtest.Server
	slack               *slacksim.Workspace
	slackAPI            string
	crowd               []string // the people who type at once
	bot                 *bot
	figures             string

	end []func() error
}

// crowdSize keeps each of the crowd below the bot's limit for one person at 50 commands a second.
const crowdSize = 60

// build makes everything but the bot's process. Whatever it returns, close must be called.
func (s *stage) build(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "svcdown-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	s.dir = dir
	s.end = append(s.end, func() error { return os.RemoveAll(dir) })
	s.binary = filepath.Join(dir, "svcdown")
	compile := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", s.binary, "github.com/svcdown/svcdown/cmd/svcdown")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("build svcdown: %w\n%s", err, out)
	}
	if s.cluster, err = k8stest.Start(); err != nil {
		return err
	}
	s.end = append(s.end, s.cluster.Close)
	if s.postgres, err = pgtest.Start(ctx); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	s.end = append(s.end, s.postgres.Close)
	return errors.Join(s.openSlack(ctx), s.writeConfig())
}

func (s *stage) close() error {
	var problems []error
	for i := len(s.end) - 1; i >= 0; i-- {
		problems = append(problems, s.end[i]())
	}
	return errors.Join(problems...)
}

func (s *stage) openSlack(ctx context.Context) error {
	cfg := slacksim.Marketplace()
	for i := range crowdSize {
		name := fmt.Sprintf("crowd%02d", i)
		s.crowd = append(s.crowd, name)
		cfg.Users = append(cfg.Users, slacksim.User{ID: crowdID(i), TeamID: "T0MARKET01", Name: name, RealName: name})
	}
	ws, err := slacksim.New(cfg)
	if err != nil {
		return fmt.Errorf("start the local Slack: %w", err)
	}
	addresses, err := ws.Start(ctx)
	if err != nil {
		return fmt.Errorf("start the local Slack: %w", err)
	}
	s.slack, s.slackAPI = ws, addresses.API
	s.end = append(s.end, ws.Close)
	return nil
}

func crowdID(i int) string { return fmt.Sprintf("U0CROWD%03d", i) }

func (s *stage) writeConfig() error {
	text := strings.NewReplacer("$NAMESPACE", s.cluster.Namespace, "$KUBECONFIG", s.cluster.BotKubeconfig).Replace(template)
	var b strings.Builder
	b.WriteString(text)
	for i, name := range s.crowd {
		fmt.Fprintf(&b, "  - name: %s\n    slack: [{team: T0MARKET01, user: %s}]\n", name, crowdID(i))
	}
	s.config = filepath.Join(s.dir, "svcdown.yaml")
	return os.WriteFile(s.config, []byte(b.String()), 0o600)
}

// bot is the product as a process of its own.
type bot struct {
	cmd    *exec.Cmd
	log    *os.File
	exited chan struct{}
	server string
}

// startBot starts a bot on an empty database and waits until Slack can reach it.
func (s *stage) startBot(ctx context.Context) error {
	database, err := s.postgres.Database(ctx)
	if err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a port for the bot: %w", err)
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	log, err := os.CreateTemp(s.dir, "bot-*.log")
	if err != nil {
		return err
	}
	b := &bot{server: "http://" + listen, log: log, exited: make(chan struct{})}
	b.cmd = exec.Command(s.binary, "run", "--config", s.config)
	b.cmd.SysProcAttr = childAttr()
	b.cmd.Stderr = log
	b.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "SLACK_APP_TOKEN=xapp-sim-svcdown", "SLACK_BOT_TOKEN=xoxb-sim-svcdown", "SLACK_API_URL=" + s.slackAPI,
		"DATABASE_URL=" + database, "SVCDOWN_LISTEN=" + listen, "SVCDOWN_DATA_DIR=" + s.dir,
	}
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("start the bot: %w", err)
	}
	go func() {
		_ = b.cmd.Wait()
		close(b.exited)
	}()
	s.bot = b
	return until(ctx, time.Minute, func() error {
		res, err := http.Get(b.server + "/readyz")
		if err != nil {
			return fmt.Errorf("%w\n%s", err, b.said())
		}
		defer res.Body.Close()
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			return fmt.Errorf("the bot is not ready: %s %s\n%s", res.Status, body, b.said())
		}
		return nil
	})
}

// stopBot kills the bot: nothing of what it does afterwards is measured.
func (s *stage) stopBot() error {
	if s.bot == nil {
		return nil
	}
	err := s.bot.cmd.Process.Kill()
	<-s.bot.exited
	err = errors.Join(err, s.bot.log.Close())
	s.bot = nil
	return err
}

// said is the end of the bot's log.
func (b *bot) said() string {
	text, err := os.ReadFile(b.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}

// kubectl runs the real kubectl as alice.
func (s *stage) kubectl(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.cluster.KubectlPath, args...)
	cmd.Env = s.terminalEnv("alice", "")
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, problem.String())
	}
	return out, nil
}

// until tries again until try succeeds or the time is over.
func until(ctx context.Context, limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
