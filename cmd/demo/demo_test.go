package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/app"
	"github.com/svcdown/svcdown/slacksim"
)

func TestTheWorkspaceCompletesTheBotsVerbs(t *testing.T) {
	t.Parallel()
	var want []string
	for _, v := range app.Verbs() {
		want = append(want, v.Name)
	}
	want = append(want, "help")
	if diff := cmp.Diff(want, slacksim.Marketplace().App.Commands[0].Completions); diff != "" {
		t.Errorf("slacksim/marketplace.go offers other words than the bot knows (-want +got):\n%s", diff)
	}
}

func TestTheDemosRunbookAsksThisMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := shelve(dir, world{HealthURLs: map[string]string{"backend": "http://127.0.0.1:1/health", "frontend": "http://127.0.0.1:2/"}}); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	if err := app.LintRunbooks([]string{dir}, "", false, &out, &complaints); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &complaints)
	}
	if got := out.String(); strings.Contains(got, "web3marketplace.com/") || strings.Count(got, "http probe") != 3 {
		t.Errorf("want three probes of this machine:\n%s", got)
	}
}

func TestTheCatalogueIsValid(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "svcdown.yaml")
	config := fill(world{BotKubeconfig: `/a path/bot "one".kubeconfig`, Namespace: "shop", HealthURLs: map[string]string{"backend": "http://127.0.0.1:1/health", "frontend": "http://127.0.0.1:2/"}}, t.TempDir())
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.CheckConfig(path); err != nil {
		t.Error(err)
	}
	if strings.Contains(config, "$") {
		t.Errorf("a place was not filled:\n%s", config)
	}
}

func TestATakenPortIsReplacedByAFreeOne(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	got, err := free(taken.Addr().String())
	if err != nil || got == taken.Addr().String() || !strings.HasPrefix(got, "127.0.0.1:") {
		t.Errorf("free(%s) = %s, %v; want another loopback address", taken.Addr(), got, err)
	}
	again, err := free(got)
	if err != nil || again != got {
		t.Errorf("free(%s) = %s, %v; want the same", got, again, err)
	}
	d := demo{port: taken.Addr().(*net.TCPAddr).Port, out: io.Discard}
	at, err := d.slack(t.Context())
	if err != nil {
		t.Fatalf("the workspace did not start beside a taken port: %v", err)
	}
	d.stop()
	if strings.Contains(at.API, taken.Addr().String()) {
		t.Errorf("the workspace says that it has the taken port: %s", at.API)
	}
}

func TestAChildThatEndsUnaskedIsNamedWithItsLastWords(t *testing.T) {
	t.Parallel()
	ctx, died := context.WithCancelCause(t.Context())
	if _, err := spawn("redis", t.TempDir(), exec.Command("sh", "-c", "echo no memory left >&2; exit 7"), died); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("its end was not noticed")
	}
	got := context.Cause(ctx).Error()
	for _, want := range []string{"redis ended unasked", "exit status 7", "redis.log", "no memory left"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in: %s", want, got)
		}
	}
}

func TestNothingIsStartedWhenItCannotWork(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"an argument":             {"now"},
		"a port that is none":     {"-port", "70000"},
		"an unknown flag":         {"-colour"},
		"programs are not built":  {"-dir", t.TempDir()},
		"a folder that is a file": {"-dir", os.Args[0]},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}
