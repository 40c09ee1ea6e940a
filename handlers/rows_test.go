package handlers_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
)

// rows is the store in memory: requests, leases and places, with the contracts of their interfaces. It inserts no jobs; tests call the
// bodies themselves.
type rows struct {
	now func() time.Time
	// down makes every call answer that the database is unavailable, tired that somebody asks too often.
	down, tired bool

	mu       sync.Mutex
	order    []string
	stored   map[string][]byte
	keys     map[string]string
	leases   map[string]approval.Lease
	places   map[string]map[string]card.Address
	requeued []string
	noted    []string
	outcomes []string
	head     int64 // of the audit log
}

func (s *rows) AuditHead(context.Context) (int64, []byte, error) {
	hash := make([]byte, 32)
	for i := range hash {
		hash[i] = byte(s.head)
	}
	return s.head, hash, nil
}

func newRows(now func() time.Time) *rows {
	return &rows{now: now, stored: map[string][]byte{}, keys: map[string]string{}, leases: map[string]approval.Lease{}, places: map[string]map[string]card.Address{}}
}

func (s *rows) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *rows) get(t *testing.T, id string) approval.Request {
	t.Helper()
	r, err := s.Request(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *rows) Propose(_ context.Context, key string, r approval.Request, from card.Address, _ time.Duration) (approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return approval.Request{}, approval.ErrUnavailable
	}
	if id, ok := s.keys[key]; ok && key != "" {
		return s.read(id)
	}
	s.keys[key] = r.ID
	s.order = append(s.order, r.ID)
	s.places[r.ID] = map[string]card.Address{"origin": from}
	return s.write(r)
}

func (s *rows) write(r approval.Request) (approval.Request, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return approval.Request{}, err
	}
	s.stored[r.ID] = raw
	return s.read(r.ID)
}

func (s *rows) read(id string) (r approval.Request, err error) {
	raw, ok := s.stored[id]
	if !ok {
		return r, approval.ErrNotFound
	}
	return r, json.Unmarshal(raw, &r)
}

func (s *rows) Change(ctx context.Context, id, _ string, change func(*approval.Request) error) (approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(ctx, id, change)
}

func (s *rows) change(ctx context.Context, id string, change func(*approval.Request) error) (approval.Request, error) {
	if s.down || ctx.Err() != nil {
		return approval.Request{}, approval.ErrUnavailable
	}
	r, err := s.read(id)
	if err != nil {
		return r, err
	}
	refusal := change(&r)
	r, err = s.write(r)
	if err != nil {
		return r, err
	}
	return r, refusal
}

func (s *rows) Request(_ context.Context, id string) (approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return approval.Request{}, approval.ErrUnavailable
	}
	return s.read(id)
}

func (s *rows) Requeue(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requeued = append(s.requeued, id)
	return nil
}

func (s *rows) Requests(_ context.Context, service string, openOnly bool, limit int) ([]approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, approval.ErrUnavailable
	}
	var out []approval.Request
	for i := len(s.order) - 1; i >= 0 && len(out) < limit; i-- {
		r, err := s.read(s.order[i])
		if err != nil {
			return nil, err
		}
		if (service == "" || r.Plan.Service == service) && !(openOnly && r.State.Final()) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *rows) Acquire(_ context.Context, target, request string) (approval.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.leases[target]
	if old.Holder != "" && old.Holder != request && s.now().Before(old.Until) {
		return approval.Lease{}, approval.ErrBusy
	}
	if r, err := s.read(old.Holder); err == nil && r.State == approval.Executing {
		return approval.Lease{}, approval.ErrBusy
	}
	return s.lease(target, request, old), nil
}

func (s *rows) TakeOver(_ context.Context, target, request string) (approval.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.leases[target]
	if s.now().Before(old.Until) {
		return approval.Lease{}, approval.ErrBusy
	}
	return s.lease(target, request, old), nil
}

func (s *rows) lease(target, request string, old approval.Lease) approval.Lease {
	l := approval.Lease{Target: target, Holder: request, Token: old.Token + 1, Until: s.now().Add(approval.LeaseTime)}
	s.leases[target] = l
	return l
}

func (s *rows) Begin(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.leases[l.Target]; now.Token != l.Token || !s.now().Before(now.Until) {
		return approval.Request{}, approval.ErrLost
	}
	return s.change(ctx, l.Holder, change)
}

func (s *rows) End(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[l.Target].Token != l.Token {
		return approval.Request{}, approval.ErrLost
	}
	r, err := s.change(ctx, l.Holder, change)
	s.release(l)
	return r, err
}

func (s *rows) Release(_ context.Context, l approval.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(l)
	return nil
}

func (s *rows) release(l approval.Lease) {
	if now := s.leases[l.Target]; now.Token == l.Token {
		now.Until = s.now()
		s.leases[l.Target] = now
	}
}

// held reports whether anybody holds the lease of a request's target.
func (s *rows) held(r approval.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now().Before(s.leases[r.Plan.Target.Key()].Until)
}

func (s *rows) SaveCard(_ context.Context, request, role string, at card.Address) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[request][role] = at
	return nil
}

func (s *rows) CardsOf(_ context.Context, request string) (map[string]card.Address, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]card.Address{}
	for role, at := range s.places[request] {
		out[role] = at
	}
	return out, nil
}

func (s *rows) Note(_ context.Context, kind, _, _ string, _ any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return approval.ErrUnavailable
	}
	s.noted = append(s.noted, kind)
	return nil
}

func (s *rows) Allow(context.Context, string) (bool, time.Duration) { return !s.tired, 7 * time.Second }

func (s *rows) Command(verb, outcome string, _ time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, verb+" "+outcome)
}
