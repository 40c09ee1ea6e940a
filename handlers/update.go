package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// Update is what customers are told once.
type Update struct {
	Incident, State, Title, Body, Impact string
	// Components are the page's IDs of what is affected, with how each does.
	Components map[string]string
	// Key names these words: a retry tells no stakeholder a second time. Audiences are the stakeholders.
	Key       string     `json:",omitempty"`
	Audiences []Audience `json:",omitempty"`
}

// paramUpdate holds an Update as JSON in its plan.
const paramUpdate = "update"

// updateApprovers is how many people must agree to words for customers at least, whatever less the policy asks for.
const updateApprovers = 1

// theStatusPage is the system of an update, unless there are stakeholders only.
const theStatusPage = "the status page"

// maxUpdate bounds what customers are told, in characters.
const maxUpdate = 2000

// update asks to tell customers: update [ID] [STATE] [TEXT] [--eta TEXT]. Words for customers always need a second person, whatever the policy
// asks for.
func (d *Desk) update(ctx context.Context, req Request) error {
	const usage = "update [ID] [investigating|identified|monitoring|resolved] [TEXT] [--eta TEXT]"
	cat := d.Catalog()
	if _, ok := d.Outside[catalog.Publish]; !ok {
		return noOutside(redact.Const("Neither a status page nor a stakeholder"), redact.Const("Name them in svcdown.yaml under statusPage, with its token in STATUSPAGE_TOKEN, and stakeholders."))
	}
	i, err := d.which(ctx, &req, usage)
	if err == nil {
		err = d.mayRead(req, i)
	}
	if err != nil {
		return err
	}
	svc, ok := cat.Service(i.Service)
	if !ok {
		return &Problem{Code: "service", Text: redact.F("%s is of no service of svcdown.yaml, so no policy covers what customers are told and nothing was done.", i.ID), Next: redact.Const("Tell them on the status page itself.")}
	}
	u := Update{Key: newID(), Audiences: audiences(cat, svc.Name, i.Severity), Incident: i.ID, State: publicState(i.State), Impact: publicImpact(i.Severity)}
	if cat.StatusPage.Provider == "" && len(u.Audiences) == 0 {
		return &Problem{Code: "nobody", Text: redact.F("There is no status page, and no stakeholders cover %s with severity %d, so an update would reach nobody; nothing was done.", svc.Name, i.Severity),
			Next: redact.Const("Write statusPage or stakeholders into svcdown.yaml.")}
	}
	if len(req.Args) > 0 && slices.Contains(catalog.StatusStates(), strings.ToLower(req.Args[0])) {
		u.State, req.Args = strings.ToLower(req.Args[0]), req.Args[1:]
	}
	eta := oneLine(req.Flags["eta"])
	if eta != "" {
		eta = "We expect this to be fixed by " + strings.TrimSuffix(eta, ".") + "."
	}
	u.Title, u.Body = cat.StatusPage.Words(u.State, svc.Name, eta)
	if typed := oneLine(strings.Join(req.Args, " ")); typed != "" {
		u.Body = strings.TrimSpace(typed + " " + eta)
	}
	// Cleaned before it is stored: what the approvers see is what customers read, to the letter.
	u.Title, u.Body = redact.F("%s", u.Title).String(), redact.F("%s", u.Body).String()
	if n := len([]rune(u.Body)); n > maxUpdate {
		return &Problem{Code: "too-long", Text: redact.F("That has %d characters, more than %d; nothing was done.", n, maxUpdate)}
	}
	for _, id := range svc.StatusComponents {
		if u.Components == nil {
			u.Components = map[string]string{}
		}
		u.Components[id] = publicStatus(u.State, i.Severity)
	}
	return d.ask(ctx, req, wish{action: catalog.Publish, svc: svc, approvers: updateApprovers, plan: func(Cluster, catalog.Policy, string) (plan.Plan, error) {
		return updatePlan(svc, u, cat.StatusPage.Provider != "", d.Now())
	}})
}

func updatePlan(svc catalog.Service, u Update, page bool, now time.Time) (plan.Plan, error) {
	raw, err := json.Marshal(u)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("plan an update: %w", err)
	}
	system := theStatusPage
	if !page {
		system = "the stakeholders"
	}
	p, err := outsidePlan(catalog.Publish, svc, system, "Incident", u.Incident, map[string]string{paramUpdate: string(raw)}, now)
	if err != nil {
		return plan.Plan{}, err
	}
	text := fmt.Sprintf("%s (%s, impact %s)\n%s", u.Title, u.State, u.Impact, u.Body)
	for _, id := range svc.StatusComponents {
		text += fmt.Sprintf("\ncomponent %s: %s", id, u.Components[id])
	}
	for _, a := range u.Audiences {
		text += fmt.Sprintf("\nalso to %s: %s", a.Name, strings.Join(slices.Concat(a.Channels, a.Mails), ", "))
	}
	p.Diff = lines(text)
	p.Warnings = []redact.Text{redact.Const("Customers read this, and whoever subscribed is written to. It cannot be taken back.")}
	if !page {
		p.Warnings = []redact.Text{redact.Const("Stakeholders read this. It cannot be taken back.")}
	}
	p.Command = "write it on the status page itself"
	return p, nil
}

// UpdateOf reads the plan of an update.
func UpdateOf(p plan.Plan) (u Update, err error) {
	if err := json.Unmarshal([]byte(p.Params[paramUpdate]), &u); err != nil || u.Incident == "" || !slices.Contains(catalog.StatusStates(), u.State) {
		return Update{}, errNoPlan
	}
	return u, nil
}

func publicState(s incident.State) string {
	switch s {
	case incident.Identified, incident.Monitoring:
		return string(s)
	case incident.Resolved, incident.Closed:
		return "resolved"
	}
	return "investigating"
}

func publicImpact(severity int) string {
	switch severity {
	case 1:
		return "critical"
	case 2:
		return "major"
	case 3:
		return "minor"
	}
	return "none"
}

// publicStatus is how a component does, in the status page's words.
func publicStatus(state string, severity int) string {
	switch {
	case state == "resolved":
		return "operational"
	case severity == 1:
		return "major_outage"
	case severity == 2:
		return "partial_outage"
	}
	return "degraded_performance"
}
