package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/svcdown/svcdown/slacksim"
)

// slack starts the workspace of the Marketplace's team, on the usual ports when they are free.
func (d *demo) slack(ctx context.Context) (slacksim.Addresses, error) {
	at, err := d.slackAt(ctx, d.address(0), d.address(1))
	if errors.Is(err, syscall.EADDRINUSE) {
		at, err = d.slackAt(ctx, "", "")
	}
	if err != nil {
		return at, fmt.Errorf("start the local Slack: %w", err)
	}
	return at, nil
}

func (d *demo) slackAt(ctx context.Context, api, page string) (slacksim.Addresses, error) {
	cfg := slacksim.Marketplace()
	cfg.ListenAPI, cfg.ListenPage = api, page
	workspace, err := slacksim.New(cfg)
	if err != nil {
		return slacksim.Addresses{}, err
	}
	// It ends in its turn, not when ctx does: the bot says goodbye to it.
	at, err := workspace.Start(context.WithoutCancel(ctx))
	if err == nil {
		d.push(func() { _ = workspace.Close() })
	}
	return at, err
}

// address is the n-th of the demo's loopback addresses.
func (d *demo) address(n int) string {
	if d.port == 0 {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port+n))
}
