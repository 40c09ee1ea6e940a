package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"
)

const (
	// sockets is how many connections one bot holds, so that one is up while Slack renews the other. Slack allows ten per app.
	sockets = 2
	// grace is how long work under way may go on after the end was asked for.
	grace       = 10 * time.Second
	longestWait = 30 * time.Second
)

// Run connects and serves until ctx ends (nil) or Slack says that the tokens are no good (an error for the operator). A Slack that is
// away does not end it.
func (b *Bot) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	for range intakeWorkers {
		workers.Go(func() { each(ctx, b.intake, func(e envelope) { b.receive(work, e) }) })
	}
	for range workWorkers {
		workers.Go(func() { each(ctx, b.work, func(h happening) { b.handle(work, h) }) })
	}
	g, gctx := errgroup.WithContext(ctx)
	for i := range sockets {
		g.Go(func() error { return b.newSocket(i).run(gctx) })
	}
	err := g.Wait()
	if err != nil {
		stopWork()
		return err
	}
	ended := make(chan struct{})
	go func() {
		workers.Wait()
		b.edits.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(grace):
		b.cfg.Log.Warn().Msg("work under way was cut off at the end")
	}
	return nil
}

// each serves a channel until ctx ends, and then what is left in it: it was acked, so nobody else will.
func each[T any](ctx context.Context, in <-chan T, serve func(T)) {
	for {
		select {
		case v := <-in:
			serve(v)
			continue
		case <-ctx.Done():
		}
		select {
		case v := <-in:
			serve(v)
		default:
			return
		}
	}
}

// socket is one Socket Mode connection, opened again whenever it ends.
type socket struct {
	*Bot
	number int
	client *socketmode.Client
}

func (b *Bot) newSocket(number int) *socket {
	return &socket{Bot: b, number: number, client: socketmode.New(b.api, socketmode.OptionPingInterval(b.cfg.PingTimeout))}
}

// run keeps the connection up. slack-go reconnects by itself after a disconnect; attempts that do not succeed come back here, because its
// own pauses grow to five minutes, are the same for everybody, and never end for some hopeless errors.
func (s *socket) run(ctx context.Context) error {
	for failures := 0; ; {
		connected, err := s.serve(ctx)
		s.health.down(s.number, err)
		if ctx.Err() != nil {
			return nil
		}
		if e := operatorError(err); e != nil {
			return e
		}
		if connected {
			failures = 0
		}
		failures++
		wait := min(longestWait, firstPause<<min(failures, 10))
		var limited *slack.RateLimitedError
		if errors.As(err, &limited) {
			wait = max(wait, limited.RetryAfter)
		}
		wait = wait/2 + rand.N(wait)
		s.cfg.Log.Warn().Err(err).Int("socket", s.number).Dur("again_in", wait).Msg("Slack connection ended")
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// serve runs the connection until it cannot be opened. connected tells whether it was open in between.
func (s *socket) serve(ctx context.Context) (connected bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return connected, err
		case e := <-s.client.Events:
			switch e.Type {
			case socketmode.EventTypeConnecting:
				s.health.down(s.number, nil)
			case socketmode.EventTypeHello:
				connected = true
				s.health.up(s.number, s.cfg.Now())
				s.silence.heard()
				s.cfg.Log.Info().Int("socket", s.number).Msg("Slack connection open")
			case socketmode.EventTypeConnectionError:
				cancel()
				_ = <-ended // the event says more
				if f, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
					return connected, f.ErrorObj
				}
				return connected, errors.New("the connection could not be opened")
			default:
				s.arrived(ctx, e)
			}
		}
	}
}

// arrived takes in what Slack sent. It never waits: slack-go drops the connection of whoever does.
func (s *socket) arrived(ctx context.Context, e socketmode.Event) {
	req := e.Request
	if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
		// slack-go could not make its own types of it; ours may well
		req = &socketmode.Request{}
		if err := json.Unmarshal(bad.Message, req); err != nil {
			s.cfg.Log.Warn().Err(bad.Cause).Msg("Slack sent something unreadable")
			return
		}
	}
	if failed, ok := e.Data.(*socketmode.ErrorWriteFailed); ok {
		s.cfg.Log.Warn().Err(failed.Cause).Msg("an ack did not get through; Slack delivers again")
	}
	if req == nil || req.EnvelopeID == "" {
		return
	}
	s.health.event(s.cfg.Now())
	in := envelope{kind: req.Type, payload: req.Payload, at: time.Now(), ack: func(reply any) { s.ack(ctx, req.EnvelopeID, reply) }}
	select {
	case s.intake <- in:
	default:
		s.metrics.lost.WithLabelValues("intake full").Inc()
		s.cfg.Log.Error().Str("kind", req.Type).Msg("too many envelopes wait; one was left unacked for Slack to deliver again")
	}
}

func (s *socket) ack(ctx context.Context, id string, reply any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if err := s.client.AckCtx(ctx, id, reply); err != nil {
		s.cfg.Log.Warn().Err(err).Msg("ack; Slack delivers again")
	}
}

// operatorError words the refusals that no waiting cures; nil for everything else.
func operatorError(err error) error {
	if err == nil {
		return nil
	}
	var said slack.SlackErrorResponse
	code := err.Error()
	if errors.As(err, &said) {
		code = said.Err
	}
	const appToken = "check SLACK_APP_TOKEN (api.slack.com/apps, Basic Information, App-Level Tokens)"
	next := map[string]string{
		"invalid_auth":           appToken,
		"not_authed":             appToken,
		"token_revoked":          "it was revoked; make a new one: " + appToken,
		"token_expired":          "it has expired; make a new one: " + appToken,
		"account_inactive":       "the app was uninstalled or its account removed; install it again, then set both tokens",
		"not_allowed_token_type": "SLACK_APP_TOKEN holds a token of another kind; it must be the app-level one that begins with xapp-",
		"missing_scope":          "the app-level token needs the scope connections:write; make a new one and set SLACK_APP_TOKEN",
		"app_not_found":          "the app was deleted; create it from manifest.yaml and set both tokens",
	}[code]
	if next == "" {
		return nil
	}
	return fmt.Errorf("slack does not accept the app-level token (%s), so the bot is not connected: %s: %w", code, next, err)
}
