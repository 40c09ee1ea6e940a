package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
)

// Ask is what a terminal posts to /v1/command.
type Ask struct {
	Text    string `json:"text"`
	Cluster string `json:"cluster,omitempty"` // where the token is to be verified, "" for where people are known
}

const (
	// maxBody bounds what a terminal may post, in bytes, and bodyTime how long it may take to.
	maxBody  = 64 << 10
	bodyTime = 10 * time.Second
	// answerTime bounds one answer, so that a terminal that reads nothing holds nothing for good.
	answerTime = 5 * time.Minute
)

// command verifies who asks, hands the text to the desk and streams what it says as JSON lines.
func (c Config) command(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		reply(w, http.StatusUnauthorized, map[string]string{"error": "No Kubernetes token came with the request; nothing was done. Log in to the cluster, or set SVCDOWN_TOKEN."})
		return
	}
	// A test's recorder has no connection; a real one has.
	deadlines := http.NewResponseController(w)
	_ = deadlines.SetReadDeadline(time.Now().Add(bodyTime))
	var ask Ask
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ask); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": "The request is not the JSON that this version understands; nothing was done. Use the svcdown of the bot's version."})
		return
	}
	_ = deadlines.SetReadDeadline(time.Time{})
	user, err := c.Identify(r.Context(), ask.Cluster, token)
	var unanswered *handlers.Problem
	if errors.As(err, &unanswered) {
		c.Log.Warn().Err(err).Msg("verify a terminal's token")
		reply(w, http.StatusServiceUnavailable, map[string]string{"error": unanswered.Error()})
		return
	}
	if err != nil {
		c.Log.Warn().Err(err).Msg("verify a terminal's token")
		reply(w, http.StatusUnauthorized, map[string]string{"error": "The cluster does not confirm your Kubernetes token, so nothing was done. Log in again, or set SVCDOWN_TOKEN."})
		return
	}
	ref, id := newRef(), rand.Text() // the one is read aloud, the other must never meet its like in the database
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Svcdown-Ref", ref)
	stream := c.Streams.open(id, w)
	defer c.Streams.close(id)
	defer stream.end()
	// The terminal tells a bot that hangs from one that is busy by this: who was verified hears at once that the answer comes.
	_ = deadlines.Flush()
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	c.Desk.Handle(ctx, handlers.Incoming{
		Key: "terminal:" + id, Ref: ref, Kubernetes: user, Text: ask.Text,
		Where: card.Address{Kind: "terminal", Channel: id},
	})
}

func newRef() string {
	b := make([]byte, 4)
	if _, err := rand.Read(b); err != nil {
		panic(err) // never fails since Go 1.24: the runtime ends the program first
	}
	return hex.EncodeToString(b)
}
