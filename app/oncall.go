package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/integrations/call"
	"github.com/svcdown/svcdown/integrations/pagerduty"
)

const (
	// shiftsFresh is how long an answer of PagerDuty counts. Handovers are on the minute.
	shiftsFresh = time.Minute
	// shiftsPatience bounds one question: people are waiting to be called.
	shiftsPatience = 3 * time.Second
	// shiftsRest is how long a PagerDuty that did not answer is left alone, so that several roles wait for it once.
	shiftsRest = 30 * time.Second
)

// shifts remembers briefly who is on call at PagerDuty. It is safe for concurrent use.
type shifts struct {
	ask func(ctx context.Context, r pagerduty.Rota) ([]pagerduty.OnCall, error)
	now func() time.Time

	mu     sync.Mutex
	known  map[pagerduty.Rota]answer
	failed time.Time // when it did not answer last
	why    error
}

type answer struct {
	at   time.Time
	list []handlers.Shift
}

func newShifts(ask func(context.Context, pagerduty.Rota) ([]pagerduty.OnCall, error), now func() time.Time) *shifts {
	return &shifts{ask: ask, now: now, known: map[pagerduty.Rota]answer{}}
}

// OnCall asks at most once a minute for each rota, one question at a time.
func (s *shifts) OnCall(ctx context.Context, r catalog.Rota) ([]handlers.Shift, error) {
	rota := pagerduty.Rota{Schedule: r.Schedule, Policy: r.Policy, Level: r.Level}
	if rota.Policy != "" {
		rota.Level = max(rota.Level, 1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if had, ok := s.known[rota]; ok && now.Sub(had.at) < shiftsFresh {
		return had.list, nil
	}
	if s.why != nil && now.Sub(s.failed) < shiftsRest {
		return nil, s.why
	}
	ctx, cancel := context.WithTimeout(ctx, shiftsPatience)
	defer cancel()
	list, err := s.ask(ctx, rota)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it has not answered for %s", shiftsPatience)
	}
	if err != nil {
		if e := (*call.Error)(nil); !errors.As(err, &e) || e.Again { // what is wrong with one schedule says nothing of the others
			s.failed, s.why = s.now(), err
		}
		return nil, err
	}
	got := answer{at: s.now()}
	for _, o := range list {
		got.list = append(got.list, handlers.Shift{Name: o.Name, Email: o.Email, Until: o.Until})
	}
	s.known[rota], s.why = got, nil
	return got.list, nil
}

// openAccount reads from PagerDuty; nil without a key of its REST API.
func openAccount(s Settings) (*pagerduty.Account, error) {
	if s.Outside.PagerDutyToken == "" {
		return nil, nil
	}
	account, err := pagerduty.NewAccount(s.Catalog.PagerDuty.API, s.Outside.PagerDutyToken, time.Now)
	if err != nil {
		return nil, fmt.Errorf("PAGERDUTY_API_TOKEN: %w", err)
	}
	return account, nil
}
