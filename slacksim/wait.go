package slacksim

import (
	"context"
	"slices"
)

// Calls returns the Web API calls so far (at least the last 10,000), oldest first; method "" means every method. Posts to a response_url are
// under "response_url".
func (w *Workspace) Calls(method string) []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []Call{}
	for _, c := range w.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Messages returns what is in a channel, threads and everybody's ephemeral messages included, oldest first.
func (w *Workspace) Messages(channel string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []Message{}
	if ch := w.channelByName(channel); ch != nil {
		for _, m := range w.messages[ch.ID] {
			out = append(out, *m)
		}
	}
	return out
}

// WaitMessage returns the newest message of any conversation that match accepts, as soon as there is one. match must
// not call methods of the workspace.
func (w *Workspace) WaitMessage(ctx context.Context, match func(Message) bool) (Message, error) {
	return await(ctx, w, "a message", func() (Message, bool) {
		var found Message
		for _, messages := range w.messages {
			for _, m := range messages {
				if m.TS > found.TS && match(*m) {
					found = *m
				}
			}
		}
		return found, found.TS != ""
	})
}

// WaitView returns the modal on top of user's screen as soon as match accepts it.
func (w *Workspace) WaitView(ctx context.Context, user string, match func(View) bool) (View, error) {
	return w.waitView(ctx, user, func(u string) *View { return w.topModal(u) }, match)
}

// WaitHome returns user's home tab as soon as match accepts it.
func (w *Workspace) WaitHome(ctx context.Context, user string, match func(View) bool) (View, error) {
	return w.waitView(ctx, user, func(u string) *View { return w.views[w.homes[u]] }, match)
}

func (w *Workspace) waitView(ctx context.Context, user string, which func(string) *View, match func(View) bool) (View, error) {
	return await(ctx, w, "a view", func() (View, bool) {
		u := w.userByName(user)
		if u == nil {
			return View{}, false
		}
		v := which(u.ID)
		if v == nil || !match(*v) {
			return View{}, false
		}
		return *v, true
	})
}

// WaitCall returns the newest Web API call that match accepts, as soon as there is one.
func (w *Workspace) WaitCall(ctx context.Context, match func(Call) bool) (Call, error) {
	return await(ctx, w, "a Web API call", func() (Call, bool) {
		for _, c := range slices.Backward(w.calls) {
			if match(c) {
				return c, true
			}
		}
		return Call{}, false
	})
}

// WaitSockets returns when the app's sockets are as match wants them.
func (w *Workspace) WaitSockets(ctx context.Context, match func(SocketState) bool) (SocketState, error) {
	return await(ctx, w, "the sockets", func() (SocketState, bool) {
		s := w.socketState()
		return s, match(s)
	})
}
