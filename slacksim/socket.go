package slacksim

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Socket Mode, as in https://docs.slack.dev/apis/events-api/using-socket-mode.
const (
	maxConnections = 10
	maxClientFrame = 20 << 10         // a longer frame from the app closes the socket with 1009
	ticketLife     = 30 * time.Second // how long the URL of apps.connections.open is good for
	warningLead    = 10 * time.Second // how long a socket lives on after a "warning" disconnect
	writeTimeout   = 10 * time.Second
	outgoing       = 256 // frames that may wait for a slow client
)

// conn is one open socket.
type conn struct {
	id       int
	ws       *websocket.Conn
	out      chan frame
	end      context.CancelFunc
	leaving  bool        // told to go: gets nothing new while others are open; guarded by Workspace.mu
	halfOpen atomic.Bool // the TCP connection stands, nothing comes through
}

// frame is a message to the client; last closes the socket after it.
type frame struct {
	data []byte
	last bool
}

func openConnection(c *call) (answer, error) {
	ticket := secret()
	c.hub.tickets[ticket] = c.cfg.Now().Add(ticketLife)
	return answer{"url": strings.Replace(c.origin, "http", "ws", 1) + "/link/?ticket=" + ticket + "&app_id=" + c.cfg.App.ID}, nil
}

// serveSocket upgrades a request that carries an unused ticket and keeps the socket until it ends.
func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	w.mu.Lock()
	expires, known := w.hub.tickets[ticket]
	delete(w.hub.tickets, ticket)
	good := known && w.cfg.Now().Before(expires)
	w.mu.Unlock()
	if !good {
		http.Error(rw, "the ticket is unknown, used or expired", http.StatusUnauthorized)
		return
	}
	c := &conn{out: make(chan frame, outgoing)}
	ws, err := websocket.Accept(rw, r, &websocket.AcceptOptions{
		OriginPatterns: []string{"api.slack.com"}, // Slack clients in Go send this origin
		OnPingReceived: func(context.Context, []byte) bool { return !c.halfOpen.Load() },
	})
	if err != nil {
		return // Accept has answered
	}
	ctx, end := context.WithCancel(w.servers.ctx)
	defer end()
	c.ws, c.end = ws, end
	ws.SetReadLimit(maxClientFrame)
	defer func() { _ = ws.CloseNow() }()

	if !w.welcome(c) {
		_ = ws.Write(ctx, websocket.MessageText, disconnectFrame("too_many_websockets"))
		_ = ws.Close(websocket.StatusNormalClosure, "")
		return
	}
	go c.write(ctx)
	go c.ping(ctx, w.cfg.PingEvery)
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			w.goodbye(c)
			return
		}
		if !c.halfOpen.Load() {
			w.acked(c, data)
		}
	}
}

// welcome adds c to the open connections and says hello; false when there are ten already.
func (w *Workspace) welcome(c *conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.hub.conns) >= maxConnections {
		return false
	}
	w.hub.lastConn++
	c.id = w.hub.lastConn
	w.hub.conns = append(w.hub.conns, c)
	hello, _ := json.Marshal(answer{
		"type": "hello", "num_connections": len(w.hub.conns), "connection_info": answer{"app_id": w.cfg.App.ID},
		"debug_info": answer{"host": "slacksim", "build_number": 1, "approximate_connection_time": 18060},
	})
	c.out <- frame{data: hello}
	w.flush()
	w.showPresence()
	w.notify()
	return true
}

// goodbye takes c out and sends what it had not acked to the others.
func (w *Workspace) goodbye(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.conns = slices.DeleteFunc(w.hub.conns, func(o *conn) bool { return o == c })
	w.redeliver(c)
	w.showPresence()
	w.notify()
}

// push queues a frame. A client that does not read loses its socket. The caller holds Workspace.mu.
func (c *conn) push(f frame) {
	select {
	case c.out <- f:
	default:
		c.end()
	}
}

func (c *conn) write(ctx context.Context) {
	defer c.end()
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-c.out:
			if c.halfOpen.Load() {
				continue
			}
			limited, cancel := context.WithTimeout(ctx, writeTimeout)
			err := c.ws.Write(limited, websocket.MessageText, f.data)
			cancel()
			if err != nil {
				return
			}
			if f.last {
				_ = c.ws.Close(websocket.StatusNormalClosure, "") // the client may be gone before us
				return
			}
		}
	}
}

// ping keeps the socket warm and ends it when three pings in a row stay without an answer.
func (c *conn) ping(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	missed := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if c.halfOpen.Load() {
			if missed++; missed == 3 {
				c.end()
				return
			}
			continue
		}
		limited, cancel := context.WithTimeout(ctx, 3*every)
		err := c.ws.Ping(limited)
		cancel()
		if err != nil && !c.halfOpen.Load() {
			c.end()
			return
		}
	}
}

func disconnectFrame(reason string) []byte {
	data, _ := json.Marshal(answer{"type": "disconnect", "reason": reason, "debug_info": answer{"host": "slacksim"}})
	return data
}
