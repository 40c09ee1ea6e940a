package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// Incidents stores incidents. Every method that changes one also inserts the jobs that show it and climb its ladder; an error means that
// nothing of it happened.
type Incidents interface {
	// OpenIncident stores i, unless an open one has its key: that is returned then, not fresh. A second call with the same op returns what
	// the first one stored.
	OpenIncident(ctx context.Context, op string, i incident.Incident, first incident.Event, from card.Address) (stored incident.Incident, fresh bool, err error)
	// ChangeIncident locks the incident and hands it to change. A refusal stores nothing and is returned.
	ChangeIncident(ctx context.Context, id, by string, change func(*incident.Incident) ([]incident.Event, error)) (incident.Incident, error)
	// TakeAlerts stores a batch of alerts at the incidents that they belong to, in one transaction.
	TakeAlerts(ctx context.Context, batch []incident.Gathered, rules incident.Rules) (incident.Receipt, error)
	// Put adds events to a timeline; those whose Op stands there are left out.
	Put(ctx context.Context, id string, events []incident.Event) (fresh int, err error)
	IncidentReader
	IncidentCards
}

// IncidentReader reads incidents. What is not there is [approval.ErrNotFound].
type IncidentReader interface {
	Incident(ctx context.Context, id string) (incident.Incident, error)
	// IncidentIn is the incident of a channel, IncidentOf the newest of a service that is not closed.
	IncidentIn(ctx context.Context, room string) (incident.Incident, error)
	IncidentOf(ctx context.Context, service string) (incident.Incident, error)
	// Incidents lists those that are not closed, or all.
	Incidents(ctx context.Context, closed bool, limit int) ([]incident.Incident, error)
	// Climbing lists those that are being escalated: people work on them, and nobody has taken them in the present round.
	Climbing(ctx context.Context) ([]incident.Incident, error)
	Timeline(ctx context.Context, id string) ([]incident.Event, error)
	AlertsOf(ctx context.Context, id string) (incident.Count, error)
}

// IncidentCards remembers where the cards of an incident stand, and by the same token what was done for it already.
type IncidentCards interface {
	SaveIncidentCard(ctx context.Context, id, role string, at card.Address) error
	IncidentCards(ctx context.Context, id string) (map[string]card.Address, error)
	// ClaimIncidentCard gives what is done once to one bot for a while; false when it was done. [approval.Later] while another bot is at it.
	// FreeIncidentCard gives it back undone.
	ClaimIncidentCard(ctx context.Context, id, role string) (bool, error)
	FreeIncidentCard(ctx context.Context, id, role string) error
}

// ActionItems stores what people will do after an incident.
type ActionItems interface {
	// AddItem stores item under a number, with the event that told makes of it and its reminders, in one transaction. A second call with the same
	// op returns what the first one stored.
	AddItem(ctx context.Context, op string, item incident.ActionItem, remind map[incident.Reminder]time.Time, told func(incident.ActionItem) incident.Event) (incident.ActionItem, error)
	// ChangeItem locks the item and hands it to change. With another owner or day it is reminded of anew, at the times of remind. A refusal stores
	// nothing and is returned.
	ChangeItem(ctx context.Context, id int64, remind func(due string) map[incident.Reminder]time.Time, change func(*incident.ActionItem) (incident.Event, error)) (incident.ActionItem, error)
	Item(ctx context.Context, id int64) (incident.ActionItem, error)
	// Items lists all of them: what is open first, then by their last day.
	Items(ctx context.Context, f incident.ItemFilter) ([]incident.ActionItem, error)
}

// ItemReminders keeps a reminder of an action item from being told twice.
type ItemReminders interface {
	// ClaimReminder gives its telling to one bot for a while; false when it was told. [approval.Later] while another bot is at it.
	ClaimReminder(ctx context.Context, id int64, r incident.Reminder) (bool, error)
	SaveReminded(ctx context.Context, id int64, r incident.Reminder) error
}

// ErrRoomTaken says that somebody else's channel has that name.
var ErrRoomTaken = errors.New("another channel has that name")

// ErrNoRoom says that Slack will make no such channel, however often it is asked: it is not allowed here.
var ErrNoRoom = errors.New("channels cannot be made here")

// Rooms are channels of our own. Every method may be called again for what is done already.
type Rooms interface {
	// OpenRoom makes a channel, or finds the one of that name that we made before. [ErrRoomTaken], [ErrNoRoom].
	OpenRoom(ctx context.Context, name string, private bool) (channel string, err error)
	// Invite brings people in; who cannot come is left out and named in the error.
	Invite(ctx context.Context, channel string, people []catalog.SlackID) error
	// Furnish sets what a channel has apart from its messages. Zero fields of f are left as they are.
	Furnish(ctx context.Context, channel string, f Furniture) error
	// Archive closes a channel for good.
	Archive(ctx context.Context, channel string) error
}

// Canvases are documents in channels that people write on together.
type Canvases interface {
	// WriteCanvas puts a document into a channel and returns the address under which people open it. Called again with the same title it finds
	// the first one and leaves it as it is. [*NoCanvas] when there will be none, however often it is asked for.
	WriteCanvas(ctx context.Context, channel string, title, markdown redact.Text) (url string, err error)
}

// NoCanvas says that Slack takes no canvas here.
type NoCanvas struct {
	Why redact.Text
	Err error
}

func (e *NoCanvas) Error() string { return "write a canvas: " + e.Err.Error() }

func (e *NoCanvas) Unwrap() error { return e.Err }

// Furniture is what a channel has apart from its messages.
type Furniture struct {
	Topic string
	Links []catalog.Link
	Pin   card.Address // a message of ours
}

// Pager wakes people through another system than Slack. Every method may be called again with the same arguments after a crash or a lost
// answer and must not wake anybody twice for it. An error is temporary, unless it has Lasting() true: the call is repeated, and nothing else of the
// incident waits for it.
type Pager interface {
	// Page wakes the people of p. An error with Lasting() true says that it went out and will never reach some of them, whom it names.
	Page(ctx context.Context, p incident.Page) error
	// Acknowledge tells the pager that somebody has taken the incident, so that it stops calling.
	Acknowledge(ctx context.Context, incidentID, by string) error
	// Resolve ends every page of the incident.
	Resolve(ctx context.Context, incidentID string) error
}

// PagerAcks says who took a page at the pager; it is asked where the pager does not tell by itself.
type PagerAcks interface {
	// TakenBy names who took the page, "" while nobody has.
	TakenBy(ctx context.Context, p incident.Page) (string, error)
}
