package web

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
)

// Ask is what a terminal posts to /v1/command.
type Ask struct {
	Text    string `json:"text"`
	Cluster string `json:"cluster,omitempty"` // where the token is to be verified, "" for the first of the catalogue
}

// maxBody bounds what a terminal may post, in bytes.
const maxBody = 64 << 10

// command verifies who asks, hands the text to the desk and streams what it says as JSON lines.
func (c Config) command(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		reply(w, http.StatusUnauthorized, map[string]string{"error": "No Kubernetes token came with the request; nothing was done. Log in to the cluster, or set SVCDOWN_TOKEN."})
		return
	}
	var ask Ask
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ask); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": "The request is not the JSON that this version understands; nothing was done. Use the svcdown of the bot's version."})
		return
	}
	user, err := c.Identify(r.Context(), ask.Cluster, token)
	if err != nil {
		c.Log.Warn().Err(err).Msg("verify a terminal's token")
		reply(w, http.StatusUnauthorized, map[string]string{"error": "The cluster does not confirm your Kubernetes token, so nothing was done. Log in again, or set SVCDOWN_TOKEN."})
		return
	}
	ref := newRef()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Svcdown-Ref", ref)
	stream := c.Streams.open(ref, w)
	defer c.Streams.close(ref)
	c.Desk.Handle(r.Context(), handlers.Incoming{
		Key: "terminal:" + ref, Ref: ref, Kubernetes: user, Text: ask.Text,
		Where: card.Address{Kind: "terminal", Channel: ref},
	})
	stream.end()
}

func newRef() string {
	b := make([]byte, 4)
	if _, err := rand.Read(b); err != nil {
		panic(err) // never fails since Go 1.24: the runtime ends the program first
	}
	return hex.EncodeToString(b)
}
