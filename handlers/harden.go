package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/harden"
	"github.com/svcdown/svcdown/redact"
)

// harden tells how well a service is protected against its next outage, with the YAML that mends each gap in files of the thread. It reads and
// changes nothing.
func (d *Desk) harden(ctx context.Context, req Request) error {
	svc, err := d.service(req, "harden SERVICE")
	if err != nil {
		return err
	}
	look, err := d.reading(ctx, req, svc)
	if look == nil {
		return err
	}
	defer look.done()
	shown := d.certificates(ctx, svc)
	p, err := look.cl.Protection(ctx, svc)
	if err != nil {
		return d.wordK8s("read the protection of "+svc.Name, err, d.kubectl(svc, "describe "+object(svc)))
	}
	now := d.Now()
	r := harden.Judge(harden.Case{Service: svc, Dependents: d.dependents(svc), Protection: p, Certificates: <-shown, Watched: d.Catalog().Probes.Watch != nil, Now: now})
	files := r.Files("harden-"+strings.ReplaceAll(svc.Name, "/", "-")+"-"+now.UTC().Format("20060102-150405"), strings.TrimSpace(d.kubectl(svc, "")))
	c := hardenCard(svc, p.GitOps, r, len(files))
	if <-look.recorded != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	at, err := req.Talk.Say(ctx, "", c)
	if err != nil {
		return err
	}
	thread := d.Talk.At(below(at))
	for _, f := range files {
		if err := thread.Upload(ctx, card.File{Name: f.Name, Title: f.Title, Content: f.Content}); err != nil {
			return err
		}
	}
	return nil
}

// certificates asks every health URL that speaks TLS for its certificate, side by side.
func (d *Desk) certificates(ctx context.Context, svc catalog.Service) <-chan []finding.Certificate {
	out := make(chan []finding.Certificate, 1)
	go func() {
		all := make([]*finding.Certificate, len(svc.Health))
		var asking sync.WaitGroup
		for i, u := range svc.Health {
			asking.Go(func() {
				if c, ok := d.Probe.Certificate(ctx, u); ok {
					all[i] = &c
				}
			})
		}
		asking.Wait()
		var seen []finding.Certificate
		for _, c := range all {
			if c != nil && !slices.ContainsFunc(seen, func(o finding.Certificate) bool { return o.Host == c.Host }) {
				seen = append(seen, *c)
			}
		}
		out <- seen
	}()
	return out
}

// dependents are the services of the same cluster that depend on svc.
func (d *Desk) dependents(svc catalog.Service) []catalog.Service {
	var out []catalog.Service
	for _, s := range d.Catalog().Services {
		if s.Cluster == svc.Cluster && slices.Contains(s.DependsOn, svc.Name) {
			out = append(out, s)
		}
	}
	return out
}

// hardenCard says the score and the worst gap in a sentence, then every check in a line, the riskiest first.
func hardenCard(svc catalog.Service, gitOps string, r harden.Report, files int) card.Card {
	c := card.Card{
		Title: redact.F("Hardening of %s · %s/%s", svc.Name, svc.Cluster, svc.Namespace), State: card.Warn,
		Buttons: []card.Button{{Label: redact.Const("Check again"), Verb: "harden", Value: svc.Name}, {Label: redact.Const("Status"), Verb: "status", Value: svc.Name}},
	}
	var lines []finding.Finding
	unknown := 0
	for _, i := range r.Items {
		lines = append(lines, i.Finding)
		if i.Finding.Status == finding.Unknown {
			unknown++
		}
	}
	gaps := r.Gaps()
	switch {
	case r.Told == 0:
		c.Verdict = redact.F("How well %s is protected cannot be told: none of %d checks could answer", svc.Name, len(r.Items))
	case len(gaps) == 0:
		c.State, c.Verdict = card.OK, redact.F("%s scores %d of 100 against its next outage: all %d checks are ok", svc.Name, r.Score, r.Told)
	case len(gaps) == 1:
		c.Verdict = redact.F("%s scores %d of 100 against its next outage: %s", svc.Name, r.Score, gaps[0].Finding.Line.Short(160))
	default:
		c.Verdict = redact.F("%s scores %d of 100 against its next outage; the worst of %d gaps: %s", svc.Name, r.Score, len(gaps), gaps[0].Finding.Line.Short(160))
	}
	if len(lines) > 0 {
		c.Parts = []card.Part{{Findings: lines}}
	}
	if unknown > 0 && r.Told > 0 {
		c.Notes = append(c.Notes, redact.F("%d could not be told and do not count", unknown))
	}
	if len(r.Apart) > 0 {
		c.Notes = append(c.Notes, redact.F("left out: %s", redact.Join("; ", r.Apart...)))
	}
	if gitOps != "" {
		c.Notes = append(c.Notes, redact.F("%s owns it: lasting changes belong there", gitOps))
	}
	switch {
	case files > 0:
		c.Notes = append(c.Notes, redact.Const("the YAML is in the thread; nothing was changed"))
	default:
		c.Notes = append(c.Notes, redact.Const("nothing was changed"))
	}
	return c
}
