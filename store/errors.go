package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store/query"
)

// answerTime bounds every call: a person waits for the answer, and "the database does not answer" is one.
const answerTime = 3 * time.Second

// do runs f within [answerTime] and names the failures.
func (s *Store) do(ctx context.Context, action string, f func(ctx context.Context, q *query.Queries) error) error {
	bounded, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return named(ctx, action, f(bounded, query.New(s.pool)))
}

// tx is do in one transaction, which commits when f returns nil.
func (s *Store) tx(ctx context.Context, action string, f func(ctx context.Context, tx pgx.Tx, q *query.Queries) error) error {
	bounded, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return named(ctx, action, pgx.BeginFunc(bounded, s.pool, func(tx pgx.Tx) error {
		return f(bounded, tx, query.New(tx))
	}))
}

// named wraps err with the action attempted. What means that the database does not answer becomes [approval.ErrUnavailable]; caller is the
// context that the caller gave, whose own end is no fault of the database.
func named(caller context.Context, action string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s: %w", action, approval.ErrNotFound)
	case errors.Is(caller.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", action, caller.Err())
	case unavailable(err):
		return fmt.Errorf("%s: %w: %w", action, approval.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

func unavailable(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		// https://www.postgresql.org/docs/current/errcodes-appendix.html: connection exceptions, insufficient resources, operator
		// intervention (shutdown, starting up); a lock or a transaction that waited too long.
		return slices.Contains([]string{"08", "53", "57"}, answer.Code[:min(2, len(answer.Code))]) ||
			slices.Contains([]string{"55P03", "25P03", "25006"}, answer.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "closed pool") // pgx has no values to compare these with
}
