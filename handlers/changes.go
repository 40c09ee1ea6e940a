package handlers

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

const (
	// defaultSpan is how far back changes looks, longestSpan how far it may.
	defaultSpan = time.Hour
	longestSpan = 7 * 24 * time.Hour
	// mostChanges is how many changes stand on a card.
	mostChanges = 20
)

// changes tells what changed around a service, and which of it may have led to the trouble there is.
func (d *Desk) changes(ctx context.Context, req Request) error {
	svc, err := d.service(req, "changes SERVICE [1h]")
	if err != nil {
		return err
	}
	span, err := spanOf(req)
	if err != nil {
		return err
	}
	look, err := d.reading(ctx, req, svc)
	if look == nil {
		return err
	}
	defer look.done()
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Reading what changed around %s", svc.Name), started: d.Now(), now: d.Now}
	c, err := read(ctx, live, func() (card.Card, error) {
		checked := make(chan []finding.Finding, 1)
		go func() { checked <- d.check(ctx, look.cl, svc, func(finding.Finding) {}) }()
		ch, err := d.changesOf(ctx, look.cl, svc, span)
		if err != nil {
			return card.Card{}, err
		}
		return changesCard(svc, span, ch, <-checked), nil
	})
	if err != nil {
		return d.wordK8s("read what changed on "+svc.Name, err, d.kubectl(svc, "rollout history "+object(svc)))
	}
	if <-look.recorded != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	_, err = live.finish(ctx, c)
	return err
}

// spanOf reads how far back to look: 30m, 2h, 1d.
func spanOf(req Request) (time.Duration, error) {
	if len(req.Args) < 2 {
		return defaultSpan, nil
	}
	text := req.Args[1]
	span, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		span = time.Duration(min(n, 1000)) * 24 * time.Hour
	}
	if err != nil || span < time.Minute || span > longestSpan {
		return 0, &Problem{Code: "usage", Text: redact.F("%q is no span of time from 1m to 7d; nothing was read.", text), Next: redact.Const("For example: changes backend 2h")}
	}
	return span, nil
}

// changesOf joins what the cluster tells with what svcdown itself carried out.
func (d *Desk) changesOf(ctx context.Context, cl Reader, svc catalog.Service, span time.Duration) (finding.Changes, error) {
	since := d.Now().Add(-span)
	ch, err := cl.Changes(ctx, svc, since)
	if err != nil {
		return ch, err
	}
	if d.Approvals == nil {
		ch.Unread = append(ch.Unread, redact.Const("svcdown's own requests: the bot is not asked"))
		return ch, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	requests, err := d.Approvals.Requests(ctx, svc.Name, false, mostChanges)
	if err != nil {
		ch.Unread = append(ch.Unread, redact.Const("svcdown's own requests: the database does not answer"))
	}
	for _, r := range requests {
		if c, ok := requestChange(r); ok && !c.When.Before(since) {
			ch.List = append(ch.List, c)
		}
	}
	slices.SortStableFunc(ch.List, func(a, b finding.Change) int { return b.When.Compare(a.When) })
	return ch, nil
}

// requestChange is a request as a change, when it reached the cluster or may have.
func requestChange(r approval.Request) (finding.Change, bool) {
	if !slices.Contains([]approval.State{approval.Executing, approval.Applied, approval.Succeeded, approval.Failed, approval.Unknown}, r.State) {
		return finding.Change{}, false
	}
	// It was carried out right after the last yes.
	when, by := r.CreatedAt, []string{}
	for _, v := range r.Votes {
		if v.Yes {
			when, by = v.At, append(by, v.Person)
		}
	}
	if r.Broken != nil {
		when, by = r.Broken.At, append(by, r.Broken.Actor.Name()+" (break-glass)")
	}
	what := redact.F("%s asked by %s: %s", verbOf(r.Plan.Action), r.Requester.Name(), r.State.Words())
	if len(by) > 0 {
		what = redact.F("%s asked by %s, approved by %s: %s", verbOf(r.Plan.Action), r.Requester.Name(), strings.Join(by, " and "), r.State.Words())
	}
	return finding.Change{When: when, Kind: finding.ChangeRequest, Object: "Request/" + r.ID, Who: "svcdown", What: what}, true
}

// changesCard says the worst suspect in the verdict, then every change in a line, newest first.
func changesCard(svc catalog.Service, span time.Duration, ch finding.Changes, findings []finding.Finding) card.Card {
	c := card.Card{
		Title: redact.F("Changes of %s · %s/%s", svc.Name, svc.Cluster, svc.Namespace), State: card.Neutral,
		Verdict: changesVerdict(svc, span, ch, findings),
		Buttons: []card.Button{{Label: redact.Const("Status"), Verb: "status", Value: svc.Name}},
	}
	if part := changeLines(ch.List); len(part.Facts) > 0 {
		c.Parts = append(c.Parts, part)
	}
	if ch.GitOps != "" {
		c.Notes = append(c.Notes, redact.F("%s owns it: lasting changes belong there", ch.GitOps))
	}
	if more := len(ch.List) - mostChanges; more > 0 {
		c.Notes = append(c.Notes, redact.F("and %d older ones", more))
	}
	for _, u := range ch.Unread {
		c.Notes = append(c.Notes, redact.F("not known: %s", u).Short(200))
	}
	return c
}

func changesVerdict(svc catalog.Service, span time.Duration, ch finding.Changes, findings []finding.Finding) redact.Text {
	within := redact.F("within %s", spanWords(span))
	if len(ch.List) == 0 {
		return redact.F("Nothing changed on %s %s.", svc.Name, within)
	}
	if len(diagnose.Hypotheses(svc, findings)) == 0 {
		return redact.F("%s; nothing is wrong now", lastChange(svc, ch.List[0]))
	}
	began := diagnose.Began(findings)
	suspects := diagnose.Suspects(ch.List, began)
	if len(suspects) == 0 {
		return redact.F("%s, after the trouble had begun at %s; nothing changed before", lastChange(svc, ch.List[0]), clock(began))
	}
	worst, which := suspects[0], redact.Const("Last change before the trouble")
	if slices.ContainsFunc(suspects, func(c finding.Change) bool { return c.When.After(worst.When) }) {
		which = redact.F("Likeliest of %s before the trouble", counted(len(suspects), "change"))
	}
	return redact.Join(", ", redact.F("%s: %s", which, said(worst)), diagnose.Before(worst, began))
}

// lastChange says what changed last, and when.
func lastChange(svc catalog.Service, c finding.Change) redact.Text {
	return redact.F("Last change around %s: %s", svc.Name, said(c))
}

// said is a change in one line.
func said(c finding.Change) redact.Text {
	return redact.F("%s: %s", diagnose.Headline(c), c.What.Short(160))
}

// changeLines are the changes one by one.
func changeLines(list []finding.Change) card.Part {
	var facts []card.Fact
	for i, c := range list {
		if i == mostChanges {
			break
		}
		facts = append(facts, card.Fact{Label: diagnose.Headline(c), Value: c.What.Short(300)})
	}
	return card.Part{Facts: facts}
}

func spanWords(span time.Duration) string {
	switch {
	case span == time.Hour:
		return "the last hour"
	case span%(24*time.Hour) == 0:
		return "the last " + counted(int(span/(24*time.Hour)), "day").String()
	case span%time.Hour == 0:
		return "the last " + counted(int(span/time.Hour), "hour").String()
	default:
		return "the last " + counted(int(span/time.Minute), "minute").String()
	}
}

var notRecorded = redact.Const("not being recorded: the database does not answer")

// noted records a reading command meanwhile; the answer goes on when that does not work.
func (d *Desk) noted(ctx context.Context, req Request, svc catalog.Service) <-chan error {
	recorded := make(chan error, 1)
	go func() {
		recorded <- d.note(ctx, "command", req.Actor, svc.Name, map[string]string{"ref": req.Ref, "verb": req.Verb})
	}()
	return recorded
}
