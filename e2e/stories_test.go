package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/slacksim"
	"github.com/svcdown/svcdown/store/pgtest"
)

// stage is what all stories share: one control plane, one Postgres, one build of the bot. Each story has a namespace, a database, a Redis
// and a Slack workspace of its own.
type stage struct {
	cluster  *k8stest.Sandbox
	postgres *pgtest.Server
	binary   string
	worlds   atomic.Int64
}

var shared stage

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "svcdown-e2e-")
		if err != nil {
			return fail("make a folder", err)
		}
		defer os.RemoveAll(dir)
		shared.binary = filepath.Join(dir, "svcdown")
		build := exec.Command("go", "build", "-tags", "failpoint", "-o", shared.binary, "../cmd/svcdown")
		if out, err := build.CombinedOutput(); err != nil {
			return fail("build the bot", fmt.Errorf("%w\n%s", err, out))
		}
		ctx := context.Background()
		defer func() {
			if err := k8stest.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop the sandbox:", err)
			}
		}()
		if shared.postgres, err = pgtest.Start(ctx); err != nil {
			return fail("start Postgres", err)
		}
		defer shared.postgres.Close()
		return m.Run()
	}())
}

func fail(what string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	return 1
}

func TestStories(t *testing.T) {
	shared.cluster = k8stest.Shared(t)
	testscript.Run(t, params("testdata"))
}

// TestOutages runs what takes the shared API server or its nodes away: one story after the other, and nothing else beside it.
func TestOutages(t *testing.T) {
	shared.cluster = k8stest.Shared(t)
	files, err := filepath.Glob("testdata/outage/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("found the stories %q: %v", files, err)
	}
	for _, file := range files {
		// A test ends when its parallel parts have ended, so the next story starts after this one.
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			p := params("")
			p.Files = []string{file}
			testscript.Run(t, p)
		})
	}
}

func params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		Setup:               setUp,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bot": cmdBot, "signal": cmdSignal, "log": cmdLog,
			"say": cmdSay, "reply": cmdReply, "click": cmdClick, "forge": cmdForge, "see": cmdSee, "alone": cmdAlone, "dm": cmdDM,
			"pings": cmdPings, "remember": cmdRemember, "fault": cmdFault, "socket": cmdSocket, "group": cmdGroup, "invite": cmdInvite,
			"break": cmdBreak, "heal": cmdHeal, "kubectl": cmdKubectl, "ready": cmdReady, "changes": cmdChanges, "deletes": cmdDeletes, "apiserver": cmdAPIServer,
			"postgres": cmdPostgres, "redis": cmdRedis, "svcdown": cmdTerminal, "pause": cmdPause, "never": cmdNever, "files": cmdFiles, "count": cmdCount, "sed": cmdSed, "settled": cmdSettled,
			"room": cmdRoom, "rooms": cmdRooms, "channel": cmdChannel, "today": cmdToday, "pushpin": cmdPushpin, "file": cmdFile,
			"incident": cmdIncident, "calls": cmdCalls, "home": cmdHome, "archived": cmdArchived, "shortcut": cmdShortcut,
			"http": cmdHTTP, "slack": cmdSlack, "logline": cmdLogLine, "nowhere": cmdNowhere, "keep": cmdKeep, "quiet": cmdQuiet,
			"eventually": cmdEventually, "form": cmdForm, "fill": cmdFill, "wrong": cmdWrong,
			"alertmanager": cmdAlertmanager, "silenced": cmdSilenced, "statuspage": cmdStatusPage, "alert": cmdAlert, "pagerduty": cmdPagerDuty, "paged": cmdPaged, "health": cmdHealth, "config": cmdConfig,
			"triaging": cmdTriaging,
			"hurry":    cmdHurry, "direct": cmdDirect, "canvas": cmdCanvas, "applies": cmdApplies,
			"mail": cmdMail, "mailed": cmdMailed, "pages": cmdPages, "timeline": cmdTimeline,
		},
	}
}

// story is what one script works with.
type story struct {
	env       *testscript.Env
	slack     *slacksim.Workspace
	addresses slacksim.Addresses
	namespace string
	config    string
	database  string
	ownPG     *pgtest.Server // started by `postgres own`
	redis     *process
	redisPort string
	bots      map[string]*process
	around    around            // the systems around the bot
	last      slacksim.Message  // what see found
	made      map[string]string // the channels that people made, by name
	heard     map[string]string // by person, the ts of the last whisper that a story looked at
}

func setUp(env *testscript.Env) error {
	s := &story{env: env, bots: map[string]*process{}, heard: map[string]string{}, made: map[string]string{}}
	env.Values["story"] = s
	cfg := slacksim.Marketplace()
	ws, err := slacksim.New(cfg)
	if err != nil {
		return err
	}
	if s.addresses, err = ws.Start(context.Background()); err != nil {
		return err
	}
	s.slack = ws
	env.Defer(func() { _ = ws.Close() })
	s.namespace = fmt.Sprintf("story-%d", shared.worlds.Add(1))
	if out, err := shared.cluster.Command("seed", "--namespace", s.namespace).CombinedOutput(); err != nil {
		return fmt.Errorf("seed %s: %w\n%s", s.namespace, err, out)
	}
	s.database, err = shared.postgres.Database(context.Background())
	if err != nil {
		return err
	}
	if err := s.startRedis(); err != nil {
		return err
	}
	env.Defer(func() {
		for _, p := range s.bots {
			p.kill()
		}
		s.redis.kill()
	})
	s.config = filepath.Join(env.WorkDir, "svcdown.yaml")
	env.Setenv("NAMESPACE", s.namespace)
	env.Setenv("KUBECONFIG", shared.cluster.Kubeconfig)
	env.Setenv("TOKEN_ALICE", shared.cluster.Tokens["alice"])
	env.Setenv("TOKEN_BOT", shared.cluster.Tokens["svcdown-bot"])
	if _, err := os.Stat(s.config); err == nil {
		return s.expandConfig()
	}
	template, err := os.ReadFile("testdata/svcdown.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.config, template, 0o600); err != nil {
		return err
	}
	return s.expandConfig()
}

// expandConfig fills the places of this story into its svcdown.yaml.
func (s *story) expandConfig() error {
	b, err := os.ReadFile(s.config)
	if err != nil {
		return err
	}
	text := strings.NewReplacer("$NAMESPACE", s.namespace, "$KUBECONFIG", shared.cluster.BotKubeconfig, "$WORK", s.env.WorkDir).Replace(string(b))
	return os.WriteFile(s.config, []byte(text), 0o600)
}

func (s *story) startRedis() error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("redis-server is missing: apt-get install redis-server: %w", err)
	}
	if s.redisPort == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		_, s.redisPort, _ = net.SplitHostPort(l.Addr().String())
		if err := l.Close(); err != nil {
			return err
		}
	}
	s.redis, err = start(exec.Command(path, "--port", s.redisPort, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"))
	return err
}

// of is the story that a script belongs to.
func of(ts *testscript.TestScript) *story { return ts.Value("story").(*story) }
