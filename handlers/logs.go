package handlers

import (
	"context"
	"fmt"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

const (
	defaultTail = 100
	maxTail     = 5000
	// inline is how many log lines stand in the message; more go up as a file.
	inline = 15
)

// logs shows the log of a service's worst pod, or of the pod and container that were named.
func (d *Desk) logs(ctx context.Context, req Request) error {
	svc, err := d.service(req, "logs SERVICE [--previous] [--tail N]")
	if err != nil {
		return err
	}
	tail, err := req.Int("tail", defaultTail, 1, maxTail)
	if err != nil {
		return err
	}
	cl, err := d.Clusters(svc.Cluster)
	if err != nil {
		return d.noCluster(svc, err)
	}
	previous := req.Flags["previous"] == "true"
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Reading the logs of %s", svc.Name), started: d.Now(), now: d.Now}
	res, err := read(ctx, live, func() (k8sops.LogResult, error) {
		return cl.Logs(ctx, svc, k8sops.LogRequest{Pod: req.Flags["pod"], Container: req.Flags["container"], Previous: previous, Tail: tail})
	})
	if err != nil {
		return d.wordK8s("read the logs of "+svc.Name, err, d.logsByHand(svc, req))
	}
	lines := res.Text.Lines()
	c := card.Card{
		Title:   redact.F("Logs of %s", svc.Name),
		State:   card.Neutral,
		Verdict: redact.F("%s, container %s%s: the last %d lines", res.Pod, res.Container, before(previous), len(lines)),
		Buttons: []card.Button{{Label: redact.Const("Status"), Verb: "status", Value: svc.Name}},
	}
	if res.Text.Empty() {
		c.Verdict = redact.F("%s, container %s%s wrote nothing.", res.Pod, res.Container, before(previous))
	} else {
		last := lines
		if len(last) > inline {
			last = last[len(last)-inline:]
			c.Notes = append(c.Notes, redact.F("the last %d lines; all %d are in the file", inline, len(lines)))
		}
		c.Parts = []card.Part{{Code: &card.Code{Text: redact.Join("\n", last...)}}}
	}
	if res.Truncated {
		c.Notes = append(c.Notes, redact.Const("cut at the size limit: older lines are missing"))
	}
	if err := d.note(ctx, "command", req.Actor, svc.Name, map[string]string{"ref": req.Ref, "verb": "logs"}); err != nil {
		c.Notes = append(c.Notes, redact.Const("not being recorded: the database does not answer"))
	}
	at, err := live.finish(ctx, c)
	if err != nil || len(lines) <= inline {
		return err
	}
	if at.Thread == "" {
		at.Thread = at.Message
	}
	return d.Talk.At(at).Upload(ctx, card.File{
		Name: fmt.Sprintf("%s-%s.log", res.Pod, res.Container), Title: redact.F("Logs of %s/%s", res.Pod, res.Container), Content: res.Text,
	})
}

func before(previous bool) string {
	if previous {
		return " before its last restart"
	}
	return ""
}

func (d *Desk) logsByHand(svc catalog.Service, req Request) string {
	args := "logs " + object(svc)
	if req.Flags["previous"] == "true" {
		args += " --previous"
	}
	return d.kubectl(svc, args)
}
