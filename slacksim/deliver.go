package slacksim

import (
	"encoding/json"
	"slices"
	"time"
)

// hub is the Slack side of Socket Mode: open sockets, envelopes on their way, and what was asked to go wrong.
type hub struct {
	conns    []*conn
	lastConn int
	turn     int // whose turn it is: payloads are spread over the sockets
	tickets  map[string]time.Time
	pending  map[string]*delivery // sent, not acked, by envelope ID
	waiting  []*delivery          // no socket is open for them
	acks     []Ack
	mischief
}

// mischief is what Socket arranged for the next envelope.
type mischief struct {
	duplicate, duplicateNewID, reorder, dropAck int
	held                                        *delivery
}

// reorderHold is how long a held-back envelope waits for one to overtake it.
const reorderHold = time.Second

// maxRedeliveries is how often one envelope is sent again because its socket died.
const maxRedeliveries = 3

// delivery is one envelope until it is acked.
type delivery struct {
	id      string
	kind    string // slash_commands, interactive, events_api
	payload any
	replies bool // accepts_response_payload

	// acked and lost are called at most once each, with Workspace.mu held. lost gets Slack's word for what happened.
	acked func(reply json.RawMessage)
	lost  func(reason string)

	made    time.Time
	conn    *conn
	sent    time.Time
	attempt int
	reason  string // why it is sent again
	dropped bool   // its ack was thrown away once
	expired bool
	timer   *time.Timer
}

// Ack is an envelope's ack as it came in.
type Ack struct {
	EnvelopeID string  `json:"envelope_id"`
	Type       string  `json:"type"`
	Connection int     `json:"connection"`
	LatencyMS  float64 `json:"latency_ms"`
	// Late is true when the person had already been told that the app did not answer.
	Late bool `json:"late,omitempty"`
	// Attempt counts deliveries before this one.
	Attempt int `json:"attempt,omitempty"`
}

func newHub() hub {
	return hub{tickets: map[string]time.Time{}, pending: map[string]*delivery{}}
}

// pick chooses the next socket in turn, one that is not on its way out if there is such a one.
func (h *hub) pick() *conn {
	candidates := slices.DeleteFunc(slices.Clone(h.conns), func(c *conn) bool { return c.leaving })
	if len(candidates) == 0 {
		candidates = h.conns
	}
	if len(candidates) == 0 {
		return nil
	}
	h.turn++
	return candidates[h.turn%len(candidates)]
}

// deliver sends a new envelope. The caller holds w.mu.
func (w *Workspace) deliver(d *delivery) {
	d.id, d.made = uuid(), w.cfg.Now()
	w.send(d)
}

// flush sends what waited for a socket, but no event that Slack would have given up by now.
func (w *Workspace) flush() {
	var patience time.Duration
	for _, pause := range w.cfg.EventRetries {
		patience += pause
	}
	waiting := w.hub.waiting
	w.hub.waiting = nil
	for _, d := range waiting {
		if d.kind != "events_api" || w.cfg.Now().Sub(d.made) <= patience+w.cfg.AckDeadline {
			w.send(d)
		}
	}
}

func (w *Workspace) send(d *delivery) {
	if len(w.hub.conns) == 0 {
		if d.kind == "events_api" || d.attempt > 0 {
			w.hub.waiting = recent(append(w.hub.waiting, d))
		} else if d.lost != nil {
			d.lost("dispatch_failed")
		}
		return
	}
	if w.hub.reorder > 0 {
		w.hub.reorder--
		w.hub.held = d
		time.AfterFunc(reorderHold, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.release()
		})
		return
	}
	w.transmit(d)
	if w.hub.duplicate > 0 {
		w.hub.duplicate--
		again := *d
		again.attempt, again.reason = d.attempt+1, "timeout"
		w.hub.pick().push(frame{data: again.envelope()})
	}
	if w.hub.duplicateNewID > 0 {
		w.hub.duplicateNewID--
		w.transmit(&delivery{id: uuid(), kind: d.kind, payload: d.payload, attempt: d.attempt + 1, reason: "timeout"})
	}
	w.release()
}

// release sends the held-back envelope, if there is one.
func (w *Workspace) release() {
	if d := w.hub.held; d != nil {
		w.hub.held = nil
		w.send(d)
	}
}

// transmit puts d on a socket and starts its three seconds, unless they run already.
func (w *Workspace) transmit(d *delivery) {
	d.conn = w.hub.pick()
	d.sent = time.Now()
	w.hub.pending[d.id] = d
	d.conn.push(frame{data: d.envelope()})
	if d.timer == nil {
		d.timer = time.AfterFunc(w.cfg.AckDeadline, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.expire(d)
		})
	}
}

func (d *delivery) envelope() []byte {
	e := answer{"envelope_id": d.id, "type": d.kind, "payload": d.payload, "accepts_response_payload": d.replies}
	if d.kind == "events_api" || d.attempt > 0 {
		e["retry_attempt"], e["retry_reason"] = d.attempt, d.reason
	}
	data, _ := json.Marshal(e) // made of JSON values only
	return data
}

// expire handles an envelope that was not acked in time: an event comes again under a new envelope ID, as Slack's
// event retries do; of anything else the person is told, and it is not sent again unless its socket dies.
func (w *Workspace) expire(d *delivery) {
	if w.hub.pending[d.id] != d || d.expired {
		return
	}
	if d.dropped {
		delete(w.hub.pending, d.id)
		d.dropped, d.timer = false, nil
		d.attempt, d.reason = d.attempt+1, "timeout"
		w.send(d)
		return
	}
	if d.kind != "events_api" {
		d.expired = true
		if d.lost != nil {
			d.lost("operation_timeout")
		}
		w.notify()
		return
	}
	delete(w.hub.pending, d.id)
	if d.attempt >= len(w.cfg.EventRetries) {
		return
	}
	again := &delivery{id: uuid(), kind: d.kind, payload: d.payload, made: d.made, attempt: d.attempt + 1, reason: "timeout"}
	time.AfterFunc(w.cfg.EventRetries[d.attempt], func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.send(again)
	})
}

// acked takes a client's frame. Anything that does not ack a pending envelope is ignored, as at Slack.
func (w *Workspace) acked(c *conn, data []byte) {
	arrived := time.Now() // waiting for our own lock is not the app's
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(data, &ack) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.hub.pending[ack.EnvelopeID]
	if d == nil {
		return
	}
	if w.hub.dropAck > 0 {
		w.hub.dropAck--
		d.dropped = true
		return
	}
	delete(w.hub.pending, d.id)
	d.timer.Stop()
	w.hub.acks = recent(append(w.hub.acks, Ack{
		EnvelopeID: d.id, Type: d.kind, Connection: c.id, Late: d.expired, Attempt: d.attempt,
		LatencyMS: float64(arrived.Sub(d.sent).Microseconds()) / 1000,
	}))
	if d.acked != nil && !d.expired {
		if !d.replies {
			ack.Payload = nil
		}
		d.acked(ack.Payload)
	}
	w.notify()
}

// redeliver sends what c had not acked over the other sockets, under the same envelope IDs, or as soon as there is
// another one.
func (w *Workspace) redeliver(c *conn) {
	var orphans []*delivery
	for id, d := range w.hub.pending {
		if d.conn == c {
			delete(w.hub.pending, id)
			if d.attempt < maxRedeliveries {
				orphans = append(orphans, d)
			}
		}
	}
	slices.SortFunc(orphans, func(a, b *delivery) int { return a.sent.Compare(b.sent) })
	for _, d := range orphans {
		d.attempt, d.reason = d.attempt+1, "connection_failed"
		if d.kind == "events_api" { // nobody looks at a clock: it gets three seconds on its next socket
			d.timer.Stop()
			d.timer = nil
		} else {
			w.hub.pending[d.id] = d // the person's three seconds run on while it waits for a socket
		}
		w.send(d)
	}
}

func uuid() string {
	s := secret()
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:32]
}
