package handlers

import (
	"cmp"
	"context"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// liveCard is a card that fills while checks finish. It is shown only when the answer takes longer than [patience], and edited no more
// often than [editEvery].
type liveCard struct {
	talk Conversation
	svc  catalog.Service
	// doing is what is under way: "Checking backend".
	doing   redact.Text
	started time.Time
	now     func() time.Time
	// after is how long the answer may take before the card is shown; [patience] when it is zero.
	after time.Duration
	at    card.Address
	shown bool
}

// fill runs checks and shows what has come so far. A message that cannot be posted does not stop the checks: finish says it. checks may call each
// from several goroutines at once, also after it has returned.
func fill[T any](ctx context.Context, l *liveCard, checks func(each func(finding.Finding)) T) T {
	news := make(chan finding.Finding, 256) // more than there are checks, so that none waits for Slack
	result := make(chan T, 1)
	broken := make(chan any, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				broken <- p // for the caller's goroutine, where Handle catches it
			}
		}()
		result <- checks(func(f finding.Finding) {
			select {
			case news <- f:
			default: // progress is a courtesy; the result has it all
			}
		})
	}()
	var sofar []finding.Finding
	show := time.NewTimer(cmp.Or(l.after, patience))
	defer show.Stop()
	for {
		select {
		case all := <-result:
			return all
		case p := <-broken:
			panic(p)
		case f := <-news:
			sofar = append(sofar, f)
		case <-show.C:
			l.progress(ctx, sofar)
			show.Reset(editEvery)
		}
	}
}

func (l *liveCard) progress(ctx context.Context, sofar []finding.Finding) {
	c := card.Card{
		Title:   redact.F("%s · %s/%s", l.svc.Name, l.svc.Cluster, l.svc.Namespace),
		State:   card.Running,
		Verdict: redact.F("%s: %s back after %d s", l.doing, counted(len(sofar), "check"), int(l.now().Sub(l.started).Seconds())),
		Parts:   []card.Part{{Findings: sofar}},
	}
	if len(sofar) == 0 {
		c.Parts = nil
		c.Verdict = redact.F("%s: %s so far", l.doing, incident.Span(l.now().Sub(l.started)))
	}
	if !l.shown {
		at, err := l.talk.Say(ctx, "", c)
		l.at, l.shown = at, err == nil
		return
	}
	// A lost edit is made good by the next one, at the latest by finish.
	_ = l.talk.Update(ctx, l.at, c)
}

// read runs one read and shows that it is under way. When it fails, a card that was shown does not look as if it went on; why is for the caller to
// say.
func read[T any](ctx context.Context, l *liveCard, f func() (T, error)) (T, error) {
	type answer struct {
		t   T
		err error
	}
	a := fill(ctx, l, func(func(finding.Finding)) answer {
		t, err := f()
		return answer{t, err}
	})
	if a.err != nil && l.shown {
		_, _ = l.finish(ctx, card.Card{Title: redact.F("%s · %s/%s", l.svc.Name, l.svc.Cluster, l.svc.Namespace), State: card.Warn, Verdict: redact.F("%s: it did not work", l.doing)})
	}
	return a.t, a.err
}

// aside shows progress to whoever asks alone, once: where the answer will stand is not known yet.
type aside struct{ Conversation }

func (a aside) Say(ctx context.Context, _ string, c card.Card) (card.Address, error) {
	return card.Address{}, a.Whisper(ctx, c)
}

func (aside) Update(context.Context, card.Address, card.Card) error { return nil }

// finish puts the whole answer in the card's place.
func (l *liveCard) finish(ctx context.Context, c card.Card) (card.Address, error) {
	if l.shown {
		return l.at, l.talk.Update(ctx, l.at, c)
	}
	return l.talk.Say(ctx, "", c)
}
