package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/slacksim"
)

//go:embed svcdown.yaml
var template string

// bot starts svcdown on the demo's world and returns its own address once it is connected.
func (d *demo) bot(ctx context.Context, db databases, slack slacksim.Addresses, w world) (string, error) {
	config := filepath.Join(d.dir, "svcdown.yaml")
	if err := os.WriteFile(config, []byte(fill(w)), 0o600); err != nil {
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

// fill puts the world's places into the demo's catalogue, quoted.
func fill(w world) string {
	return strings.NewReplacer("$KUBECONFIG", strconv.Quote(w.BotKubeconfig), "$NAMESPACE", strconv.Quote(w.Namespace),
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
