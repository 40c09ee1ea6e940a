package slacksim

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
)

// isLocal reports whether a Host header names this machine.
func isLocal(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// adminSide is what tests and the demo do to the workspace.
func (w *Workspace) adminSide(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/admin/users", take(func(c UserChange) (any, error) {
		id, err := w.ChangeUser(c)
		return answer{"id": id}, err
	}))
	mux.HandleFunc("POST /api/admin/channels", take(func(c ChannelChange) (any, error) {
		id, err := w.ChangeChannel(c)
		return answer{"id": id}, err
	}))
	mux.HandleFunc("POST /api/admin/usergroups", take(func(g Usergroup) (any, error) {
		id, err := w.ChangeUsergroup(g)
		return answer{"id": id}, err
	}))
	mux.HandleFunc("POST /api/admin/scopes", take(func(s struct{ Scopes []string }) (any, error) {
		w.SetScopes(s.Scopes)
		return nil, nil
	}))
	mux.HandleFunc("POST /api/admin/faults", take(func(f Fault) (any, error) { return nil, w.Fault(f) }))
	mux.HandleFunc("DELETE /api/admin/faults", func(rw http.ResponseWriter, _ *http.Request) {
		w.ClearFaults()
		writeJSON(rw, http.StatusOK, answer{"ok": true})
	})
	mux.HandleFunc("POST /api/admin/socket", take(func(op SocketOp) (any, error) { return nil, w.Socket(op) }))
	mux.HandleFunc("GET /api/admin/socket", func(rw http.ResponseWriter, _ *http.Request) { writeJSON(rw, http.StatusOK, w.SocketState()) })
	mux.HandleFunc("GET /api/admin/calls", func(rw http.ResponseWriter, r *http.Request) {
		writeJSON(rw, http.StatusOK, answer{"calls": w.Calls(r.URL.Query().Get("method"))})
	})
	mux.HandleFunc("POST /api/admin/reset", func(rw http.ResponseWriter, _ *http.Request) {
		w.Reset()
		writeJSON(rw, http.StatusOK, answer{"ok": true})
	})
}

// UserChange makes a user, or changes the one whose ID or name it carries: all fields are set to what it says. Delete
// deactivates the user and changes nothing else.
type UserChange struct {
	User
	Delete bool `json:"delete"`
}

// ChangeUser makes, changes or deactivates a user and returns the ID.
func (w *Workspace) ChangeUser(c UserChange) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.userByName(cmp.Or(c.ID, c.Name))
	kind := "user_change"
	switch {
	case u == nil && (c.Delete || c.Name == ""):
		return "", errors.New("change the user: there is no such user; a new one needs a name")
	case u == nil:
		u = &User{ID: cmp.Or(c.ID, w.nextID("U"))}
		w.users = append(w.users, u)
		kind = "team_join"
	}
	if c.Delete {
		u.Deleted = true
		for _, g := range w.usergroups { // a deactivated person is in no group any more
			w.setGroup(g, slices.DeleteFunc(slices.Clone(g.Users), func(id string) bool { return id == u.ID }))
		}
	} else {
		c.User.ID, c.User.Name = u.ID, cmp.Or(c.User.Name, u.Name)
		c.User.TeamID = cmp.Or(c.User.TeamID, u.TeamID, w.cfg.Team.ID)
		*u = c.User
	}
	w.event(kind, nil, answer{"type": kind, "user": w.userObject(u)})
	w.notify()
	return u.ID, nil
}

// ChannelChange makes a channel, or changes the one whose ID or name it carries. What is left out stays as it is.
type ChannelChange struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	IsPrivate     *bool    `json:"is_private"`
	IsExtShared   *bool    `json:"is_ext_shared"`
	IsArchived    *bool    `json:"is_archived"`
	Topic         *string  `json:"topic"`
	AddMembers    []string `json:"add_members"`
	RemoveMembers []string `json:"remove_members"`
}

// ChangeChannel makes or changes a channel and returns the ID.
func (w *Workspace) ChangeChannel(c ChannelChange) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var people [2][]string
	for i, names := range [][]string{c.AddMembers, c.RemoveMembers} {
		for _, name := range names {
			u := w.userByName(name)
			if u == nil {
				return "", fmt.Errorf("change the channel: there is nobody called %q; nothing was changed", name)
			}
			people[i] = append(people[i], u.ID)
		}
	}
	ch := w.channelByName(cmp.Or(c.ID, c.Name))
	if ch == nil {
		if err := w.checkName(c.Name); err != nil {
			return "", fmt.Errorf("make the channel: %w", err)
		}
		ch = &channel{Channel: Channel{ID: cmp.Or(c.ID, w.nextID("C")), Name: c.Name}, created: w.cfg.Now(), lastRead: map[string]string{}}
		w.channels = append(w.channels, ch)
	}
	if c.IsPrivate != nil {
		ch.IsPrivate = *c.IsPrivate
	}
	if c.IsExtShared != nil {
		ch.IsExtShared = *c.IsExtShared
	}
	if c.Topic != nil {
		ch.Topic = *c.Topic
	}
	for _, id := range people[0] {
		w.join(ch, id, "")
	}
	for _, id := range people[1] {
		w.leave(ch, id)
	}
	if c.IsArchived != nil && *c.IsArchived != ch.IsArchived {
		if ch.IsArchived = *c.IsArchived; ch.IsArchived {
			w.archive(ch, "USLACKBOT")
		} else {
			w.unarchive(ch, "USLACKBOT")
		}
	}
	w.showChannel(ch)
	w.notify()
	return ch.ID, nil
}

// ChangeUsergroup makes a user group, or changes the one whose ID or handle it carries. Users, when it
// is there, is everybody who is in the group from now on.
func (w *Workspace) ChangeUsergroup(change Usergroup) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	users := []string{}
	for _, name := range change.Users {
		u := w.userByName(name)
		if u == nil {
			return "", fmt.Errorf("change the user group: there is nobody called %q; nothing was changed", name)
		}
		users = append(users, u.ID)
	}
	g := w.usergroup(cmp.Or(change.ID, change.Handle))
	if g == nil {
		if change.Handle == "" {
			return "", errors.New("make the user group: it needs a handle")
		}
		g = &usergroup{Usergroup: Usergroup{ID: cmp.Or(change.ID, w.nextID("S")), Handle: change.Handle}, updated: w.cfg.Now()}
		w.usergroups = append(w.usergroups, g)
	}
	g.Name = cmp.Or(change.Name, g.Name, g.Handle)
	if change.Users != nil {
		w.setGroup(g, users)
	}
	w.notify()
	return g.ID, nil
}

// setGroup changes who is in g and tells the app.
func (w *Workspace) setGroup(g *usergroup, users []string) {
	without := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return slices.Contains(b, id) })
	}
	added, removed := without(users, g.Users), without(g.Users, users)
	if len(added)+len(removed) == 0 {
		return
	}
	before := g.updated
	g.Users, g.updated = users, w.cfg.Now()
	w.event("subteam_members_changed", nil, answer{
		"type": "subteam_members_changed", "subteam_id": g.ID, "team_id": w.cfg.Team.ID, "date_previous_update": before.Unix(),
		"date_update": g.updated.Unix(), "added_users": added, "added_users_count": len(added), "removed_users": removed, "removed_users_count": len(removed),
	})
}

// SetScopes changes what the bot token may do, as a reinstallation of the app would.
func (w *Workspace) SetScopes(scopes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scopes = map[string]bool{}
	for _, s := range scopes {
		w.scopes[s] = true
	}
}
