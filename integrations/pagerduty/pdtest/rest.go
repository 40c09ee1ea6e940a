package pdtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// SetOnCall says who is on call, by schedule or escalation policy, to whoever has the key of the REST API.
func (s *Server) SetOnCall(token string, onCall map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.onCall = token, onCall
}

// admitted refuses a request of the REST API as PagerDuty does: the key, the version, what may be asked.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, parameters ...string) bool {
	if r.Header.Get("Authorization") != "Token token="+s.token || s.token == "" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"Invalid token %s","code":2006}}`, r.Header.Get("Authorization"))
		return false
	}
	for name := range r.URL.Query() {
		if !slices.Contains(parameters, name) {
			s.problems = append(s.problems, "no parameter "+name)
			w.WriteHeader(http.StatusBadRequest)
			return false
		}
	}
	if r.Header.Get("Accept") != "application/vnd.pagerduty+json;version=2" {
		s.problems = append(s.problems, "Accept is "+r.Header.Get("Accept"))
		w.WriteHeader(http.StatusNotAcceptable)
		return false
	}
	return true
}

// oncalls follows https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls
func (s *Server) oncalls(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answering(w) || !s.admitted(w, r, "include[]", "earliest", "limit", "offset", "schedule_ids[]", "escalation_policy_ids[]") {
		return
	}
	users := slices.Contains(r.URL.Query()["include[]"], "users")
	list := []map[string]any{}
	for _, rota := range append(r.URL.Query()["schedule_ids[]"], r.URL.Query()["escalation_policy_ids[]"]...) {
		for _, mail := range s.onCall[rota] {
			name, _, _ := strings.Cut(mail, "@")
			user := map[string]any{"id": "P" + strings.ToUpper(name), "type": "user_reference", "summary": name}
			if users {
				user["type"], user["name"], user["email"] = "user", name, mail
			}
			for level := range 2 { // one schedule may stand on several levels of a policy
				list = append(list, map[string]any{"escalation_level": level + 1, "start": nil, "end": "2026-11-30T09:00:00Z", "user": user,
					"schedule": map[string]any{"id": rota}, "escalation_policy": map[string]any{"id": rota}})
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"oncalls": list, "limit": 25, "offset": 0, "more": false})
}

// Take is somebody acknowledging or resolving the newest page in PagerDuty's own application.
func (s *Server) Take(status, by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.alerts[s.order[len(s.order)-1]]
	if a.Status, a.Changer, a.Machine = status, by, false; status == "acknowledged" {
		a.Acknowledger = by
	}
}

// End is the service ending the newest page by itself.
func (s *Server) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.alerts[s.order[len(s.order)-1]]
	a.Status, a.Changer, a.Machine = "resolved", "The service", true
}

// incidents follows https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents
func (s *Server) incidents(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answering(w) || !s.admitted(w, r, "incident_key", "statuses[]", "limit", "offset") {
		return
	}
	list := []map[string]any{}
	kind := map[bool]string{false: "user_reference", true: "service_reference"}
	if a := s.alerts[r.URL.Query().Get("incident_key")]; a != nil && slices.Contains(r.URL.Query()["statuses[]"], a.Status) {
		acks := []map[string]any{}
		if a.Acknowledger != "" {
			acks = append(acks, map[string]any{"at": "2026-11-24T12:00:00Z", "acknowledger": map[string]any{"type": "user_reference", "summary": a.Acknowledger}})
		}
		list = append(list, map[string]any{"id": "PINC1", "type": "incident", "status": a.Status, "incident_key": a.Key, "acknowledgements": acks,
			"last_status_change_by": map[string]any{"type": kind[a.Machine], "summary": a.Changer}})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"incidents": list, "limit": 25, "offset": 0, "more": false})
}
