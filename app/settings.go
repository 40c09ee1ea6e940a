package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
)

// Version is stamped by the linker.
var Version = "dev"

// Settings is what a running bot is told from outside: secrets and addresses from the environment, everything else from svcdown.yaml.
type Settings struct {
	Catalog *catalog.Catalog
	// ConfigPath is where Catalog came from. It is read once: a change takes a restart.
	ConfigPath  string
	AppToken    string
	BotToken    string
	SlackURL    string // "" means Slack itself
	DatabaseURL string // "" means a private Postgres in DataDir
	RedisURL    string // "" means in memory
	DataDir     string
	Listen      string
	// Settle is how long a change must stay quiet to count as verified.
	Settle time.Duration
	// Outside are the secrets of the systems around the bot.
	Outside Outside
}

// Load reads the configuration and the environment. Every variable X may be given as X_FILE, a file that holds it. All problems are
// reported at once.
func Load(path string, getenv func(string) string) (Settings, error) {
	s := Settings{ConfigPath: path, Settle: time.Minute, Listen: "127.0.0.1:8080", DataDir: "."}
	var problems []error
	var err error
	if s.Catalog, err = catalog.Load(path); err != nil {
		problems = append(problems, err)
	}
	read := func(name string, to *string, required string) {
		v, err := secret(getenv, name)
		if err != nil {
			problems = append(problems, err)
			return
		}
		if v == "" && required != "" {
			problems = append(problems, fmt.Errorf("%s is not set: %s", name, required))
		}
		if v != "" {
			*to = v
		}
	}
	read("SLACK_APP_TOKEN", &s.AppToken, "put the app-level token (xapp-…) there; docs/install.md shows where to find it")
	read("SLACK_BOT_TOKEN", &s.BotToken, "put the bot token (xoxb-…) there; docs/install.md shows where to find it")
	read("SLACK_API_URL", &s.SlackURL, "")
	read("DATABASE_URL", &s.DatabaseURL, "")
	read("REDIS_URL", &s.RedisURL, "")
	read("SVCDOWN_DATA_DIR", &s.DataDir, "")
	read("SVCDOWN_LISTEN", &s.Listen, "")
	s.Outside.load(read)
	if s.Outside.SMTP != "" && s.Catalog != nil && s.Catalog.Mail.From == "" {
		problems = append(problems, errors.New(`SMTP_URL is set, but svcdown.yaml does not say who writes: add "mail: {from: svcdown@example.org}"`))
	}
	if s.Catalog != nil && s.Outside.SMTP == "" && slices.ContainsFunc(s.Catalog.Stakeholders, func(h catalog.Stakeholders) bool { return len(h.Mails) > 0 }) {
		problems = append(problems, errors.New("svcdown.yaml names mail addresses of stakeholders, but SMTP_URL is not set: put the mail server there, such as smtps://user:password@mail.example.org"))
	}
	if s.Catalog != nil && s.Catalog.StatusPage.Provider != "" && s.Outside.StatusPageToken == "" {
		problems = append(problems, errors.New("svcdown.yaml names a status page, but STATUSPAGE_TOKEN is not set: put its API key there, or the secret that signs for a webhook"))
	}
	if v := getenv("SVCDOWN_SETTLE"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 || d > time.Hour {
			problems = append(problems, fmt.Errorf("SVCDOWN_SETTLE=%q is no time between 0 and 1h; write 60s", v))
		}
		s.Settle = d
	}
	return s, errors.Join(problems...)
}

func secret(getenv func(string) string, name string) (string, error) {
	if v := getenv(name); v != "" {
		return v, nil
	}
	path := getenv(name + "_FILE")
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read %s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(b)), nil
}
