// Command slacksim runs a Slack workspace on localhost: one address for a bot, another for people's browsers.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/svcdown/svcdown/slacksim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "slacksim:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, having told out where.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("slacksim", flag.ContinueOnError)
	api := flags.String("listen-api", "127.0.0.1:7080", "loopback `address` of the Slack side")
	page := flags.String("listen-page", "127.0.0.1:7081", "loopback `address` of the people's side")
	config := flags.String("config", "", "JSON `file` with the workspace; without it the demo's Web3 Marketplace")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; nothing was started", flags.Arg(0))
	}
	cfg := slacksim.Marketplace()
	if *config != "" {
		var err error
		if cfg, err = readConfig(*config); err != nil {
			return err
		}
	}
	cfg.ListenAPI, cfg.ListenPage = *api, *page
	w, err := slacksim.New(cfg)
	if err != nil {
		return err
	}
	at, err := w.Start(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "people:          %s\nSLACK_API_URL=%s\nSLACK_BOT_TOKEN=%s\nSLACK_APP_TOKEN=%s\n",
		at.Page, at.API, cfg.App.BotToken, cfg.App.AppToken)
	<-ctx.Done()
	return w.Close()
}

// readConfig reads a workspace; an unknown key is an error.
func readConfig(path string) (slacksim.Config, error) {
	var cfg slacksim.Config
	f, err := os.Open(path)
	if err != nil {
		return cfg, err
	}
	defer f.Close()
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("read %s: %w", path, err)
	}
	return cfg, nil
}
