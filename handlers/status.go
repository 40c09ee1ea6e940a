package handlers

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

const (
	// maxChecking bounds the status checks under way in this process; who comes later is told so at once.
	maxChecking = 32
	// patience is how long an answer may take before a card shows its progress. Below it one finished message is quicker than two.
	patience = 400 * time.Millisecond
	// editEvery spaces the edits of a card that fills; Slack allows about one message a second in a channel.
	editEvery = time.Second
	// checkTime bounds all checks of one status together.
	checkTime = 10 * time.Second
)

// status answers what is wrong with a service: one card, live while the checks finish, with the evidence in its thread.
func (d *Desk) status(ctx context.Context, req Request) error {
	svc, err := d.service(req, "status SERVICE")
	if err != nil {
		return err
	}
	look, err := d.reading(ctx, req, svc)
	if look == nil {
		return err
	}
	defer look.done()
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Checking %s", svc.Name), started: d.Now(), now: d.Now}
	findings := fill(ctx, live, func(each func(finding.Finding)) []finding.Finding { return d.check(ctx, look.cl, svc, each) })
	c := statusCard(svc, findings, d.Now().Sub(live.started))
	c.Buttons = d.asking(c.Buttons, svc.Name)
	if err := <-look.recorded; err != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	at, err := live.finish(ctx, c)
	if err != nil {
		return err
	}
	d.remember(ctx, svc, at, c, live.started)
	d.judgedHere(ctx, req, at, svc, c.Verdict)
	if at.Thread == "" {
		at.Thread = at.Message
	}
	if e := evidenceCard(svc, findings); len(e.Parts) > 0 {
		if _, err := d.Talk.At(at).Say(ctx, "", e); err != nil {
			return err
		}
	}
	return nil
}

// reading is one look at a service that somebody asked for: its place is reserved until done, and the audit log is being told of it.
type reading struct {
	cl       Cluster
	recorded <-chan error
	done     func()
}

// reading begins a reading of svc. Without an error it is nil when somebody was pointed to the card that answers them.
func (d *Desk) reading(ctx context.Context, req Request, svc catalog.Service) (*reading, error) {
	cl, err := d.Clusters(svc.Cluster)
	if err != nil {
		return nil, d.noCluster(svc, err)
	}
	done, err := d.begin(ctx, req, svc)
	if done == nil {
		return nil, err
	}
	return &reading{cl: cl, recorded: d.noted(ctx, req, svc), done: done}, nil
}

// begin reserves the check of svc in this place. Somebody who asks the same at the same moment in the same place is pointed to the card that
// is being filled; done is nil then.
func (d *Desk) begin(ctx context.Context, req Request, svc catalog.Service) (done func(), err error) {
	free, err := d.slot()
	if err != nil {
		return nil, err
	}
	place := req.Verb + "\x00" + svc.Name + "\x00" + req.Where.Kind + req.Where.Channel + "\x00" + req.Where.Thread
	shared := req.Where.Kind == "slack" && !req.Where.Private
	d.mu.Lock()
	busy := shared && d.checking[place]
	if !busy {
		d.checking[place] = true
	}
	d.mu.Unlock()
	if busy {
		free()
		return nil, req.Talk.Whisper(ctx, card.Card{Title: redact.F("%s · %s/%s", svc.Name, svc.Cluster, svc.Namespace), State: card.Running,
			Verdict: redact.F("%s is being checked here at this moment; the card above is for you too.", svc.Name)})
	}
	return func() {
		d.mu.Lock()
		delete(d.checking, place)
		d.mu.Unlock()
		free()
	}, nil
}

// slot takes one of the checks that may run at once, or says that there are too many.
func (d *Desk) slot() (free func(), err error) {
	select {
	case d.slots <- struct{}{}:
		return func() { <-d.slots }, nil
	default:
		return nil, &Problem{Code: "busy", Text: redact.Const("Too many checks run at this moment; yours was not started."), Next: redact.Const("Try again in a few seconds.")}
	}
}

// check runs the cluster's checks and the health URLs at once. each is called serially.
func (d *Desk) check(ctx context.Context, cl Reader, svc catalog.Service, each func(finding.Finding)) []finding.Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var mu sync.Mutex
	one := func(f finding.Finding) {
		mu.Lock()
		defer mu.Unlock()
		each(f)
	}
	probes := make([]finding.Finding, len(svc.Health))
	var wg sync.WaitGroup
	for i, url := range svc.Health {
		wg.Go(func() {
			probes[i] = d.Probe.Probe(ctx, url)
			one(probes[i])
		})
	}
	findings := cl.Status(ctx, svc, one)
	wg.Wait()
	return append(findings, probes...)
}

// statusCard is the whole answer.
func statusCard(svc catalog.Service, findings []finding.Finding, took time.Duration) card.Card {
	status, verdict := diagnose.Verdict(svc, findings)
	c := card.Card{
		Title:   redact.F("%s · %s/%s", svc.Name, svc.Cluster, svc.Namespace),
		State:   stateOf(status),
		Verdict: named(svc, verdict),
		Parts:   []card.Part{{Findings: findings}},
		Buttons: statusButtons(svc, status, findings, diagnose.Hypotheses(svc, findings)),
		Notes:   []redact.Text{redact.F("%d checks in %d ms", len(findings), took.Milliseconds())},
	}
	return c
}

// named puts the service's name first: a lock screen shows the verdict alone, and little of it.
func named(svc catalog.Service, verdict redact.Text) redact.Text {
	if s := verdict.String(); strings.HasPrefix(s, svc.Name+" ") || strings.HasPrefix(s, svc.Name+":") {
		return verdict
	}
	return redact.F("%s: %s", svc.Name, verdict)
}

func stateOf(s finding.Status) card.State {
	switch s {
	case finding.OK:
		return card.OK
	case finding.Fail:
		return card.Fail
	default:
		return card.Warn
	}
}

// statusButtons offers what fits: the best hypothesis' action first, a restart when something is wrong, the logs always.
func statusButtons(svc catalog.Service, status finding.Status, findings []finding.Finding, hypotheses []finding.Hypothesis) []card.Button {
	o := offers{svc: svc}
	for _, h := range hypotheses {
		if h.Verb != string(catalog.Rollback) || svc.Workload.Kind == "Deployment" {
			o.add(h, svc.Name)
		}
	}
	if status == finding.Fail || status == finding.Warn {
		verb, pod := diagnose.Anew(svc, findings)
		o.add(finding.Hypothesis{Verb: verb, Pod: pod}, svc.Name)
	}
	out := o.list
	out = append(out, card.Button{Label: redact.Const("Logs"), Verb: "logs", Value: svc.Name})
	if status == finding.Fail {
		out = append(out, card.Button{Label: redact.Const("Logs before the crash"), Verb: "logs", Value: svc.Name + " --previous"})
	}
	if status != finding.OK {
		out = append(out, card.Button{Label: redact.Const("Triage"), Verb: "triage", Value: svc.Name})
	}
	out = append(out, card.Button{Label: redact.Const("Check again"), Verb: "status", Value: svc.Name})
	if status == finding.Fail {
		out = append(out, openButton(svc))
	}
	return out
}

// evidenceCard is what the findings rest on, and the hypotheses with what speaks for them; it goes into the thread.
func evidenceCard(svc catalog.Service, findings []finding.Finding) card.Card {
	c := card.Card{Title: redact.F("Details of %s", svc.Name), State: card.Neutral, Verdict: redact.F("What the checks of %s saw", svc.Name)}
	for _, h := range diagnose.Hypotheses(svc, findings) {
		c.Parts = append(c.Parts, card.Part{Text: redact.Join("\n", redact.F("Likely: %s", h.Cause), prefix("For: ", h.For), prefix("Against: ", h.Against), redact.F("What helps: %s", h.Do))})
	}
	for _, f := range findings {
		for _, e := range f.Evidence {
			switch {
			case e.Table != nil:
				c.Parts = append(c.Parts, card.Part{Text: e.Title}, card.Part{Table: e.Table})
			case !e.Code.Empty():
				c.Parts = append(c.Parts, card.Part{Code: &card.Code{Title: e.Title, Text: e.Code}})
			}
		}
	}
	return c
}

func prefix(label string, lines []redact.Text) redact.Text {
	if len(lines) == 0 {
		return redact.Text{}
	}
	return redact.F("%s%s", label, redact.Join("; ", lines...))
}

// noCluster says that a cluster cannot be talked to.
func (d *Desk) noCluster(svc catalog.Service, err error) error {
	return &Problem{Code: "no-cluster", Text: redact.F("I cannot reach cluster %q of %s; nothing was checked or changed.", svc.Cluster, svc.Name),
		Next: redact.F("By hand: %s", d.kubectl(svc, "get pods")), Err: err}
}

// asking puts a question before buttons whose policy wants no second person: there the click itself is the decision.
func (d *Desk) asking(buttons []card.Button, service string) []card.Button {
	for i, b := range buttons {
		policy, ok := d.Catalog().Policy(catalog.Action(b.Verb), service)
		if !ok || !policy.Approvals.None {
			continue
		}
		buttons[i].Confirm = &card.Confirm{
			Title: redact.F("%s %s?", title(catalog.Action(b.Verb)), service),
			Body:  redact.F("%s. Policy %q asks nobody else: it is carried out at once.", strings.TrimSuffix(b.Label.String(), "…"), policy.Name), Yes: redact.Const("Do it"),
		}
	}
	return buttons
}
