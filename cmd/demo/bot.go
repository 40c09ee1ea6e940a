package main

import (
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/runbooks"
	"github.com/svcdown/svcdown/slacksim"
)

//go:embed svcdown.yaml
var template string

// bot starts svcdown on the demo's world and returns its own address once it is connected.
func (d *demo) bot(ctx context.Context, db databases, slack slacksim.Addresses, w world) (string, error) {
	config, books := filepath.Join(d.dir, "svcdown.yaml"), filepath.Join(d.dir, "runbooks")
	if err := shelve(books, w); err != nil {
		return "", err
	}
	if err := os.WriteFile(config, []byte(fill(w, books)), 0o600); err != nil {
		return "", fmt.Errorf("write the bot's configuration: %w", err)
	}
	listen, err := free(d.address(2))
	if err != nil {
		return "", fmt.Errorf("find a port for the bot: %w", err)
	}
	app := slacksim.Marketplace().App
	cmd := exec.Command(filepath.Join(d.bin, "svcdown"), "run", "--config", config)
	cmd.Env = append(os.Environ(),
		"SLACK_API_URL="+slack.API, "SLACK_APP_TOKEN="+app.AppToken, "SLACK_BOT_TOKEN="+app.BotToken,
		"DATABASE_URL="+db.postgres, "REDIS_URL="+db.redis, "SVCDOWN_LISTEN="+listen,
		"SVCDOWN_SETTLE=10s", // a visitor has less patience than production
	)
	if _, err := d.spawn("svcdown", cmd); err != nil {
		return "", err
	}
	server := "http://" + listen
	return server, until(ctx, time.Minute, func() error {
		res, err := http.Get(server + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("the bot is not ready: %s; see %s", res.Status, filepath.Join(d.logs, "svcdown.log"))
		}
		return nil
	})
}

// shelve writes the Service Down runbook into dir as a team would have it: with the addresses of its own services.
func shelve(dir string, w world) error {
	const name = "service-down.md"
	book, err := fs.ReadFile(runbooks.Files(), name)
	if err != nil {
		return fmt.Errorf("read the shipped runbook: %w", err)
	}
	own := strings.NewReplacer("https://api.web3marketplace.com/health", w.HealthURLs["backend"], "https://web3marketplace.com/api/health", w.HealthURLs["frontend"]).Replace(string(book))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the demo's runbooks: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(own), 0o600); err != nil {
		return fmt.Errorf("write the demo's runbook: %w", err)
	}
	return nil
}

// fill puts the world's places into the demo's catalogue, quoted.
func fill(w world, books string) string {
	return strings.NewReplacer("$RUNBOOKS", strconv.Quote(books), "$KUBECONFIG", strconv.Quote(w.BotKubeconfig), "$NAMESPACE", strconv.Quote(w.Namespace),
		"$BACKEND", strconv.Quote(w.HealthURLs["backend"]), "$FRONTEND", strconv.Quote(w.HealthURLs["frontend"])).Replace(template)
}

// free returns address, or a free one when it is taken.
func free(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	return l.Addr().String(), l.Close()
}
