package app

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/runbook"
)

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
