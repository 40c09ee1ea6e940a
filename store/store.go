package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/store/query"
)

// Config says which database, and by which clock.
type Config struct {
	URL string // postgres://…
	Log zerolog.Logger
	// Now judges what is due to people: expiry and reminders. Leases go by the database's clock.
	Now func() time.Time
}

// Store is one bot's access to the database. It is safe for concurrent use. While the database does not answer, every method returns
// [approval.ErrUnavailable] within about three seconds; it works again by itself when the database does.
type Store struct {
	pool *pgxpool.Pool
	log  zerolog.Logger
	now  func() time.Time
	id   string // this process among the bots on the database

	inserter *river.Client[pgx.Tx] // inserts jobs, also before Start

	started sync.Mutex
	worker  *river.Client[pgx.Tx]
	beating context.CancelFunc
	beats   sync.WaitGroup
}

// maxConns bounds the connections of one bot: jobs hold none while they talk to Slack or Kubernetes, and each costs memory on both sides.
const maxConns = 10

// Open connects and brings the schema up to date. It may be called at the same moment by several bots on one database. On an error nothing
// stays open: it may be called again.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		// Not wrapped: the parser quotes the URL, and what it takes for the password may not be the password.
		return nil, errors.New("DATABASE_URL is no database address; write postgres://USER:PASSWORD@HOST:5432/DATABASE")
	}
	pc.MaxConns = maxConns
	pc.ConnConfig.ConnectTimeout = answerTime
	// A bot that stands still in the middle of a transaction must not hold up the others.
	pc.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "5000"
	pc.ConnConfig.RuntimeParams["application_name"] = "svcdown"
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, named(ctx, "open the database", err)
	}
	s := &Store{pool: pool, log: cfg.Log, now: cfg.Now, id: rand.Text()}
	if err := s.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, s.pool, s.riverLog()); err != nil {
		return named(ctx, "migrate the database", err)
	}
	inserter, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{Logger: s.riverLog()})
	if err != nil {
		return fmt.Errorf("make the job queue: %w", err)
	}
	s.inserter = inserter
	return nil
}

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, "reach the database", func(ctx context.Context, _ *query.Queries) error { return s.pool.Ping(ctx) })
}

// Stop lets running jobs end until ctx is over, then cancels them, and closes the connections. What was cancelled is found again by the
// next start. The Store is of no use afterwards.
func (s *Store) Stop(ctx context.Context) error {
	s.started.Lock()
	defer s.started.Unlock()
	var err error
	if s.worker != nil {
		if err = s.worker.Stop(ctx); err != nil {
			// ctx is over; this one cancels the jobs and waits for them to notice.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
			err = errors.Join(err, s.worker.StopAndCancel(last))
			cancel()
		}
		s.worker = nil
	}
	if s.beating != nil {
		s.beating()
		s.beats.Wait()
		s.beating = nil
	}
	s.pool.Close()
	return err
}

// riverLog hands River's own lines to zerolog, warnings and worse.
func (s *Store) riverLog() *slog.Logger {
	return slog.New(zerolog.NewSlogHandler(s.log.Level(max(zerolog.WarnLevel, s.log.GetLevel()))))
}
