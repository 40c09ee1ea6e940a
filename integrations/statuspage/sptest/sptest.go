// Package sptest is a Statuspage for tests that takes what the documented API takes, and nothing else.
package sptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Incident is an incident of the page.
type Incident struct {
	ID, Name, Status, Impact string
	Bodies                   []string
	Metadata                 map[string]map[string]any
}

// Server is the fake: one page, its components by ID with their status.
type Server struct {
	*httptest.Server
	Page, Token string

	mu         sync.Mutex
	components map[string]string
	incidents  []*Incident // newest first
	problems   []string
	answers    []func(w http.ResponseWriter)
}

// New starts a page with these components, all operational.
func New(page, token string, components ...string) *Server {
	s := &Server{Page: page, Token: token, components: map[string]string{}}
	for _, c := range components {
		s.components[c] = "operational"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/pages/{page}/incidents", s.known(s.create))
	mux.HandleFunc("PATCH /v1/pages/{page}/incidents/{id}", s.known(s.update))
	mux.HandleFunc("GET /v1/pages/{page}/incidents", s.known(s.list))
	mux.HandleFunc("GET /v1/pages/{page}/components", s.known(s.listComponents))
	s.Server = httptest.NewServer(mux)
	return s
}

// Next answers the next requests in this way before anything is looked at. A nil carries the request out and breaks the answer off.
func (s *Server) Next(answers ...func(w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// Answer is an answer with an error of the page.
func Answer(code int, retryAfter string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":"as asked for: %d"}`, code)
	}
}

// Incidents lists the page's incidents, newest first.
func (s *Server) Incidents() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Incident
	for _, i := range s.incidents {
		out = append(out, *i)
	}
	return out
}

// Component is how a component does.
func (s *Server) Component(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.components[id]
}

// Problems are the requests that broke the documented rules.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// known asks for the token and the page, and holds the lock. https://developer.statuspage.io/#section/Authentication
func (s *Server) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		lose := false
		if len(s.answers) > 0 {
			answer := s.answers[0]
			s.answers = s.answers[1:]
			if answer != nil {
				answer(w)
				return
			}
			lose = true
		}
		switch {
		case r.Header.Get("Authorization") != "OAuth "+s.Token:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"Could not authenticate %s"}`, r.Header.Get("Authorization"))
		case r.PathValue("page") != s.Page:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":"Not found"}`)
		default:
			next(w, r)
		}
		if lose {
			panic(http.ErrAbortHandler)
		}
	}
}

type wire struct {
	Name         *string                   `json:"name"`
	Status       *string                   `json:"status"`
	Impact       *string                   `json:"impact_override"`
	Body         *string                   `json:"body"`
	Components   map[string]string         `json:"components"`
	ComponentIDs []string                  `json:"component_ids"`
	Notify       *bool                     `json:"deliver_notifications"`
	Metadata     map[string]map[string]any `json:"metadata"`
}

// read checks a body as https://developer.statuspage.io/#operation/postPagesPageIdIncidents has it.
func (s *Server) read(w http.ResponseWriter, r *http.Request, isNew bool) (in wire, ok bool) {
	var body struct {
		Incident *wire `json:"incident"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	var wrong []string
	if err := d.Decode(&body); err != nil {
		wrong = append(wrong, err.Error())
	}
	if body.Incident == nil {
		wrong = append(wrong, "incident is missing")
		body.Incident = &wire{}
	}
	in = *body.Incident
	oneOf := func(name string, v *string, allowed ...string) {
		if v != nil && !slices.Contains(allowed, *v) {
			wrong = append(wrong, fmt.Sprintf("%s %q is not one of %v", name, *v, allowed))
		}
	}
	if isNew && (in.Name == nil || *in.Name == "") {
		wrong = append(wrong, "name can't be blank")
	}
	if in.Name != nil && len([]rune(*in.Name)) > 255 {
		wrong = append(wrong, "name is too long")
	}
	oneOf("status", in.Status, "investigating", "identified", "monitoring", "resolved")
	oneOf("impact_override", in.Impact, "none", "minor", "major", "critical", "maintenance")
	for id, status := range in.Components {
		if _, there := s.components[id]; !there {
			wrong = append(wrong, "no component "+id)
		}
		oneOf("component status", &status, "operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
	}
	if r.Header.Get("Content-Type") != "application/json" {
		wrong = append(wrong, "the content type is not application/json")
	}
	if len(wrong) > 0 {
		s.problems = append(s.problems, strings.Join(wrong, "; "))
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": wrong})
		return in, false
	}
	return in, true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	in, ok := s.read(w, r, true)
	if !ok {
		return
	}
	i := &Incident{ID: fmt.Sprintf("sp%d", len(s.incidents)+1), Status: "investigating"}
	s.incidents = append([]*Incident{i}, s.incidents...)
	s.apply(i, in)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(s.show(i))
}

func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	n := slices.IndexFunc(s.incidents, func(i *Incident) bool { return i.ID == r.PathValue("id") })
	if n < 0 {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":"Not found"}`)
		return
	}
	if in, ok := s.read(w, r, false); ok {
		s.apply(s.incidents[n], in)
		_ = json.NewEncoder(w).Encode(s.show(s.incidents[n]))
	}
}

func (s *Server) apply(i *Incident, in wire) {
	set := func(to *string, v *string) {
		if v != nil {
			*to = *v
		}
	}
	set(&i.Name, in.Name)
	set(&i.Status, in.Status)
	set(&i.Impact, in.Impact)
	if in.Body != nil {
		i.Bodies = append(i.Bodies, *in.Body)
	}
	if in.Metadata != nil {
		i.Metadata = in.Metadata
	}
	for id, status := range in.Components {
		s.components[id] = status
	}
}

func (s *Server) show(i *Incident) map[string]any {
	return map[string]any{"id": i.ID, "name": i.Name, "status": i.Status, "impact_override": i.Impact, "metadata": i.Metadata, "page_id": s.Page,
		"components": []map[string]any{}} // a list in answers, an object in requests
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	limit := min(number("limit", 100), 100)
	from := min((number("page", 1)-1)*limit, len(s.incidents))
	out := []map[string]any{}
	for _, i := range s.incidents[from:min(from+limit, len(s.incidents))] {
		out = append(out, s.show(i))
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Server) listComponents(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for id, status := range s.components {
		out = append(out, map[string]any{"id": id, "name": "Component " + id, "status": status})
	}
	_ = json.NewEncoder(w).Encode(out)
}
