// Package pdtest is a PagerDuty for tests that takes what the documented API takes, and nothing else.
package pdtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Alert is what PagerDuty knows under one deduplication key.
type Alert struct {
	Key, RoutingKey, Status, Summary, Severity string
	// Notified counts how often people were called: once when it is triggered, and again only after it was resolved.
	Notified int
	// Acknowledger and Changer did it at PagerDuty itself.
	Acknowledger, Changer string
	// Machine says that Changer is no person.
	Machine bool
}

// Server is the fake.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	token    string              // of the REST API
	onCall   map[string][]string // schedule or escalation policy → e-mail addresses
	alerts   map[string]*Alert
	order    []string
	problems []string
	answers  []func(w http.ResponseWriter) // taken instead of the next requests
	requests int
	down     bool
}

// New starts a fake that takes any well-formed routing key.
func New() *Server {
	s := &Server{alerts: map[string]*Alert{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/enqueue", s.enqueue)
	mux.HandleFunc("GET /oncalls", s.oncalls)
	mux.HandleFunc("GET /incidents", s.incidents)
	s.Server = httptest.NewServer(mux)
	return s
}

// Next answers the next requests in this way before anything is looked at.
func (s *Server) Next(answers ...func(w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// Down lets every request fail until it is called with false.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// answering refuses everything while PagerDuty is down.
func (s *Server) answering(w http.ResponseWriter) bool {
	if s.down {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	return !s.down
}

// LoseAnswer takes the next event and breaks the connection off instead of answering.
func (s *Server) LoseAnswer() { s.Next(nil) }

// Alerts lists what came, in order; Problems what the documented API would have refused, Requests how many there were.
func (s *Server) Alerts() []Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Alert
	for _, k := range s.order {
		out = append(out, *s.alerts[k])
	}
	return out
}

// Problems are the requests that broke the documented rules.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Requests counts the requests of the Events API.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

var routingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

// enqueue follows https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
func (s *Server) enqueue(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if !s.answering(w) {
		return
	}
	lose := false
	if len(s.answers) > 0 {
		next := s.answers[0]
		s.answers = s.answers[1:]
		if next != nil {
			next(w)
			return
		}
		lose = true
	}
	var e struct {
		RoutingKey string `json:"routing_key"`
		Action     string `json:"event_action"`
		DedupKey   string `json:"dedup_key"`
		Client     string `json:"client"`
		ClientURL  string `json:"client_url"`
		Payload    *struct {
			Summary       string         `json:"summary"`
			Source        string         `json:"source"`
			Severity      string         `json:"severity"`
			Timestamp     string         `json:"timestamp"`
			Component     string         `json:"component"`
			Group         string         `json:"group"`
			Class         string         `json:"class"`
			CustomDetails map[string]any `json:"custom_details"`
		} `json:"payload"`
		Links []struct {
			Href string `json:"href"`
			Text string `json:"text"`
		} `json:"links"`
		Images []any `json:"images"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	var wrong []string
	if err := d.Decode(&e); err != nil {
		wrong = append(wrong, err.Error())
	}
	check := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, what)
		}
	}
	check(r.Header.Get("Content-Type") == "application/json", "the content type is not application/json")
	check(routingKey.MatchString(e.RoutingKey), "routing_key has not 32 characters")
	check(slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.Action), "event_action is none of trigger, acknowledge, resolve")
	check(len(e.DedupKey) <= 255, "dedup_key is longer than 255")
	check(e.Action == "trigger" || e.DedupKey != "", "dedup_key is required")
	if e.Action == "trigger" {
		check(e.Payload != nil && e.Payload.Summary != "" && len([]rune(e.Payload.Summary)) <= 1024, "payload.summary is missing or longer than 1024")
		check(e.Payload != nil && e.Payload.Source != "", "payload.source is missing")
		check(e.Payload != nil && slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity), "payload.severity is none of critical, error, warning, info")
	}
	if len(wrong) > 0 {
		s.problems = append(s.problems, strings.Join(wrong, "; "))
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"status":"invalid event","message":"Event object is invalid","errors":[%q]}`, strings.Join(wrong, "; "))
		return
	}
	a := s.alerts[e.DedupKey]
	switch {
	case e.Action == "trigger" && a == nil:
		s.alerts[e.DedupKey] = &Alert{Key: e.DedupKey, RoutingKey: e.RoutingKey, Status: "triggered", Summary: e.Payload.Summary, Severity: e.Payload.Severity, Notified: 1}
		s.order = append(s.order, e.DedupKey)
	case e.Action == "trigger" && a.Status == "resolved":
		a.Status = "triggered"
		a.Notified++
	case e.Action == "acknowledge" && a != nil && a.Status == "triggered" && a.RoutingKey == e.RoutingKey:
		a.Status = "acknowledged"
	case e.Action == "resolve" && a != nil && a.RoutingKey == e.RoutingKey:
		a.Status = "resolved"
	}
	if lose {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"status":"success","message":"Event processed","dedup_key":%q}`, e.DedupKey)
}
