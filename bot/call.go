package bot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/slack-go/slack"
)

// method is what Slack asks of one Web API method: calls per minute and workspace, and any of scopes for each kind of conversation
// (https://docs.slack.dev/reference/methods).
type method struct {
	perMinute float64
	scopes    []string
}

// methods are all that the bot calls; the manifest is held against their scopes.
var methods = map[string]method{
	"chat.postMessage":              {300, []string{"chat:write", "chat:write.public"}},
	"chat.update":                   {50, []string{"chat:write"}},
	"chat.postEphemeral":            {100, []string{"chat:write"}},
	"conversations.info":            {50, []string{"channels:read", "groups:read"}},
	"conversations.members":         {100, []string{"channels:read", "groups:read"}},
	"conversations.join":            {50, []string{"channels:join"}},
	"conversations.open":            {50, []string{"im:write"}},
	"conversations.history":         {50, []string{"channels:history", "groups:history", "im:history"}},
	"conversations.replies":         {50, []string{"channels:history", "groups:history", "im:history"}},
	"conversations.create":          {20, []string{"channels:manage", "groups:write"}},
	"conversations.invite":          {50, []string{"channels:manage", "groups:write"}},
	"conversations.setTopic":        {20, []string{"channels:manage", "groups:write"}},
	"conversations.archive":         {20, []string{"channels:manage", "groups:write"}},
	"users.conversations":           {50, []string{"channels:read", "groups:read"}},
	"bookmarks.list":                {50, []string{"bookmarks:read"}},
	"bookmarks.add":                 {20, []string{"bookmarks:write"}},
	"conversations.canvases.create": {20, []string{"canvases:write"}},
	"canvases.create":               {20, []string{"canvases:write"}},
	"pins.add":                      {20, []string{"pins:write"}},
	"auth.test":                     {300, nil},
	"files.getUploadURLExternal":    {100, []string{"files:write"}},
	"files.upload":                  {100, nil}, // the POST to the upload URL; no method of Slack's own
	"files.completeUploadExternal":  {100, []string{"files:write"}},
	"files.info":                    {100, []string{"files:read"}},
	"files.list":                    {50, []string{"files:read"}},
	"usergroups.list":               {20, []string{"usergroups:read"}},
	"users.info":                    {100, []string{"users:read"}},
	"views.publish":                 {100, nil},
	"views.open":                    {100, nil},
	"views.update":                  {100, nil},
}

const (
	callTime   = 10 * time.Second // one try
	giveUp     = 60 * time.Second // all tries of one call
	maxTries   = 6
	firstPause = 300 * time.Millisecond
	longest    = 10 * time.Second
)

// DeliveryError says that Slack did not take a call.
type DeliveryError struct {
	Method string
	// Code is Slack's error code, or "unreachable", "unsure" (the answer was lost, so it may have happened) or "busy".
	Code string
	// Temporary is true when trying again later can help.
	Temporary bool
	Err       error
}

func (e *DeliveryError) Error() string {
	return fmt.Sprintf("%s: Slack did not take it (%s): %v", e.Method, e.Code, e.Err)
}

func (e *DeliveryError) Unwrap() error { return e.Err }

// Lasting reports that trying again cannot help.
func (e *DeliveryError) Lasting() bool { return !e.Temporary }

// refused reports whether err is Slack's refusal with one of the codes.
func refused(err error, codes ...string) bool {
	var d *DeliveryError
	return errors.As(err, &d) && slices.Contains(codes, d.Code)
}

// request is one call of a Web API method.
type request struct {
	method  string
	channel string // set for what counts as a message to that channel
	urgent  bool
	// once is true for calls that must not be repeated while it is unsure whether they happened.
	once bool
	// paid is true when the first token was taken already.
	paid bool
}

// caller makes paced calls that survive 429, 5xx and a Slack that is away for a moment.
type caller struct {
	pace    pacer
	measure func(method, outcome string)
}

func (c *caller) take(ctx context.Context, r request) error {
	if r.channel != "" {
		// one message a second per channel, short bursts allowed (https://docs.slack.dev/apis/web-api/rate-limits)
		if err := c.pace.bucket("channel "+r.channel, 3, 1).take(ctx, r.urgent); err != nil {
			return err
		}
	}
	return c.bucket(r.method).take(ctx, r.urgent)
}

func (c *caller) bucket(name string) *bucket {
	perMinute := methods[name].perMinute
	return c.pace.bucket(name, perMinute/2, perMinute/60)
}

// do makes the call, again where that is safe and can help. What it returns is nil or a *DeliveryError.
func (c *caller) do(ctx context.Context, r request, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	for try := 1; ; try++ {
		if !r.paid {
			if err := c.take(ctx, r); err != nil {
				code := "unreachable"
				if errors.Is(err, errQueueFull) {
					code = "busy"
				}
				return &DeliveryError{Method: r.method, Code: code, Temporary: true, Err: err}
			}
		}
		r.paid = false
		tryCtx, done := context.WithTimeout(ctx, callTime)
		err := call(tryCtx)
		done()
		f := judge(err)
		c.measure(r.method, f.code)
		switch {
		case err == nil:
			return nil
		case f.wait > 0:
			c.pauseFor(r, f.wait)
		case f.verdict == isRefused, f.verdict == isUnsure && r.once:
			return &DeliveryError{Method: r.method, Code: f.code, Temporary: f.verdict == isUnsure, Err: err}
		}
		if try == maxTries || !sleep(ctx, max(f.wait, backoff(try))) {
			return &DeliveryError{Method: r.method, Code: f.code, Temporary: true, Err: err}
		}
	}
}

// pauseFor keeps everybody from running into the same limit.
func (c *caller) pauseFor(r request, d time.Duration) {
	if r.channel != "" {
		c.pace.bucket("channel "+r.channel, 3, 1).pause(d)
		return
	}
	c.bucket(r.method).pause(d)
}

type verdict int

const (
	isRefused     verdict = iota // Slack said no
	isLimited                    // not now; nothing happened
	isUnreachable                // nothing was sent
	isUnsure                     // it may have happened
)

type judgement struct {
	verdict verdict
	code    string // for metrics and people: "ok", Slack's code or ours
	wait    time.Duration
}

// judge tells apart what an error of a call means.
func judge(err error) judgement {
	var limited *slack.RateLimitedError
	var status slack.StatusCodeError
	var said slack.SlackErrorResponse
	var dial *net.OpError
	switch {
	case err == nil:
		return judgement{code: "ok"}
	case errors.As(err, &limited):
		return judgement{isLimited, "ratelimited", max(limited.RetryAfter, time.Second)}
	case errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return judgement{isLimited, "ratelimited", time.Second}
	case errors.As(err, &status) && status.Code >= http.StatusInternalServerError:
		return judgement{verdict: isUnsure, code: "unsure"}
	case errors.As(err, &status):
		return judgement{verdict: isRefused, code: fmt.Sprintf("http_%d", status.Code)}
	case errors.As(err, &said):
		return judgeCode(said.Err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return judgement{verdict: isUnreachable, code: "unreachable"}
	default:
		return judgement{verdict: isUnsure, code: "unsure"}
	}
}

// unsureCodes say that a call may have happened. Slack of its own ones: "some aspect of the operation may have succeeded"
// (https://docs.slack.dev/reference/methods/chat.postMessage).
var unsureCodes = []string{"unsure", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}

func judgeCode(code string) judgement {
	switch {
	case code == "ratelimited", code == "rate_limited":
		return judgement{isLimited, code, time.Second}
	case slices.Contains(unsureCodes, code):
		return judgement{verdict: isUnsure, code: code}
	}
	return judgement{verdict: isRefused, code: code}
}

// backoff grows from firstPause to longest and is spread, so that many waiting do not come back at the same moment.
func backoff(try int) time.Duration {
	d := longest
	if try < 6 {
		d = min(longest, firstPause<<(try-1))
	}
	return d/2 + rand.N(d/2)
}

// sleep waits for d; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
