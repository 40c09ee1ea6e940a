package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store"
)

// storage is the store, or, until the database was first reached, its absence: a bot that starts in an outage still reads. Every method
// answers [approval.ErrUnavailable] until then.
type storage struct {
	open atomic.Pointer[store.Store]
}

// reopenEvery is how long a database that does not answer is left alone before it is tried again.
const reopenEvery = 2 * time.Second

// connect opens the store and starts its jobs, again and again until it works or ctx ends. It closes tried after the first attempt.
func (s *storage) connect(ctx context.Context, cfg store.Config, jobs store.Jobs, tried chan<- struct{}, log zerolog.Logger) {
	for first := true; ; first = false {
		err := s.try(ctx, cfg, jobs)
		if first {
			close(tried)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		log.Error().Err(err).Msg("the database does not answer: reads go on, changes are refused")
		select {
		case <-ctx.Done():
			return
		case <-time.After(reopenEvery):
		}
	}
}

func (s *storage) try(ctx context.Context, cfg store.Config, jobs store.Jobs) error {
	st, err := store.Open(ctx, cfg)
	if err != nil {
		return err
	}
	s.open.Store(st) // first: a job that is worked at once must find it
	if err := st.Start(ctx, jobs); err != nil {
		s.open.Store(nil)
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = st.Stop(stop) // nothing was started; the first error is the one that counts
		return err
	}
	return nil
}

func (s *storage) stop(ctx context.Context) error {
	if st := s.open.Load(); st != nil {
		return st.Stop(ctx)
	}
	return nil
}

func (s *storage) Ping(ctx context.Context) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.Ping(ctx)
}

func (s *storage) Propose(ctx context.Context, key string, r approval.Request, from card.Address, remindAfter time.Duration) (approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Request{}, approval.ErrUnavailable
	}
	return st.Propose(ctx, key, r, from, remindAfter)
}

func (s *storage) Change(ctx context.Context, id, by string, change func(*approval.Request) error) (approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Request{}, approval.ErrUnavailable
	}
	return st.Change(ctx, id, by, change)
}

func (s *storage) Request(ctx context.Context, id string) (approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Request{}, approval.ErrUnavailable
	}
	return st.Request(ctx, id)
}

func (s *storage) Requests(ctx context.Context, service string, openOnly bool, limit int) ([]approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.Requests(ctx, service, openOnly, limit)
}

func (s *storage) Requeue(ctx context.Context, id string) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.Requeue(ctx, id)
}

func (s *storage) CountByState(ctx context.Context) (map[approval.State]int, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.CountByState(ctx)
}

func (s *storage) Acquire(ctx context.Context, target, request string) (approval.Lease, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Lease{}, approval.ErrUnavailable
	}
	return st.Acquire(ctx, target, request)
}

func (s *storage) TakeOver(ctx context.Context, target, request string) (approval.Lease, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Lease{}, approval.ErrUnavailable
	}
	return st.TakeOver(ctx, target, request)
}

func (s *storage) Begin(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Request{}, approval.ErrUnavailable
	}
	return st.Begin(ctx, l, change)
}

func (s *storage) End(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return approval.Request{}, approval.ErrUnavailable
	}
	return st.End(ctx, l, change)
}

func (s *storage) Release(ctx context.Context, l approval.Lease) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.Release(ctx, l)
}

func (s *storage) SaveCard(ctx context.Context, request, role string, at card.Address) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveCard(ctx, request, role, at)
}

func (s *storage) CardsOf(ctx context.Context, request string) (map[string]card.Address, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.CardsOf(ctx, request)
}

func (s *storage) SaveAnswer(ctx context.Context, service string, p card.Posted) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveAnswer(ctx, service, p)
}

func (s *storage) AnswersOf(ctx context.Context, service string, after, before time.Time, limit int) ([]card.Posted, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.AnswersOf(ctx, service, after, before, limit)
}

func (s *storage) Note(ctx context.Context, kind, actor, service string, data any) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.Note(ctx, kind, actor, service, data)
}

func (s *storage) AuditHead(ctx context.Context) (int64, []byte, error) {
	st := s.open.Load()
	if st == nil {
		return 0, nil, approval.ErrUnavailable
	}
	return st.AuditHead(ctx)
}

func (s *storage) Receive(ctx context.Context, key, kind string, payload []byte) (bool, error) {
	st := s.open.Load()
	if st == nil {
		return false, approval.ErrUnavailable
	}
	return st.Receive(ctx, key, kind, payload)
}

func (s *storage) SaveGroups(ctx context.Context, members map[string][]catalog.SlackID, asOf time.Time) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveGroups(ctx, members, asOf)
}

func (s *storage) LoadGroups(ctx context.Context) (map[string][]catalog.SlackID, time.Time, error) {
	st := s.open.Load()
	if st == nil {
		return nil, time.Time{}, approval.ErrUnavailable
	}
	return st.LoadGroups(ctx)
}

func (s *storage) OpenIncident(ctx context.Context, op string, i incident.Incident, first incident.Event, from card.Address) (incident.Incident, bool, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Incident{}, false, approval.ErrUnavailable
	}
	return st.OpenIncident(ctx, op, i, first, from)
}

func (s *storage) ChangeIncident(ctx context.Context, id, by string, change func(*incident.Incident) ([]incident.Event, error)) (incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Incident{}, approval.ErrUnavailable
	}
	return st.ChangeIncident(ctx, id, by, change)
}

func (s *storage) TakeAlerts(ctx context.Context, batch []incident.Gathered, rules incident.Rules) (incident.Receipt, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Receipt{}, approval.ErrUnavailable
	}
	return st.TakeAlerts(ctx, batch, rules)
}

func (s *storage) Put(ctx context.Context, id string, events []incident.Event) (int, error) {
	st := s.open.Load()
	if st == nil {
		return 0, approval.ErrUnavailable
	}
	return st.Put(ctx, id, events)
}

func (s *storage) Incident(ctx context.Context, id string) (incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Incident{}, approval.ErrUnavailable
	}
	return st.Incident(ctx, id)
}

func (s *storage) IncidentIn(ctx context.Context, room string) (incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Incident{}, approval.ErrUnavailable
	}
	return st.IncidentIn(ctx, room)
}

func (s *storage) IncidentOf(ctx context.Context, service string) (incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Incident{}, approval.ErrUnavailable
	}
	return st.IncidentOf(ctx, service)
}

func (s *storage) Incidents(ctx context.Context, closed bool, limit int) ([]incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.Incidents(ctx, closed, limit)
}

func (s *storage) Climbing(ctx context.Context) ([]incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.Climbing(ctx)
}

func (s *storage) Timeline(ctx context.Context, id string) ([]incident.Event, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.Timeline(ctx, id)
}

func (s *storage) AlertsOf(ctx context.Context, id string) (incident.Count, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Count{}, approval.ErrUnavailable
	}
	return st.AlertsOf(ctx, id)
}

func (s *storage) SaveIncidentCard(ctx context.Context, id, role string, at card.Address) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveIncidentCard(ctx, id, role, at)
}

func (s *storage) ClaimIncidentCard(ctx context.Context, id, role string) (bool, error) {
	st := s.open.Load()
	if st == nil {
		return false, approval.ErrUnavailable
	}
	return st.ClaimIncidentCard(ctx, id, role)
}

func (s *storage) FreeIncidentCard(ctx context.Context, id, role string) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.FreeIncidentCard(ctx, id, role)
}

func (s *storage) IncidentCards(ctx context.Context, id string) (map[string]card.Address, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.IncidentCards(ctx, id)
}
