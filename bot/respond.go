package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"
)

// answer is what a response_url takes (https://docs.slack.dev/interactivity/handling-user-interaction).
type answer struct {
	ResponseType string        `json:"response_type"`
	Replace      bool          `json:"replace_original"`
	Text         string        `json:"text"`
	Blocks       []slack.Block `json:"blocks,omitempty"`
	Thread       string        `json:"thread_ts,omitempty"`
}

// respond answers the asker alone through a response_url. slack-go is not used for it: it fails on an answer without Content-Type.
func (b *Bot) respond(ctx context.Context, responseURL, thread string, m message) error {
	if err := b.trusted(responseURL); err != nil {
		return err
	}
	body, err := json.Marshal(answer{ResponseType: "ephemeral", Text: m.text, Blocks: m.blocks, Thread: thread})
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, responseURL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("answer through the response_url: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := b.http.Do(req)
	if err != nil {
		b.metrics.call("response_url", "unreachable")
		return fmt.Errorf("answer through the response_url: %w", err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(said, []byte(`"ok":false`)) {
		b.metrics.call("response_url", "refused")
		return fmt.Errorf("answer through the response_url: Slack said %s %s", resp.Status, said)
	}
	b.metrics.call("response_url", "ok")
	return nil
}

// trusted refuses URLs that are not Slack's: a stored address is not a reason to post cluster text anywhere else.
func (b *Bot) trusted(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("answer through the response_url: %w", err)
	}
	api, err := url.Parse(b.cfg.APIURL)
	if err != nil {
		return fmt.Errorf("read the API URL: %w", err)
	}
	ours := u.Scheme == api.Scheme && u.Host == api.Host
	slacks := u.Scheme == "https" && (strings.HasSuffix(u.Hostname(), ".slack.com") || strings.HasSuffix(u.Hostname(), ".slack-gov.com"))
	if !ours && !slacks {
		return fmt.Errorf("answer through the response_url: %s is not Slack", u.Host)
	}
	return nil
}
