package slacksim

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
)

// peopleSide is the page and the API under it.
func (w *Workspace) peopleSide(static fs.FS) http.Handler {
	mux := http.NewServeMux()
	files := http.FileServerFS(static)
	mux.Handle("GET /", files)
	mux.Handle("GET /page/", http.StripPrefix("/page", files))
	mux.HandleFunc("GET /api/events", w.serveEvents)
	mux.HandleFunc("GET /api/state", w.asUser(w.stateFor))
	mux.HandleFunc("GET /api/messages", w.asUser(w.messagesFor))
	mux.HandleFunc("GET /api/view", w.asUser(func(u *User, _ *http.Request) (any, error) { return answer{"view": w.topModal(u.ID)}, nil }))
	mux.HandleFunc("GET /api/home", w.asUser(func(u *User, _ *http.Request) (any, error) { return answer{"view": w.views[w.homes[u.ID]]}, nil }))
	mux.HandleFunc("GET /api/files/{id}", w.serveFile)

	mux.HandleFunc("POST /api/act/message", take(w.actMessage))
	mux.HandleFunc("POST /api/act/action", take(func(a Action) (any, error) { return nil, w.Act(a) }))
	mux.HandleFunc("POST /api/act/view", take(func(a ViewAct) (any, error) { return nil, w.SubmitView(a) }))
	mux.HandleFunc("POST /api/act/reaction", take(func(a mark) (any, error) {
		return nil, w.React(a.User, a.Channel, a.TS, a.Name, a.Remove)
	}))
	mux.HandleFunc("POST /api/act/pin", take(func(a mark) (any, error) { return nil, w.Pin(a.User, a.Channel, a.TS, a.Remove) }))
	mux.HandleFunc("POST /api/act/shortcut", take(func(a shortcut) (any, error) {
		return nil, w.Shortcut(a.User, a.CallbackID, a.Channel, a.MessageTS)
	}))
	mux.HandleFunc("POST /api/act/home", take(func(a mark) (any, error) { return nil, w.OpenHome(a.User) }))
	w.adminSide(mux)
	return localOnly(mux)
}

// localOnly keeps other web sites that are open in the same browser from acting here, also by a name of theirs that
// they let point at 127.0.0.1.
func localOnly(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			http.Error(rw, "use 127.0.0.1 or localhost", http.StatusForbidden)
			return
		}
		next.ServeHTTP(rw, r)
	}))
}

type mark struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Name    string `json:"name"`
	Remove  bool   `json:"remove"`
}

type shortcut struct {
	User       string `json:"user"`
	CallbackID string `json:"callback_id"`
	Channel    string `json:"channel"`
	MessageTS  string `json:"message_ts"`
}

// said is what a person types: text, and files with their content.
type said struct {
	User     string `json:"user"`
	Channel  string `json:"channel"`
	ThreadTS string `json:"thread_ts"`
	Text     string `json:"text"`
	Files    []struct {
		Name    string `json:"name"`
		Content []byte `json:"content"` // base64 in JSON
	} `json:"files"`
}

func (w *Workspace) actMessage(s said) (any, error) {
	var files []*file
	w.mu.Lock()
	u := w.userByName(s.User)
	for _, f := range s.Files {
		if u == nil || f.Name == "" {
			w.mu.Unlock()
			return nil, errors.New("share the file: it needs a name and somebody who shares it")
		}
		one := &file{content: f.Content, uploaded: true, complete: true, File: File{
			ID: w.nextID("F"), Name: f.Name, Title: f.Name, User: u.ID, UserTeam: u.TeamID,
		}}
		w.describeFile(one, w.servers.api)
		w.files[one.ID] = one
		files = append(files, one)
	}
	w.mu.Unlock()
	ts, err := w.say(s.User, s.Channel, s.ThreadTS, s.Text, files)
	return answer{"ts": ts}, err
}

// take makes a handler of a function that wants a JSON body. Its answer is merged with ok or error.
func take[T any](do func(T) (any, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		var in T
		decoder := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxUpload))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			writeJSON(rw, http.StatusBadRequest, answer{"ok": false, "error": "the request is not the JSON it should be: " + err.Error()})
			return
		}
		out, err := do(in)
		if err != nil {
			writeJSON(rw, http.StatusOK, answer{"ok": false, "error": err.Error()})
			return
		}
		body, ok := out.(answer)
		if !ok {
			body = answer{}
		}
		body["ok"] = true
		writeJSON(rw, http.StatusOK, body)
	}
}

func writeJSON(rw http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_, _ = rw.Write(raw) // the caller is gone: nobody to tell
}

// asUser makes a handler of a question that a person asks. It is called with w.mu held.
func (w *Workspace) asUser(ask func(*User, *http.Request) (any, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		name := r.URL.Query().Get("user")
		u := w.userByName(name)
		if name == "" { // the page's bare address: somebody opened it for the first time
			u = w.users[0]
		}
		var raw []byte
		err := errors.New("there is no such user")
		if u != nil {
			var out any
			if out, err = ask(u, r); err == nil {
				raw, err = json.Marshal(out) // while nothing changes
			}
		}
		w.mu.Unlock()
		if err != nil {
			writeJSON(rw, http.StatusNotFound, answer{"ok": false, "error": err.Error()})
			return
		}
		writeJSON(rw, http.StatusOK, json.RawMessage(raw))
	}
}

// stateFor is the workspace as u sees it.
func (w *Workspace) stateFor(u *User, _ *http.Request) (any, error) {
	w.im(u.ID) // the app is listed for everybody
	channels := []answer{}
	for _, ch := range w.channels {
		if w.sees(u.ID, ch) {
			channels = append(channels, w.channelFor(u.ID, ch))
		}
	}
	return answer{
		"team": answer{"id": w.cfg.Team.ID, "name": w.cfg.Team.Name},
		"app":  answer{"id": w.cfg.App.ID, "bot_user_id": w.cfg.App.BotUserID, "name": w.cfg.App.Name, "shortcuts": w.cfg.App.Shortcuts},
		"you":  u.ID, "users": w.users, "channels": channels, "commands": w.cfg.App.Commands,
		"usergroups": w.usergroups, "connections": len(w.hub.conns),
	}, nil
}

// channelFor is ch as the page shows it to user.
func (w *Workspace) channelFor(user string, ch *channel) answer {
	unread := 0
	for _, m := range w.messages[ch.ID] {
		if m.TS > ch.lastRead[user] && !m.inThread() && m.visibleTo(user) && m.User != user {
			unread++
		}
	}
	bookmarks := ch.bookmarks
	if bookmarks == nil {
		bookmarks = []bookmark{}
	}
	out := answer{
		"id": ch.ID, "name": ch.Name, "is_private": ch.IsPrivate, "is_im": ch.isIM, "is_archived": ch.IsArchived,
		"is_ext_shared": ch.IsExtShared, "topic": ch.Topic, "purpose": ch.Purpose, "members": ch.Members, "unread": unread,
		"bookmarks": bookmarks, "pins": append([]string{}, ch.pins...), "is_member": ch.has(user),
	}
	if ch.isIM {
		out["name"], out["user"] = w.cfg.App.Name, w.cfg.App.BotUserID
	}
	return out
}

// messagesFor is a channel or, with thread_ts, a thread as u sees it; reading a channel marks it as read.
func (w *Workspace) messagesFor(u *User, r *http.Request) (any, error) {
	ch := w.channelByName(r.URL.Query().Get("channel"))
	if ch == nil || !w.sees(u.ID, ch) {
		return nil, errors.New("there is no such channel")
	}
	thread := r.URL.Query().Get("thread_ts")
	out := []*Message{}
	for _, m := range w.messages[ch.ID] {
		top := !m.inThread() || m.Subtype == "thread_broadcast"
		if m.visibleTo(u.ID) && (thread == "" && top || thread != "" && (m.TS == thread || m.ThreadTS == thread)) {
			out = append(out, m)
		}
	}
	if thread == "" && len(out) > 0 {
		ch.lastRead[u.ID] = out[len(out)-1].TS
	}
	return answer{"messages": out}, nil
}

// serveFile hands a shared file to a person who sees a channel it is in.
func (w *Workspace) serveFile(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	f := w.files[r.PathValue("id")]
	u := w.userByName(r.URL.Query().Get("user"))
	var seen bool
	if f != nil && f.complete {
		places := slices.Concat(f.Channels, f.Groups, f.IMs)
		// Without a user (a plain link) any local person may read it.
		seen = u == nil || slices.ContainsFunc(places, func(id string) bool { ch := w.channel(id); return ch != nil && w.sees(u.ID, ch) })
	}
	w.mu.Unlock()
	if !seen {
		http.NotFound(rw, r)
		return
	}
	f.write(rw)
}
