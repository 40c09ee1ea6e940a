package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// Snapshots keeps the group memberships for the time when Slack does not answer.
type Snapshots interface {
	SaveGroups(ctx context.Context, members map[string][]catalog.SlackID, asOf time.Time) error
	LoadGroups(ctx context.Context) (members map[string][]catalog.SlackID, asOf time.Time, err error)
}

const (
	// retryAfter is how long Slack is not asked again for groups that it refused to tell.
	retryAfter = 2 * time.Second
	// accountFresh and accountUsable are the same for accounts: asked again after the one, not believed after the other.
	accountFresh  = 30 * time.Second
	accountUsable = time.Hour
	saveEvery     = time.Minute
)

// Directory says who is who in Slack. It is safe for concurrent use.
type Directory struct {
	bot *Bot

	mu      sync.Mutex // held while Slack is asked: whoever comes meanwhile wants the same answer
	wanted  []string
	members map[string][]catalog.SlackID
	asOf    time.Time // zero: nothing is known
	seen    int64     // changes that members include
	failed  time.Time
	saved   time.Time
	// changes counts Slack's events about groups. It is not under mu, so that an event never waits for Slack.
	changes atomic.Int64

	accounts sync.Map // user ID → knownAccount
}

type knownAccount struct {
	account handlers.Account
	asOf    time.Time
}

var _ handlers.Directory = (*Directory)(nil)

// Groups returns the members of user groups and when Slack said so: at most maxAge ago, or, while Slack is away, as the last snapshot has it.
// A group that Slack does not list has no members. An error means that there is no answer at all.
func (d *Directory) Groups(ctx context.Context, ids []string, maxAge time.Duration) (map[string][]catalog.SlackID, time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	news := false
	for _, id := range ids {
		if !slices.Contains(d.wanted, id) {
			d.wanted, news = append(d.wanted, id), true
		}
	}
	now := d.bot.cfg.Now()
	if news || d.changes.Load() != d.seen || now.Sub(d.asOf) >= maxAge {
		if err := d.refresh(ctx, now); err != nil && d.asOf.IsZero() {
			if loadErr := d.load(ctx); loadErr != nil {
				return nil, time.Time{}, fmt.Errorf("read the user groups: %w", errors.Join(err, loadErr))
			}
		}
	}
	out := make(map[string][]catalog.SlackID, len(ids))
	for _, id := range ids {
		out[id] = slices.Clone(d.members[id])
	}
	return out, d.asOf, nil
}

// refresh asks Slack, unless it has just not answered. The caller holds mu.
func (d *Directory) refresh(ctx context.Context, now time.Time) error {
	if now.Sub(d.failed) < retryAfter {
		return errors.New("Slack did not answer a moment ago")
	}
	seen := d.changes.Load() // before asking: what changes from here on counts again
	var groups []slack.UserGroup
	err := d.bot.lookUp(ctx, "usergroups.list", func(ctx context.Context) (err error) {
		groups, err = d.bot.api.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeUsers(true))
		return err
	})
	if err != nil {
		d.failed = d.bot.cfg.Now() // not now: whoever queued behind this question must not ask it again
		return err
	}
	before := d.members
	d.members, d.asOf, d.seen, d.failed = map[string][]catalog.SlackID{}, now, seen, time.Time{}
	for _, g := range groups {
		if !slices.Contains(d.wanted, g.ID) {
			continue
		}
		for _, u := range g.Users {
			d.members[g.ID] = append(d.members[g.ID], catalog.SlackID{Team: d.bot.cfg.Team, User: u})
		}
	}
	if !maps.EqualFunc(before, d.members, slices.Equal) || now.Sub(d.saved) >= saveEvery {
		d.save(ctx, now)
	}
	return nil
}

func (d *Directory) save(ctx context.Context, now time.Time) {
	if d.bot.cfg.Snapshots == nil {
		return
	}
	if err := d.bot.cfg.Snapshots.SaveGroups(ctx, d.members, now); err != nil {
		d.bot.cfg.Log.Warn().Err(err).Msg("keep a snapshot of the user groups")
		return
	}
	d.saved = now
}

func (d *Directory) load(ctx context.Context) error {
	if d.bot.cfg.Snapshots == nil {
		return errors.New("no snapshot is kept")
	}
	members, asOf, err := d.bot.cfg.Snapshots.LoadGroups(ctx)
	if err != nil {
		return err
	}
	if asOf.IsZero() {
		return errors.New("there is no snapshot yet")
	}
	d.members, d.asOf = members, asOf
	return nil
}

// groupsChanged makes the next question go to Slack.
func (d *Directory) groupsChanged() { d.changes.Add(1) }

// Account looks one account up. An account of another workspace is not asked for: its team says enough. When Slack does not answer, what
// it said within the last hour counts. An account that Slack does not know in this workspace is as good as deactivated: that is an answer,
// and an error means that Slack gave none.
func (d *Directory) Account(ctx context.Context, id catalog.SlackID) (handlers.Account, error) {
	if id.Team != d.bot.cfg.Team {
		return handlers.Account{}, nil
	}
	now := d.bot.cfg.Now()
	had, known := d.accounts.Load(id.User)
	if known && now.Sub(had.(knownAccount).asOf) < accountFresh {
		return had.(knownAccount).account, nil
	}
	var u *slack.User
	err := d.bot.lookUp(ctx, "users.info", func(ctx context.Context) (err error) {
		u, err = d.bot.api.GetUserInfoContext(ctx, id.User)
		return err
	})
	switch {
	case refused(err, "user_not_found", "user_not_visible"):
		return handlers.Account{Deleted: true}, nil
	case err != nil && known && now.Sub(had.(knownAccount).asOf) < accountUsable:
		return had.(knownAccount).account, nil
	case err != nil:
		return handlers.Account{}, fmt.Errorf("look up %s: %w", id.User, err)
	case u.IsStranger:
		return handlers.Account{Deleted: true}, nil
	}
	a := handlers.Account{Guest: u.IsRestricted || u.IsUltraRestricted, Bot: u.IsBot || u.IsWorkflowBot, Deleted: u.Deleted}
	d.accounts.Store(id.User, knownAccount{a, now})
	return a, nil
}

// accountChanged makes the next question about an account go to Slack.
func (d *Directory) accountChanged(user string) { d.accounts.Delete(user) }

// Shared reports whether people of another workspace read a channel; when Slack does not answer, it says yes, and that it was not told.
func (d *Directory) Shared(ctx context.Context, channel string) (shared, told bool) {
	return d.bot.isShared(ctx, channel)
}

// Reads reports whether an account reads a channel, and whether that is private. Slack is asked each time: whoever was taken out of a channel
// a moment ago reads it no more. In doubt it is private and the account does not.
func (d *Directory) Reads(ctx context.Context, channel string, id catalog.SlackID) (may, private bool) {
	if channel == "" || isDirect(channel) {
		return false, true
	}
	var ch *slack.Channel
	err := d.bot.lookUp(ctx, "conversations.info", func(ctx context.Context) (err error) {
		ch, err = d.bot.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		return err
	})
	switch {
	case err != nil:
		d.bot.cfg.Log.Warn().Err(err).Str("channel", channel).Msg("cannot tell who reads the channel; nothing of it is shown elsewhere")
		return false, true
	case !ch.IsPrivate && !ch.IsIM && !ch.IsMpIM:
		return true, false
	case id.Team != d.bot.cfg.Team || id.User == "":
		return false, true
	}
	cursor := ""
	for range roomPages {
		var page []string
		err := d.bot.lookUp(ctx, "conversations.members", func(ctx context.Context) (err error) {
			page, cursor, err = d.bot.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: channel, Limit: pageSize, Cursor: cursor})
			return err
		})
		if err != nil {
			d.bot.cfg.Log.Warn().Err(err).Str("channel", channel).Msg("cannot tell who is in the channel; nothing of it is shown elsewhere")
			return false, true
		}
		if slices.Contains(page, id.User) {
			return true, true
		}
		if cursor == "" {
			break
		}
	}
	return false, true
}
