package slacksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// subscriber is one open page.
type subscriber struct {
	user string
	out  chan []byte
	gone chan struct{}
}

// backlog is how many events may wait for a slow page before it is cut off and has to reload.
const backlog = 512

const ssePing = 15 * time.Second

// serveEvents streams what user sees as server-sent events.
func (w *Workspace) serveEvents(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	u := w.userByName(r.URL.Query().Get("user"))
	if u == nil {
		w.mu.Unlock()
		http.Error(rw, "there is no such user", http.StatusNotFound)
		return
	}
	s := &subscriber{user: u.ID, out: make(chan []byte, backlog), gone: make(chan struct{})}
	w.subscribers[s] = true
	s.out <- sseEvent("presence", answer{"connections": len(w.hub.conns)})
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.subscribers, s)
		w.mu.Unlock()
	}()

	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(rw)
	ping := time.NewTicker(ssePing)
	defer ping.Stop()
	for {
		var data []byte
		select {
		case data = <-s.out:
		case <-ping.C:
			data = []byte(": ping\n\n")
		case <-s.gone:
			return
		case <-r.Context().Done():
			return
		case <-w.servers.ctx.Done():
			return
		}
		if _, err := rw.Write(data); err != nil {
			return
		}
		if err := stream.Flush(); err != nil {
			return
		}
	}
}

func sseEvent(name string, data any) []byte {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = fmt.Appendf(nil, `{"error":%q}`, err)
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, raw)
}

// show sends an event to the pages of one person, or to all pages when user is "". The caller holds w.mu.
func (w *Workspace) show(user, name string, data any) {
	w.showIf(func(s string) bool { return user == "" || s == user }, name, data)
}

func (w *Workspace) showIf(who func(user string) bool, name string, data any) {
	var event []byte
	for s := range w.subscribers {
		if !who(s.user) {
			continue
		}
		if event == nil {
			event = sseEvent(name, data)
		}
		select {
		case s.out <- event:
		default:
			delete(w.subscribers, s)
			close(s.gone)
		}
	}
}

func (w *Workspace) showMessage(name string, m *Message) {
	ch := w.channel(m.Channel)
	w.showIf(func(user string) bool { return ch != nil && w.sees(user, ch) && m.visibleTo(user) },
		name, answer{"channel": m.Channel, "message": m})
}

// showChannel sends everybody who sees ch their own picture of it, unread count included.
func (w *Workspace) showChannel(ch *channel) {
	for s := range w.subscribers {
		if w.sees(s.user, ch) {
			user := s.user
			w.showIf(func(u string) bool { return u == user }, "channel", w.channelFor(user, ch))
		}
	}
}

func (w *Workspace) showPresence() { w.show("", "presence", answer{"connections": len(w.hub.conns)}) }
