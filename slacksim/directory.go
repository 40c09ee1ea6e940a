package slacksim

import "slices"

// userObject is Slack's user object.
func (w *Workspace) userObject(u *User) answer {
	profile := answer{
		"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name, "display_name_normalized": u.Name,
		"title": u.Title, "team": u.TeamID, "status_text": "", "status_emoji": "", "avatar_hash": "",
	}
	if w.scopes["users:read.email"] && u.Email != "" {
		profile["email"] = u.Email
	}
	if u.IsBot {
		profile["bot_id"], profile["api_app_id"] = w.cfg.App.BotID, w.cfg.App.ID
	}
	out := answer{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted, "color": u.Color,
		"tz": "Etc/UTC", "tz_label": "Coordinated Universal Time", "tz_offset": 0, "profile": profile, "is_bot": u.IsBot,
		"is_app_user": false, "updated": w.cfg.Now().Unix(),
	}
	if !u.Deleted { // Slack leaves these out for people who are gone
		out["is_admin"], out["is_owner"], out["is_primary_owner"] = u.IsAdmin, false, false
		out["is_restricted"], out["is_ultra_restricted"] = u.IsRestricted, false
	}
	if u.TeamID != w.cfg.Team.ID {
		out["is_stranger"] = !slices.ContainsFunc(w.channels, func(c *channel) bool { return c.has(u.ID) && w.botIsIn(c) })
	}
	return out
}

func userInfo(c *call) (answer, error) {
	u := c.user(c.str("user"))
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return answer{"user": c.userObject(u)}, nil
}

func listUsers(c *call) (answer, error) {
	members := []answer{}
	for _, u := range c.users {
		if u.TeamID == c.cfg.Team.ID {
			members = append(members, c.userObject(u))
		}
	}
	part, next, err := paged(c, members, maxPage)
	if err != nil {
		return nil, err
	}
	return answer{"members": part, "cache_ts": c.cfg.Now().Unix(), "response_metadata": next}, nil
}

func lookupByEmail(c *call) (answer, error) {
	for _, u := range c.users {
		if u.Email == c.str("email") && !u.Deleted && u.TeamID == c.cfg.Team.ID {
			return answer{"user": c.userObject(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func botInfo(c *call) (answer, error) {
	if c.given("bot") && c.str("bot") != c.cfg.App.BotID {
		return nil, refuse("bot_not_found")
	}
	app := c.cfg.App
	return answer{"bot": answer{
		"id": app.BotID, "app_id": app.ID, "user_id": app.BotUserID, "name": app.Name, "deleted": false, "updated": c.cfg.Now().Unix(), "icons": answer{},
	}}, nil
}

func teamInfo(c *call) (answer, error) {
	t := c.cfg.Team
	if c.given("team") && c.str("team") != t.ID || c.given("domain") && c.str("domain") != t.Domain {
		return nil, refuse("team_not_found")
	}
	return answer{"team": answer{
		"id": t.ID, "name": t.Name, "domain": t.Domain, "url": "https://" + t.Domain + ".slack.com/", "email_domain": "", "icon": answer{},
	}}, nil
}

func listUsergroups(c *call) (answer, error) {
	groups := []answer{}
	for _, g := range c.usergroups {
		o := answer{
			"id": g.ID, "team_id": c.cfg.Team.ID, "is_usergroup": true, "is_subteam": true, "name": g.Name, "handle": g.Handle,
			"description": "", "is_external": false, "date_create": g.updated.Unix(), "date_update": g.updated.Unix(), "date_delete": 0,
			"auto_type": nil, "created_by": "", "updated_by": "", "prefs": answer{"channels": []string{}, "groups": []string{}},
		}
		if c.bool("include_users") {
			o["users"] = g.Users
		}
		if c.bool("include_count") {
			o["user_count"] = len(g.Users)
		}
		groups = append(groups, o)
	}
	return answer{"usergroups": groups}, nil
}

func listUsergroupUsers(c *call) (answer, error) {
	for _, g := range c.usergroups {
		if g.ID == c.str("usergroup") {
			return answer{"users": append([]string{}, g.Users...)}, nil
		}
	}
	return nil, refuse("no_such_subteam")
}
