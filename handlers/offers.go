package handlers

import (
	"fmt"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// offers collects the buttons of what helps, the best first and each change of a service once.
type offers struct {
	svc  catalog.Service // that the card is about
	list []card.Button
	made map[string]bool
}

// mostOffers is how many changes stand on a card.
const mostOffers = 4

// add offers a verb for a service. A rollback is bound to the revision that is shown: once somebody has gone back, the same button must not lead
// on to yet another one.
func (o *offers) add(h finding.Hypothesis, service string) {
	var label redact.Text
	value := service
	switch h.Verb {
	case string(catalog.Restart):
		label = redact.Const("Restart")
	case string(catalog.Rollback):
		label = redact.Const("Roll back")
	case string(catalog.DeletePod):
		label = redact.Const("Delete the pod")
	case "triage":
		label = redact.Const("Triage")
	default:
		return
	}
	if o.made == nil {
		o.made = map[string]bool{}
	}
	if o.made[h.Verb+" "+service] || len(o.list) == mostOffers {
		return
	}
	o.made[h.Verb+" "+service] = true
	if service != o.svc.Name || h.Verb == "triage" {
		label = redact.F("%s %s", label, service)
	}
	if h.Pod != "" {
		label, value = redact.F("Delete pod %s", h.Pod), service+" "+h.Pod
	}
	if h.Verb == string(catalog.Rollback) && h.Revision > 0 {
		label, value = redact.F("%s to %s", label, h.To), goBackTo(service, h.Revision)
	}
	if h.Verb != "triage" { // which changes nothing, so that nothing is asked before it
		label = redact.F("%s…", label)
	}
	b := card.Button{Label: label, Verb: h.Verb, Value: value}
	if len(o.list) == 0 {
		b.Style = card.Primary
	}
	o.list = append(o.list, b)
}

// goBackTo is the value of a button that rolls back to one revision.
func goBackTo(service string, revision int64) string {
	return fmt.Sprintf("%s --revision %d", service, revision)
}
