package slacksim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// maxPage is how many items a page may have.
const maxPage = 1000

// channelObject is Slack's conversation object as the app sees it.
func (w *Workspace) channelObject(ch *channel) answer {
	if ch.isIM {
		return answer{
			"id": ch.ID, "created": ch.created.Unix(), "is_im": true, "is_channel": false, "is_group": false, "is_mpim": false,
			"is_archived": false, "is_org_shared": false, "user": ch.with, "is_open": true, "context_team_id": w.cfg.Team.ID,
			"is_user_deleted": w.user(ch.with) == nil || w.user(ch.with).Deleted,
		}
	}
	shared := []string{w.cfg.Team.ID}
	for _, id := range ch.Members {
		if u := w.user(id); u != nil && !slices.Contains(shared, u.TeamID) {
			shared = append(shared, u.TeamID)
		}
	}
	text := func(s string) answer { return answer{"value": s, "creator": ch.creator, "last_set": ch.created.Unix()} }
	out := answer{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "created": ch.created.Unix(), "creator": ch.creator,
		"is_channel": !ch.IsPrivate, "is_group": ch.IsPrivate, "is_im": false, "is_mpim": false, "is_private": ch.IsPrivate,
		"is_archived": ch.IsArchived, "is_general": ch.Name == "general", "is_shared": ch.IsExtShared, "is_ext_shared": ch.IsExtShared,
		"is_org_shared": false, "is_member": w.botIsIn(ch), "topic": text(ch.Topic), "purpose": text(ch.Purpose),
		"previous_names": []string{}, "shared_team_ids": shared, "num_members": len(ch.Members), "context_team_id": w.cfg.Team.ID,
		"unlinked": 0, "pending_shared": []string{}, "is_pending_ext_shared": false,
	}
	if ch.canvas != "" {
		out["properties"] = answer{"canvas": answer{"file_id": ch.canvas, "is_empty": false}}
	}
	return out
}

func channelInfo(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	out := c.channelObject(ch)
	if !c.bool("include_num_members") {
		delete(out, "num_members")
	}
	return answer{"channel": out}, nil
}

// wanted is the kinds of conversation that a types argument asks for.
func (c *call) wanted() ([]string, error) {
	kinds := c.list("types")
	if kinds == nil {
		kinds = []string{"public_channel"}
	}
	for _, k := range kinds {
		if !slices.Contains([]string{"public_channel", "private_channel", "im", "mpim"}, k) {
			return nil, refuse("invalid_types")
		}
		if k == "mpim" {
			if err := c.needScope([]string{"mpim:read"}); err != nil {
				return nil, err
			}
		} else if err := c.needScope(c.method.scopes.forKind(k)); err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

func listChannels(c *call) (answer, error) {
	return c.channelsWhere(func(ch *channel) bool { return c.botIsIn(ch) || !ch.IsPrivate })
}

func userChannels(c *call) (answer, error) {
	user := c.cfg.App.BotUserID
	if c.given("user") {
		user = c.str("user")
	}
	if c.user(user) == nil {
		return nil, refuse("user_not_found")
	}
	return c.channelsWhere(func(ch *channel) bool { return ch.has(user) && (c.botIsIn(ch) || !ch.IsPrivate) })
}

func (c *call) channelsWhere(keep func(*channel) bool) (answer, error) {
	kinds, err := c.wanted()
	if err != nil {
		return nil, err
	}
	out := []answer{}
	for _, ch := range c.channels {
		if slices.Contains(kinds, ch.kind()) && keep(ch) && !(ch.IsArchived && c.bool("exclude_archived")) {
			out = append(out, c.channelObject(ch))
		}
	}
	part, next, err := paged(c, out, 100)
	if err != nil {
		return nil, err
	}
	return answer{"channels": part, "response_metadata": next}, nil
}

// paged is the part of all that the cursor and limit arguments ask for, and the response_metadata to go with it.
func paged[T any](c *call, all []T, usual int) ([]T, answer, error) {
	limit, start := c.int("limit", usual), 0
	if limit < 1 || limit > maxPage {
		return nil, nil, refuse("invalid_limit")
	}
	if c.given("cursor") {
		raw, err := base64.StdEncoding.DecodeString(c.str("cursor"))
		number, _ := strings.CutPrefix(string(raw), "next:")
		if start, _ = strconv.Atoi(number); err != nil || start <= 0 {
			return nil, nil, refuse("invalid_cursor")
		}
	}
	start = min(start, len(all))
	end := min(start+limit, len(all))
	cursor := ""
	if end < len(all) {
		cursor = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(end)))
	}
	return all[start:end], answer{"next_cursor": cursor}, nil
}

func channelMembers(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	part, next, err := paged(c, ch.Members, 100)
	if err != nil {
		return nil, err
	}
	return answer{"members": part, "response_metadata": next}, nil
}
