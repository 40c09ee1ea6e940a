package slacksim

import (
	"fmt"
	"time"
)

// Things Socket can do.
const (
	SocketKill               = "kill"                  // the TCP connection ends without a word
	SocketHalfOpen           = "half_open"             // it stands, but nothing comes through any more
	SocketWarning            = "warning"               // disconnect warning, closed about ten seconds later
	SocketRefresh            = "refresh"               // disconnect refresh_requested, closed at once
	SocketLinkDisabled       = "link_disabled"         // disconnect link_disabled, closed at once
	SocketDuplicateNext      = "duplicate_next"        // the next envelope comes twice, same envelope ID
	SocketDuplicateNextNewID = "duplicate_next_new_id" // the next envelope comes twice, under two envelope IDs
	SocketReorderNext        = "reorder_next"          // the next envelope comes after the one behind it
	SocketDropAck            = "drop_ack"              // the next ack is lost; its envelope comes again
)

// SocketOp is trouble for the app's sockets.
type SocketOp struct {
	Op string `json:"op"`
	// Connection picks one socket by its number; 0 means all of them. Ignored by the operations on the next envelope.
	Connection int `json:"connection"`
}

// Connection is an open socket as SocketState shows it.
type Connection struct {
	ID       int  `json:"id"`
	HalfOpen bool `json:"half_open,omitempty"`
	Leaving  bool `json:"leaving,omitempty"`
}

// SocketState is what the app's sockets have been doing.
type SocketState struct {
	Connections []Connection `json:"connections"`
	Acks        []Ack        `json:"acks"`
	// Unacked counts envelopes that are on their way or wait for a socket.
	Unacked int `json:"unacked"`
}

// Socket makes trouble. It is an error when there is no such operation or connection.
func (w *Workspace) Socket(op SocketOp) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch op.Op {
	case SocketDuplicateNext:
		w.hub.duplicate++
		return nil
	case SocketDuplicateNextNewID:
		w.hub.duplicateNewID++
		return nil
	case SocketReorderNext:
		w.hub.reorder++
		return nil
	case SocketDropAck:
		w.hub.dropAck++
		return nil
	}
	hit := 0
	for _, c := range w.hub.conns {
		if op.Connection != 0 && op.Connection != c.id {
			continue
		}
		hit++
		switch op.Op {
		case SocketKill:
			c.end()
		case SocketHalfOpen:
			c.halfOpen.Store(true)
		case SocketWarning:
			c.leaving = true
			c.push(frame{data: disconnectFrame("warning")})
			time.AfterFunc(warningLead, c.end)
		case SocketRefresh:
			c.leaving = true
			c.push(frame{data: disconnectFrame("refresh_requested"), last: true})
		case SocketLinkDisabled:
			c.leaving = true
			c.push(frame{data: disconnectFrame("link_disabled"), last: true})
		default:
			return fmt.Errorf("trouble the socket: there is no operation %q; nothing was done", op.Op)
		}
	}
	if hit == 0 {
		return fmt.Errorf("trouble the socket: no open connection for %q; nothing was done", op.Op)
	}
	return nil
}

// SocketState returns the open sockets and the acks so far (at least the last 10,000), oldest first.
func (w *Workspace) SocketState() SocketState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.socketState()
}

func (w *Workspace) socketState() SocketState {
	out := SocketState{Connections: []Connection{}, Acks: append([]Ack{}, w.hub.acks...), Unacked: len(w.hub.pending)}
	for _, d := range w.hub.waiting {
		if w.hub.pending[d.id] == nil {
			out.Unacked++
		}
	}
	for _, c := range w.hub.conns {
		out.Connections = append(out.Connections, Connection{ID: c.id, HalfOpen: c.halfOpen.Load(), Leaving: c.leaving})
	}
	return out
}
