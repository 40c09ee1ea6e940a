package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/store/query"
)

// OpenChecklist stores c. A second call with the same key (not "") stores nothing and returns what the first one stored, as it is by now.
func (s *Store) OpenChecklist(ctx context.Context, key string, c checklist.Checklist) (checklist.Checklist, error) {
	var stored checklist.Checklist
	err := s.tx(ctx, "open checklist "+c.ID, func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		n, err := q.InsertChecklist(ctx, query.InsertChecklistParams{ID: c.ID, Key: key, Runbook: c.Runbook, Service: c.Service, Source: []byte(c.Source), Body: body})
		if err != nil {
			return err
		}
		if n == 0 { // the key is known
			row, err := q.ChecklistByKey(ctx, key)
			if err != nil {
				return err
			}
			stored, err = readChecklist(row.Source, row.Body, row.Version)
			return err
		}
		if stored, err = readChecklist([]byte(c.Source), body, 1); err != nil {
			return err
		}
		return s.audit(ctx, q, "checklist", c.OpenedBy, c.Service, auditedChecklist{Checklist: c.ID, Runbook: c.Runbook})
	})
	return stored, err
}

// Checklist reads one. [approval.ErrNotFound], [approval.ErrUnavailable].
func (s *Store) Checklist(ctx context.Context, id string) (checklist.Checklist, error) {
	var c checklist.Checklist
	err := s.do(ctx, "read checklist "+id, func(ctx context.Context, q *query.Queries) error {
		if !storable(id) {
			return pgx.ErrNoRows
		}
		row, err := q.ChecklistByID(ctx, id)
		if err != nil {
			return err
		}
		c, err = readChecklist(row.Source, row.Body, row.Version)
		return err
	})
	return c, err
}

// ChangeChecklist locks the checklist and hands it to change, once; of several at the same moment each sees what the others did. When change
// returns an error nothing is stored, and the error comes back with the checklist as it stands. What became of the steps goes into the
// audit log in the same transaction.
func (s *Store) ChangeChecklist(ctx context.Context, id, by string, change func(*checklist.Checklist) error) (checklist.Checklist, error) {
	var changed checklist.Checklist
	var refusal error
	err := s.tx(ctx, "change checklist "+id, func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		if !storable(id) {
			return pgx.ErrNoRows
		}
		row, err := q.LockChecklist(ctx, id)
		if err != nil {
			return err
		}
		was, err := readChecklist(row.Source, row.Body, row.Version)
		if err != nil {
			return err
		}
		if changed, err = readChecklist(row.Source, row.Body, row.Version); err != nil {
			return err
		}
		if refusal = change(&changed); refusal != nil {
			changed = was
			return nil
		}
		before, err1 := json.Marshal(was)
		after, err2 := json.Marshal(changed)
		if err := errors.Join(err1, err2); err != nil || bytes.Equal(before, after) {
			return err
		}
		if err := q.UpdateChecklist(ctx, query.UpdateChecklistParams{ID: id, Body: after}); err != nil {
			return err
		}
		changed.Version = row.Version + 1
		if a, ok := movedSteps(was, changed); ok {
			return s.audit(ctx, q, "checklist", by, changed.Service, a)
		}
		return nil
	})
	if err != nil {
		return checklist.Checklist{}, err
	}
	return changed, refusal
}

// SaveReport keeps the newest report of a step.
func (s *Store) SaveReport(ctx context.Context, id string, step int, r finding.Report) error {
	return s.do(ctx, "keep the report of "+id, func(ctx context.Context, q *query.Queries) error {
		raw, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return q.SaveReport(ctx, query.SaveReportParams{Checklist: id, Step: int32(step), Report: raw})
	})
}

// Report returns the newest report of a step. [approval.ErrNotFound] when there is none.
func (s *Store) Report(ctx context.Context, id string, step int) (finding.Report, error) {
	var r finding.Report
	err := s.do(ctx, "read the report of "+id, func(ctx context.Context, q *query.Queries) error {
		raw, err := q.Report(ctx, query.ReportParams{Checklist: id, Step: int32(step)})
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, &r)
	})
	return r, err
}

// FollowRequest ties a step to the request that was proposed under key, in place of an earlier one, and returns the request's ID.
// [approval.ErrNotFound] when nothing was proposed under that key.
func (s *Store) FollowRequest(ctx context.Context, id string, step int, key string) (request string, err error) {
	err = s.do(ctx, "tie a request to "+id, func(ctx context.Context, q *query.Queries) error {
		row, err := q.FollowRequest(ctx, query.FollowRequestParams{Checklist: id, Step: int32(step), Key: key})
		request = row.String
		return err
	})
	return request, err
}

// Following returns the step that follows a request; [approval.ErrNotFound] when none does.
func (s *Store) Following(ctx context.Context, request string) (id string, step int, err error) {
	err = s.do(ctx, "find the step of "+request, func(ctx context.Context, q *query.Queries) error {
		row, err := q.Following(ctx, request)
		id, step = row.Checklist, int(row.Step)
		return err
	})
	return id, step, err
}

func readChecklist(source, body []byte, version int64) (checklist.Checklist, error) {
	var c checklist.Checklist
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("read the stored checklist: %w", err)
	}
	c.Source, c.Version = string(source), version
	return c, nil
}

// auditedChecklist says what became of which steps. Of the values that people filled in it has the names alone.
type auditedChecklist struct {
	Checklist string      `json:"checklist"`
	Runbook   string      `json:"runbook,omitempty"`
	Steps     []movedStep `json:"steps,omitempty"`
	Filled    []string    `json:"filled,omitempty"`
}

type movedStep struct {
	Step    int             `json:"step"`
	From    checklist.State `json:"from,omitempty"`
	To      checklist.State `json:"to,omitempty"`
	By      string          `json:"by,omitempty"`
	Request string          `json:"request,omitempty"`
}

func movedSteps(was, is checklist.Checklist) (auditedChecklist, bool) {
	a := auditedChecklist{Checklist: is.ID}
	for _, n := range slices.Sorted(maps.Keys(is.Steps)) {
		before, now := was.Steps[n], is.Steps[n]
		if before.State != now.State || before.Request != now.Request {
			a.Steps = append(a.Steps, movedStep{Step: n, From: before.State, To: now.State, By: now.By, Request: now.Request})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is.Values)) {
		if was.Values[name] != is.Values[name] {
			a.Filled = append(a.Filled, name)
		}
	}
	return a, len(a.Steps)+len(a.Filled) > 0
}
