package store_test

import (
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/store"
)

func TestAPrivateDatabaseKeepsItsData(t *testing.T) {
	t.Parallel()
	dir := privateDir(t)
	for run := 1; run <= 2; run++ {
		url, stop, err := store.Private(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Note(t.Context(), "started", "svcdown", "", run); err != nil {
			t.Error(err)
		}
		if n, err := s.VerifyAudit(t.Context()); n != run || err != nil {
			t.Errorf("run %d: want %d entries, got %d, %v", run, run, n, err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}
