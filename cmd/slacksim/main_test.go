package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/slacksim"
)

func TestItServesTheConfiguredWorkspaceUntilItIsStopped(t *testing.T) {
	t.Parallel()
	cfg := slacksim.Marketplace()
	cfg.Team.Name, cfg.App.BotToken = "Elsewhere", "xoxb-elsewhere"
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "workspace.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--config", file, "--listen-api", "127.0.0.1:0", "--listen-page", "127.0.0.1:0"}, in)
	}()
	lines := bufio.NewScanner(out)
	var api string
	for api == "" && lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "SLACK_API_URL="); ok {
			api = url
		}
	}
	answer, err := http.Get(api + "auth.test?token=xoxb-elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), `"team":"Elsewhere"`) {
		t.Errorf("got %s, %v", body, err)
	}
	stop()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestWhatItDoesNotUnderstandStartsNothing(t *testing.T) {
	t.Parallel()
	unknownKey := filepath.Join(t.TempDir(), "workspace.json")
	if err := os.WriteFile(unknownKey, []byte(`{"teem":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"an unknown flag":          {"--colour"},
		"an argument":              {"now"},
		"a config that is missing": {"--config", "/nonexistent.json"},
		"a config with a typo":     {"--config", unknownKey},
		"an address for everybody": {"--listen-api", "0.0.0.0:0"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}
