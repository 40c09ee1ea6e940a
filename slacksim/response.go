package slacksim

import (
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"
)

// A response_url takes five messages within thirty minutes
// (https://docs.slack.dev/interactivity/handling-user-interaction).
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responseURL is where the app may answer one interaction without being in the channel.
type responseURL struct {
	channel, user string
	message       string // the message that was acted on
	uses          int
	expires       time.Time
}

func (w *Workspace) newResponseURL(r *responseURL) string {
	id := secret()
	r.expires = w.cfg.Now().Add(responseLife)
	w.responses[id] = r
	return w.servers.api + "/respond/" + w.cfg.Team.ID + "/" + id
}

// serveResponse answers a POST to a response_url.
func (w *Workspace) serveResponse(rw http.ResponseWriter, r *http.Request) {
	var body map[string]any
	decodeErr := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxBody)).Decode(&body)
	w.mu.Lock()
	defer w.mu.Unlock()
	record := Call{Method: "response_url", Args: body, At: w.cfg.Now(), Status: http.StatusOK, Answer: json.RawMessage(`{"ok":true}`)}
	err := func() error {
		u := w.responses[r.PathValue("id")]
		switch {
		case u == nil || !w.cfg.Now().Before(u.expires):
			return refuse("expired_url")
		case u.uses >= responseUses:
			return refuse("used_url")
		case decodeErr != nil:
			return refuse("invalid_payload")
		}
		u.uses++
		return w.respond(u, body)
	}()
	if err != nil {
		_, _, record.Answer = reply(nil, err)
		record.Status = http.StatusNotFound
	}
	w.calls = recent(append(w.calls, record))
	w.notify()
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(record.Status)
	_, _ = rw.Write(record.Answer) // the caller is gone: nobody to tell
}

// respond posts, replaces or deletes a message in answer to an interaction.
func (w *Workspace) respond(u *responseURL, body map[string]any) error {
	c := &call{Workspace: w, name: "response_url", args: body, method: method{args: args(
		"text blocks:json attachments:json response_type replace_original:boolean delete_original:boolean thread_ts metadata:json " +
			"mrkdwn:boolean unfurl_links:boolean unfurl_media:boolean parse link_names:boolean",
	)}}
	if err := checkArgs(c.method, body); err != nil {
		return err
	}
	ch := w.channel(u.channel)
	if ch == nil {
		return refuse("channel_not_found")
	}
	if ch.IsArchived {
		return refuse("is_archived")
	}
	original := w.message(u.channel, u.message)
	if c.bool("delete_original") {
		if original == nil || original.BotID != w.cfg.App.BotID {
			return refuse("message_not_found")
		}
		w.remove(ch, original)
		return nil
	}
	m := w.fromApp()
	if err := c.body(m); err != nil {
		return err
	}
	if m.Text == "" && m.Blocks == nil && m.Attachments == nil {
		return refuse("no_text")
	}
	if utf8.RuneCountInString(m.Text) > maxText {
		return refuse("msg_too_long")
	}
	if c.bool("replace_original") {
		if original == nil || original.BotID != w.cfg.App.BotID {
			return refuse("message_not_found")
		}
		w.edit(ch, original, m)
		return nil
	}
	m.ThreadTS = c.str("thread_ts")
	switch c.str("response_type") {
	case "in_channel":
	case "", "ephemeral":
		m.Ephemeral, m.EphemeralTo = true, u.user
	default:
		return refuse("invalid_arguments", "[ERROR] response_type must be in_channel or ephemeral")
	}
	w.post(ch, m)
	return nil
}
