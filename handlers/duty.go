package handlers

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// duty ticks what somebody who was called has to do, or takes the tick back.
func (d *Desk) duty(ctx context.Context, req Request) error {
	const usage = "duty [ID] LEVEL N done|reopen"
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, args []string) (incident.Event, error) {
		if len(args) != 3 {
			return incident.Event{}, usageProblem("Which duty of which level, and what of it? Nothing was ticked.", usage)
		}
		level, errLevel := strconv.Atoi(args[0])
		n, errN := strconv.Atoi(args[1])
		what := strings.ToLower(args[2])
		if errLevel != nil || errN != nil || what != "done" && what != "reopen" {
			return incident.Event{}, usageProblem("LEVEL and N are numbers, and a duty is done or taken up again; nothing was ticked.", usage)
		}
		return i.Tick(level, n, what == "done", req.Actor.Name(), d.Now())
	})
}

// dutyItem is a duty of a level with its button.
func dutyItem(i incident.Incident, r incident.Rung, n int) *card.Item {
	it := &card.Item{Line: redact.F("%s", r.Duties[n-1])}
	label, what := redact.Const("Done"), "done"
	if t, ok := r.Ticked(n); ok {
		it.Mark, it.More = card.MarkDone, redact.F("%s at %s UTC", t.By, clock(t.At))
		label, what = redact.Const("Not done yet"), "reopen"
	}
	if i.State != incident.Closed && i.Climb.Counts(r) {
		it.Buttons = []card.Button{{Label: label, Verb: "duty", Value: fmt.Sprintf("%s %d %d %s", i.ID, r.Level, n, what)}}
	}
	return it
}
