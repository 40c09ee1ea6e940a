package app

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/runbooks"
)

// lateBooks reads the runbooks when somebody first asks for one: a status at the terminal does without, and reading them takes longer than its
// own reads do.
type lateBooks func() (*runbook.Library, error)

func booksLater(dir string) lateBooks {
	return sync.OnceValues(func() (*runbook.Library, error) { return runbook.NewLibrary(runbooks.Files(), dir) })
}

func (b lateBooks) All() []*runbook.Runbook {
	l, err := b()
	if err != nil {
		return nil
	}
	return l.All()
}

func (b lateBooks) Named(name string) (*runbook.Runbook, bool) {
	l, err := b()
	if err != nil {
		return nil, false
	}
	return l.Named(name)
}

func (b lateBooks) Broken() []runbook.Broken {
	l, err := b()
	if err != nil {
		return []runbook.Broken{{File: "the shipped runbooks", Why: err.Error()}}
	}
	return l.Broken()
}

// lookEvery is how often the folder of runbooks is read again. The kubelet itself takes up to a minute to change a mounted ConfigMap.
const lookEvery = 3 * time.Second

// teller tells people of a runbook that cannot be read, once however often it is called for the same content.
type teller interface {
	TellBroken(ctx context.Context, b runbook.Broken) error
}

// keepReading reads the folder again at every tick until ctx ends. What changed is logged; what is broken is told once, again after a failure.
func keepReading(ctx context.Context, books *runbook.Library, tell teller, tick <-chan time.Time, log zerolog.Logger) {
	told := map[string]bool{}
	for changed := true; ; changed = books.Reload() {
		broken := books.Broken()
		if changed {
			log.Info().Int("runbooks", len(books.All())).Int("broken", len(broken)).Msg("runbooks read")
		}
		for _, b := range broken {
			key := b.File + "\x00" + b.Sum
			if told[key] {
				continue
			}
			log.Error().Str("file", b.File).Str("why", b.Why).Bool("kept", b.Kept).Msg("a runbook cannot be used as it is now")
			if err := tell.TellBroken(ctx, b); err != nil {
				log.Warn().Err(err).Str("file", b.File).Msg("tell people of a broken runbook; tried again")
				continue
			}
			told[key] = true
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}
