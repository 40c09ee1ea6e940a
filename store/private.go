package store

import (
	"context"

	"github.com/svcdown/svcdown/store/postgres"
)

// Private runs the system's own Postgres for this bot alone, with its data in dir, and returns the address of its database: for the demo and
// for small installs without DATABASE_URL. stop shuts it down in order; call it after [Store.Stop]. It ends with this process on Linux.
func Private(ctx context.Context, dir string) (url string, stop func() error, err error) {
	server, err := postgres.Start(ctx, postgres.Options{Dir: dir})
	if err != nil {
		return "", nil, err
	}
	return server.URL("postgres"), server.Stop, nil
}
