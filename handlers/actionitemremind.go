package handlers

import (
	"context"
	"errors"
	"fmt"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// RemindItem is the body of the job that reminds the owner of an action item by direct message: once for each reminder, however often it is called
// and by however many bots. What is done, or is told by the later reminder anyway, is not told; nor by the timer of a day that is not its day any more.
func (d *Desk) RemindItem(ctx context.Context, id int64, r incident.Reminder, due string) error {
	item, err := d.ActionItems.Item(ctx, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil
	}
	now := d.Now().In(d.Catalog().Zone())
	if err != nil || !item.Done.IsZero() || due != "" && due != item.Due || r == incident.RemindBefore && item.Overdue(now) {
		return err
	}
	ours, err := d.ItemReminders.ClaimReminder(ctx, id, r)
	if err != nil || !ours {
		return err
	}
	if err := d.remindOwner(ctx, item, r); err != nil {
		var l interface{ Lasting() bool }
		if !errors.Is(err, ErrGone) && (!errors.As(err, &l) || !l.Lasting()) {
			return err
		}
		d.Log.Warn().Err(err).Int64("item", id).Str("owner", item.Owner).Msg("the owner of an action item cannot be reminded, and never will be")
	}
	return d.ItemReminders.SaveReminded(ctx, id, r)
}

func (d *Desk) remindOwner(ctx context.Context, item incident.ActionItem, r incident.Reminder) error {
	to, ok := d.slackOf(item.Owner)
	if !ok {
		return fmt.Errorf("remind %s: svcdown.yaml knows no Slack account: %w", item.Owner, ErrGone)
	}
	talk, err := d.Talk.Direct(ctx, catalog.SlackID{Team: to.Team, User: to.User})
	if err != nil {
		return err
	}
	c := card.Card{Title: redact.F("%s · action item %d", item.Incident, item.ID), State: card.Waiting, Verdict: redact.F("Due on %s: %s", item.Due, item.Text),
		Buttons: []card.Button{{Label: redact.Const("Done"), Verb: "action", Value: fmt.Sprintf("done %d", item.ID)}}}
	if r == incident.RemindOverdue {
		c.State, c.Verdict = card.Warn, redact.F("Overdue since %s: %s", item.Due, item.Text)
	}
	_, err = talk.Say(ctx, fmt.Sprintf("item:%d:%s", item.ID, r), c)
	return err
}
