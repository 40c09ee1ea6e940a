package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/runbook"
)

// listener hears of broken runbooks and refuses the first of them.
type listener struct {
	heard  chan string
	refuse int
}

func (l *listener) TellBroken(_ context.Context, b runbook.Broken) error {
	l.heard <- b.Name + ": " + b.Why
	if l.refuse > 0 {
		l.refuse--
		return errors.New("Slack is away")
	}
	return nil
}

func TestABrokenRunbookIsToldOnceAndAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := filepath.Join(dir, "own.md")
	write := func(text string) {
		if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# Own\n\n## First\n\ntext\n")
	books, err := runbook.NewLibrary(fstest.MapFS{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	tick := make(chan time.Time)
	l := &listener{heard: make(chan string, 10), refuse: 1}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		keepReading(ctx, books, l, tick, zerolog.Nop())
	}()
	const why = "own: there is no command and no text in it"
	tick <- time.Time{} // nothing is wrong
	write("")
	tick <- time.Time{} // refused
	tick <- time.Time{} // told
	tick <- time.Time{} // known
	write("\n\n")
	tick <- time.Time{} // other broken content
	tick <- time.Time{}
	stop()
	<-ended
	close(l.heard)
	var got []string
	for s := range l.heard {
		got = append(got, s)
	}
	if diff := cmp.Diff([]string{why, why, why}, got); diff != "" {
		t.Error(diff)
	}
	if b, ok := books.Named("own"); !ok || b.Title != "Own" {
		t.Errorf("the last good text is gone: %v", b)
	}
}
