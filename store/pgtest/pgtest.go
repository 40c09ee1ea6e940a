package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/store/postgres"
)

// Server is one private Postgres with a migrated template. Its Pause, Kill, Stop and Resume make outages; those concern every database on
// it, so a test that uses them starts a Server of its own.
type Server struct {
	*postgres.Server
	dir  string
	next atomic.Int64
}

const template = "template_svcdown"

// Start starts a Server. Without Postgres on the computer it fails and says what to install. Close must be called, as in TestMain:
//
//	func TestMain(m *testing.M) {
//		server, err := pgtest.Start(context.Background())
//		…
//	}
func Start(ctx context.Context) (*Server, error) {
	dir, err := os.MkdirTemp("", "svcdown-pg-")
	if err != nil {
		return nil, err
	}
	pg, err := postgres.Start(ctx, postgres.Options{Dir: dir, Fast: true})
	if err != nil {
		_ = os.RemoveAll(dir) // the first error is the one to tell
		return nil, err
	}
	s := &Server{Server: pg, dir: dir}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) migrate(ctx context.Context) error {
	if err := s.exec(ctx, "create database "+template); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: s.URL(template), Log: zerolog.Nop(), Now: time.Now})
	if err != nil {
		return err
	}
	return db.Stop(ctx)
}

func (s *Server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		_ = conn.Close(ctx) // the first error is the one to tell
		return fmt.Errorf("%s: %w", sql, err)
	}
	return conn.Close(ctx)
}

// NewDatabase makes a database for one test, migrated, and returns its address. It goes with the Server.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	url, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// Database is NewDatabase for callers without a testing.TB.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := fmt.Sprintf("test_%d", s.next.Add(1))
	if err := s.exec(ctx, "create database "+name+" template "+template); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return s.URL(name), nil
}

// EmptyDatabase makes a database that was never migrated.
func (s *Server) EmptyDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("empty_%d", s.next.Add(1))
	if err := s.exec(t.Context(), "create database "+name); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	return s.URL(name)
}

// Close kills the Server and removes its data.
func (s *Server) Close() error {
	if err := s.Kill(); err != nil {
		return err
	}
	return os.RemoveAll(s.dir)
}
