package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

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

	asking singleflight.Group // by rota

	mu     sync.Mutex // never held while PagerDuty is asked
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

// OnCall asks at most once a minute for each rota, and once for all who want to know at the same time. A caller whose context ends goes without
// the answer; the question goes on for the others, because nobody's leaving is a failure of PagerDuty.
func (s *shifts) OnCall(ctx context.Context, r catalog.Rota) ([]handlers.Shift, error) {
	rota := pagerduty.Rota{Schedule: r.Schedule, Policy: r.Policy, Level: r.Level}
	if rota.Policy != "" {
		rota.Level = max(rota.Level, 1)
	}
	asked := s.asking.DoChan(fmt.Sprintf("%q %q %d", rota.Schedule, rota.Policy, rota.Level), func() (any, error) {
		return s.find(context.WithoutCancel(ctx), rota)
	})
	select {
	case got := <-asked:
		list, _ := got.Val.([]handlers.Shift)
		return list, got.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// find remembers, else asks.
func (s *shifts) find(ctx context.Context, rota pagerduty.Rota) ([]handlers.Shift, error) {
	if list, ok, err := s.remembered(rota); ok {
		return list, err
	}
	ctx, cancel := context.WithTimeout(ctx, shiftsPatience)
	defer cancel()
	list, err := s.ask(ctx, rota)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it has not answered for %s", shiftsPatience)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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

// remembered is what is known without asking: an answer, or that PagerDuty is left alone for now.
func (s *shifts) remembered(rota pagerduty.Rota) (list []handlers.Shift, known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if had, ok := s.known[rota]; ok && now.Sub(had.at) < shiftsFresh {
		return had.list, true, nil
	}
	if s.why != nil && now.Sub(s.failed) < shiftsRest {
		return nil, true, s.why
	}
	return nil, false, nil
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
