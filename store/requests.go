package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/store/query"
)

// Propose stores r with its expiry, reminder and announcement jobs, and its execution job when r is approved already. A second call with the
// same key (not "") stores nothing and returns what the first one stored. What is returned was read back: it has no patch values.
func (s *Store) Propose(ctx context.Context, key string, r approval.Request, from card.Address, remindAfter time.Duration) (approval.Request, error) {
	var stored approval.Request
	err := s.tx(ctx, "propose "+r.ID, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		body, err := json.Marshal(r)
		if err != nil {
			return err
		}
		origin, err := json.Marshal(from)
		if err != nil {
			return err
		}
		n, err := q.InsertRequest(ctx, query.InsertRequestParams{ID: r.ID, Key: key, State: string(r.State), Service: r.Plan.Service,
			Target: r.Plan.Target.Key(), Origin: origin, Body: body})
		if err != nil {
			return err
		}
		if n == 0 { // the key is known
			body, err = q.RequestByKey(ctx, key)
			if err != nil {
				return err
			}
			return json.Unmarshal(body, &stored)
		}
		if err := json.Unmarshal(body, &stored); err != nil {
			return err
		}
		if err := s.jobsForNew(ctx, tx, r, remindAfter); err != nil {
			return err
		}
		return s.audit(ctx, q, "request", r.Requester.Name(), r.Plan.Service, proposed(r))
	})
	return stored, err
}

// Change locks the request and hands it to change, once. What change did to it is stored even when change returns an error (an expiry, for
// example), which is then returned with the request as stored. The audit entry and the jobs that the new state needs commit with it.
// [approval.ErrNotFound], [approval.ErrUnavailable]; after any error of this package's own nothing of it happened, except that a connection
// lost during the commit leaves that open: whoever repeats the call meets the request as it is.
func (s *Store) Change(ctx context.Context, id, by string, change func(*approval.Request) error) (approval.Request, error) {
	var changed approval.Request
	var refusal error
	err := s.tx(ctx, "change "+id, func(ctx context.Context, tx pgx.Tx, q *query.Queries) (err error) {
		changed, refusal, err = s.change(ctx, tx, q, id, by, change)
		return err
	})
	if err != nil {
		return approval.Request{}, err
	}
	return changed, refusal
}

// change is the one place where a stored request becomes another one: nobody can forget the audit entry or a job.
func (s *Store) change(ctx context.Context, tx pgx.Tx, q *query.Queries, id, by string, change func(*approval.Request) error) (r approval.Request, refusal, err error) {
	if !storable(id) {
		return r, nil, pgx.ErrNoRows
	}
	before, err := q.LockRequest(ctx, id)
	if err != nil {
		return r, nil, err
	}
	var was approval.Request
	if err := errors.Join(json.Unmarshal(before, &was), json.Unmarshal(before, &r)); err != nil {
		return r, nil, fmt.Errorf("read the stored request: %w", err)
	}
	unchanged, err := json.Marshal(was) // not before itself, which another version of the program may have written
	if err != nil {
		return r, nil, err
	}
	refusal = change(&r)
	after, err := json.Marshal(r)
	if err != nil {
		return r, nil, err
	}
	if bytes.Equal(unchanged, after) {
		return r, refusal, nil
	}
	r = approval.Request{}
	if err := json.Unmarshal(after, &r); err != nil {
		return r, nil, err
	}
	if r.ID != id {
		return r, nil, fmt.Errorf("the request's ID became %q", r.ID)
	}
	err = q.UpdateRequest(ctx, query.UpdateRequestParams{ID: id, State: string(r.State), Service: r.Plan.Service, Target: r.Plan.Target.Key(), Body: after})
	if err != nil {
		return r, nil, err
	}
	if err := s.jobsForChange(ctx, tx, was, r); err != nil {
		return r, nil, err
	}
	return r, refusal, s.audit(ctx, q, "request", by, r.Plan.Service, moved(was, r))
}

// Request reads one request. [approval.ErrNotFound], [approval.ErrUnavailable].
func (s *Store) Request(ctx context.Context, id string) (approval.Request, error) {
	var r approval.Request
	err := s.do(ctx, "read "+id, func(ctx context.Context, q *query.Queries) error {
		if !storable(id) {
			return pgx.ErrNoRows
		}
		body, err := q.RequestByID(ctx, id)
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &r)
	})
	return r, err
}

// Requests lists the newest first: those still open, or all, of one service or of every one (service "").
func (s *Store) Requests(ctx context.Context, service string, openOnly bool, limit int) ([]approval.Request, error) {
	var out []approval.Request
	err := s.do(ctx, "list requests", func(ctx context.Context, q *query.Queries) error {
		if !storable(service) {
			return nil
		}
		rows, err := q.Requests(ctx, query.RequestsParams{Service: service, OpenOnly: openOnly, Most: int32(limit)})
		if err != nil {
			return err
		}
		out = make([]approval.Request, len(rows))
		for i, body := range rows {
			if err := json.Unmarshal(body, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// CountByState counts all requests by state; a state without any is absent.
func (s *Store) CountByState(ctx context.Context) (map[approval.State]int, error) {
	out := map[approval.State]int{}
	err := s.do(ctx, "count requests", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.CountByState(ctx)
		for _, row := range rows {
			out[approval.State(row.State)] = int(row.Requests)
		}
		return err
	})
	return out, err
}

// storable reports whether Postgres takes s as text: what people type may be anything.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// change's audit entries say what somebody would ask later: who, from which state to which, which plan, whose votes.
type auditedRequest struct {
	Request string         `json:"request"`
	From    approval.State `json:"from,omitempty"`
	To      approval.State `json:"to"`
	Reason  string         `json:"reason,omitempty"`
	Digest  string         `json:"digest"`
	Was     string         `json:"digestBefore,omitempty"` // set when the plan became another one
	Action  string         `json:"action"`
	Target  string         `json:"target"`
	Command string         `json:"command,omitempty"`
	Why     string         `json:"why,omitempty"`
	// Votes are those that this change added; Voided those that it took back.
	Votes    []approval.Vote      `json:"votes,omitempty"`
	Voided   []approval.Vote      `json:"voided,omitempty"`
	Broken   *approval.BreakGlass `json:"breakGlass,omitempty"`
	Approved []string             `json:"approvedBy,omitempty"`
	// Marked: the object bears our mark, and the one call of its deletion comes next.
	Marked bool `json:"marked,omitempty"`
}

func proposed(r approval.Request) auditedRequest {
	return auditedRequest{Request: r.ID, To: r.State, Reason: r.Reason, Digest: r.Digest, Action: string(r.Plan.Action), Target: r.Plan.Target.String(),
		Command: r.Plan.Command, Why: r.Why}
}

func moved(was, is approval.Request) auditedRequest {
	a := auditedRequest{Request: is.ID, From: was.State, To: is.State, Reason: is.Reason, Digest: is.Digest, Action: string(is.Plan.Action),
		Target: is.Plan.Target.String(), Broken: is.Broken, Marked: is.Marked}
	if was.Digest != is.Digest {
		a.Was = was.Digest
	}
	a.Votes, a.Voided = added(was.Votes, is.Votes), added(is.Votes, was.Votes)
	for _, v := range is.Votes {
		if v.Yes && is.State == approval.Approved {
			a.Approved = append(a.Approved, v.Person)
		}
	}
	return a
}

// added returns the votes of now that before does not have; one person votes once on one plan.
func added(before, now []approval.Vote) []approval.Vote {
	type ballot struct{ person, digest string }
	had := map[ballot]bool{}
	for _, v := range before {
		had[ballot{v.Person, v.Digest}] = true
	}
	var out []approval.Vote
	for _, v := range now {
		if !had[ballot{v.Person, v.Digest}] {
			out = append(out, v)
		}
	}
	return out
}
