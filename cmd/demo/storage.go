package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/svcdown/svcdown/store/postgres"
)

// databases is where the bot's databases are.
type databases struct{ postgres, redis string }

// storage starts Postgres and Redis on sockets in a temporary folder: the path of a socket must be short, and Postgres, which does not run
// as root, could not enter a clone in /root. Every demo starts with empty databases, as its Kubernetes and its Slack do.
func (d *demo) storage(ctx context.Context) (databases, error) {
	dir, err := d.scratch()
	if err != nil {
		return databases{}, err
	}
	server, err := postgres.Start(ctx, postgres.Options{Dir: filepath.Join(dir, "postgres"), Fast: true})
	if err != nil {
		return databases{}, err
	}
	d.push(func() { _ = server.Stop() })
	socket := filepath.Join(dir, "redis.sock")
	_, err = d.spawn("redis", exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no"))
	if err != nil {
		return databases{}, err
	}
	err = until(ctx, 20*time.Second, func() error {
		_, err := os.Stat(socket)
		return err
	})
	return databases{postgres: server.URL("postgres"), redis: "unix://" + socket}, err
}

// scratch makes the temporary folder, found again through the link .demo/data, and removes the one that a killed demo left.
func (d *demo) scratch() (string, error) {
	link := filepath.Join(d.dir, "data")
	if left, err := os.Readlink(link); err == nil && filepath.Dir(left) == filepath.Clean(os.TempDir()) {
		if err := os.RemoveAll(left); err != nil {
			return "", fmt.Errorf("remove what the demo before left: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "svcdown-demo-")
	if err != nil {
		return "", err
	}
	d.push(func() {
		_ = os.RemoveAll(dir)
		_ = os.Remove(link)
	})
	if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	if err := os.Symlink(dir, link); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711) // Postgres' account passes through
}

// until tries again until try succeeds, the time is over or ctx ends.
func until(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
