package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/store/postgres"
)

// childDir makes this test program an instance's parent, for the test that kills it.
const childDir = "SVCDOWN_POSTGRES_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if _, err := postgres.Start(context.Background(), postgres.Options{Dir: dir, Fast: true}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("started")
		select {}
	}
	os.Exit(m.Run())
}

func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "svcdown-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	return dir
}

func start(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	s, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s
}

func answers(t *testing.T, s *postgres.Server) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

func TestOutages(t *testing.T) {
	t.Parallel()
	s := start(t, scratch(t))
	if !answers(t, s) {
		t.Fatal("a started instance does not answer")
	}
	for _, outage := range []struct {
		name string
		do   func() error
	}{{"stopped", s.Stop}, {"killed", s.Kill}, {"paused", s.Pause}, {"paused, then killed", func() error {
		if err := s.Pause(); err != nil {
			return err
		}
		return s.Kill()
	}}, {"paused, then stopped", func() error {
		if err := s.Pause(); err != nil {
			return err
		}
		return s.Stop()
	}}} {
		if err := outage.do(); err != nil {
			t.Fatalf("%s: %v", outage.name, err)
		}
		if answers(t, s) {
			t.Errorf("%s: it still answers", outage.name)
		}
		if err := s.Resume(t.Context()); err != nil {
			t.Fatalf("%s: resume: %v", outage.name, err)
		}
		if !answers(t, s) {
			t.Errorf("%s: it does not answer again", outage.name)
		}
	}
}

func TestItListensOnNoPort(t *testing.T) {
	t.Parallel()
	s := start(t, scratch(t))
	conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var addresses string
	if err := conn.QueryRow(t.Context(), "show listen_addresses").Scan(&addresses); err != nil || addresses != "" {
		t.Errorf("want no address, got %q, %v", addresses, err)
	}
}

func TestASecondInstanceInOneDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	first := start(t, dir)
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, Fast: true})
	if err == nil || !strings.Contains(err.Error(), "lock file \"postmaster.pid\" already exists") {
		t.Errorf("want a refusal, got %v", err)
	}
	if !answers(t, first) {
		t.Error("the first one was disturbed")
	}
}

func TestAnInterruptedInitdbIsNotTakenForAnInstance(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	if err := os.MkdirAll(filepath.Join(dir, "fresh", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if s := start(t, dir); !answers(t, s) {
		t.Error("it does not answer")
	}
}

func TestDirectoriesThatCannotBe(t *testing.T) {
	t.Parallel()
	closed := scratch(t)
	file := filepath.Join(closed, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		filepath.Join("/tmp", strings.Repeat("x", 100)): "too long for a socket",
		file: "not a directory",
	}
	if os.Geteuid() == 0 {
		cases[filepath.Join(closed, "below")] = "may not enter" // it is root's alone
	}
	for dir, want := range cases {
		s, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, Fast: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", dir, want, err)
		}
		if err == nil {
			_ = s.Stop()
		}
	}
}

func TestAKilledParentLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), childDir+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil || strings.TrimSpace(string(line[:n])) != "started" {
		t.Fatalf("the parent says %q, %v", line[:n], err)
	}
	pid := postmaster(t, dir)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()     // killed, as ordered
	next := start(t, dir) // at once, as a supervisor would
	if !answers(t, next) {
		t.Error("the next instance does not answer")
	}
	if now := postmaster(t, dir); now == pid {
		t.Errorf("Postgres %d outlived its parent", pid)
	}
}

func postmaster(t *testing.T, dir string) (pid int) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(raw), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}
