package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/svcdown/svcdown/handlers"
)

// Hook is a way in for another system, which repeats what was not taken.
type Hook struct {
	Path string // "/webhooks/alertmanager"
	// Token is asked for as a bearer token or as the password of basic authentication, before anything is read; "" leaves it to Take to judge
	// the body, by its signature.
	Token string
	// Take stores what the body says and returns only then; stored is told to the sender. A [handlers.Problem] with the code "malformed" or
	// "unauthorized" says that sending it again would not help. Every other error makes the sender try again.
	Take func(ctx context.Context, header http.Header, body io.Reader) (stored map[string]any, err error)
}

const (
	// maxHook bounds one body, in bytes.
	maxHook = 32 << 20
	// hooksAtOnce bounds the bodies being read at one time, in bytes: what is over is told to come back.
	hooksAtOnce = 2 * maxHook
	// hookWait is how long a body waits for its turn, hookTime how long it may take to arrive and be stored.
	hookWait = 2 * time.Second
	hookTime = 30 * time.Second
	// hookAgain is when a sender shall try again, in seconds.
	hookAgain = 5
)

// hooks serves each Hook at its path. Whoever is turned away for reasons of ours gets 503, which senders repeat: no alert is lost with a 4xx
// that is our own fault.
func (c Config) hooks(mux *http.ServeMux) {
	room := semaphore.NewWeighted(hooksAtOnce)
	for _, h := range c.Hooks {
		mux.HandleFunc("POST "+h.Path, func(w http.ResponseWriter, r *http.Request) { c.hook(w, r, h, room) })
	}
}

func (c Config) hook(w http.ResponseWriter, r *http.Request, h Hook, room *semaphore.Weighted) {
	if h.Token != "" && !authorized(r, h.Token) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="svcdown"`)
		reply(w, http.StatusUnauthorized, map[string]string{"error": "The token is missing or wrong; nothing was stored. Send it as a bearer token, or as the password of basic authentication."})
		return
	}
	if r.ContentLength > maxHook {
		tooLarge(w)
		return
	}
	size := r.ContentLength
	if size < 0 { // nobody knows yet
		size = maxHook
	}
	size = max(size, 16<<10)
	waiting, cancel := context.WithTimeout(r.Context(), hookWait)
	defer cancel()
	if err := room.Acquire(waiting, size); err != nil {
		c.comeBack(w, h, "as much as may be read at once is being read", err)
		return
	}
	defer room.Release(size)
	ctx, cancel := context.WithTimeout(r.Context(), hookTime)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(hookTime)) // a test's recorder has no connection
	stored, err := h.Take(ctx, r.Header, http.MaxBytesReader(w, r.Body, maxHook))
	var p *handlers.Problem
	var large *http.MaxBytesError
	switch {
	case err == nil:
		if stored == nil {
			stored = map[string]any{}
		}
		reply(w, http.StatusOK, stored)
	case errors.As(err, &large):
		tooLarge(w)
	case errors.As(err, &p) && p.Code == "malformed":
		c.Log.Warn().Str("hook", h.Path).Str("why", p.Error()).Msg("a webhook's body is not understood")
		reply(w, http.StatusBadRequest, map[string]string{"error": p.Error()})
	case errors.As(err, &p) && p.Code == "unauthorized":
		reply(w, http.StatusUnauthorized, map[string]string{"error": p.Error()})
	default:
		c.comeBack(w, h, "it could not be stored", err)
	}
}

func (c Config) comeBack(w http.ResponseWriter, h Hook, why string, err error) {
	c.Log.Warn().Err(err).Str("hook", h.Path).Msg("a webhook's sender was told to come back")
	w.Header().Set("Retry-After", strconv.Itoa(hookAgain))
	reply(w, http.StatusServiceUnavailable, map[string]string{"error": "Not stored: " + why + ". Send it again in " + strconv.Itoa(hookAgain) + " s; repeats count once."})
}

func tooLarge(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	reply(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "The body is larger than 32 MiB, so it was not taken. Send fewer alerts at once (Alertmanager: webhook_config.max_alerts, or group_by more labels)."})
}

// authorized compares in constant time, whatever the length of what was sent.
func authorized(r *http.Request, token string) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		if _, given, ok = r.BasicAuth(); !ok {
			return false
		}
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
