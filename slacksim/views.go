package slacksim

import (
	"encoding/json"
	"slices"
)

const (
	maxViewStack = 3
	maxViewBytes = 250_000
)

// View is a modal or a home tab.
type View struct {
	ID              string         `json:"id"`
	TeamID          string         `json:"team_id"`
	Type            string         `json:"type"`
	Title           map[string]any `json:"title"`
	Submit          map[string]any `json:"submit"`
	Close           map[string]any `json:"close"`
	Blocks          []Block        `json:"blocks"`
	CallbackID      string         `json:"callback_id"`
	PrivateMetadata string         `json:"private_metadata"`
	ExternalID      string         `json:"external_id"`
	State           ViewState      `json:"state"`
	Hash            string         `json:"hash"`
	ClearOnClose    bool           `json:"clear_on_close"`
	NotifyOnClose   bool           `json:"notify_on_close"`
	RootViewID      string         `json:"root_view_id"`
	PreviousViewID  string         `json:"previous_view_id"`
	AppID           string         `json:"app_id"`
	BotID           string         `json:"bot_id"`
	InstalledTeamID string         `json:"app_installed_team_id"`

	// Errors are what the app's answer to the last submission says is wrong, by block ID.
	Errors map[string]string `json:"-"`

	user string // whose screen it is on
}

// ViewState is what a person has entered: by block ID, by action ID, the element's type and value.
type ViewState struct {
	Values map[string]map[string]map[string]any `json:"values"`
}

// readView reads and checks a view that the app sent.
func (w *Workspace) readView(raw any, kind string) (*View, error) {
	data, err := json.Marshal(raw)
	if s, ok := raw.(string); ok {
		data, err = []byte(s), nil
	}
	if err != nil {
		return nil, refuse("invalid_arguments", "[ERROR] view is not JSON")
	}
	if len(data) > maxViewBytes {
		return nil, refuse("view_too_large")
	}
	var given map[string]any
	v := &View{}
	if json.Unmarshal(data, &given) != nil || json.Unmarshal(data, v) != nil {
		return nil, refuse("invalid_arguments", "[ERROR] view is not the object it should be [json-pointer:/view]")
	}
	c := &blockCheck{}
	c.fields("/view", given, viewShape(kind), "")
	if v.Type != kind {
		c.add("/view/type", "must be %s", kind)
	}
	wrong, _ := checkBlocks(v.Blocks, true)
	c.wrong = append(c.wrong, wrong...)
	if v.Submit == nil && kind == "modal" && slices.ContainsFunc(v.Blocks, func(b Block) bool { return b["type"] == "input" }) {
		c.add("/view", "missing required field: submit")
	}
	if c.wrong != nil {
		return nil, refuse("invalid_arguments", c.wrong...)
	}
	v.Blocks = w.named(v.Blocks)
	v.State = ViewState{Values: map[string]map[string]map[string]any{}}
	v.TeamID, v.AppID, v.BotID, v.InstalledTeamID = w.cfg.Team.ID, w.cfg.App.ID, w.cfg.App.BotID, w.cfg.Team.ID
	return v, nil
}

// unique refuses an external_id that another view has.
func (w *Workspace) unique(v *View, self string) error {
	for id, o := range w.views {
		if v.ExternalID != "" && o.ExternalID == v.ExternalID && id != self {
			return refuse("duplicate_external_id")
		}
	}
	return nil
}

func (w *Workspace) newHash() string { return w.nextTS() + "." + secret()[:8] }

func openView(c *call) (answer, error) {
	v, err := c.readView(c.args["view"], "modal")
	if err != nil {
		return nil, err
	}
	if err := c.unique(v, ""); err != nil {
		return nil, err
	}
	t, err := c.takeTrigger(c.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	c.closeModals(t.user)
	c.addModal(t.user, v, "open")
	return answer{"view": v}, nil
}

func pushView(c *call) (answer, error) {
	v, err := c.readView(c.args["view"], "modal")
	if err != nil {
		return nil, err
	}
	if err := c.unique(v, ""); err != nil {
		return nil, err
	}
	t, err := c.takeTrigger(c.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	switch stack := c.modals[t.user]; {
	case t.view == "" || !slices.Contains(stack, t.view):
		return nil, refuse("not_found")
	case len(stack) >= maxViewStack:
		return nil, refuse("push_limit_reached")
	}
	c.addModal(t.user, v, "push")
	return answer{"view": v}, nil
}

// addModal puts v on top of user's modals.
func (w *Workspace) addModal(user string, v *View, op string) {
	stack := w.modals[user]
	v.ID, v.Hash, v.user = w.nextID("V"), w.newHash(), user
	v.RootViewID = v.ID
	if len(stack) > 0 {
		v.RootViewID, v.PreviousViewID = stack[0], stack[len(stack)-1]
	}
	w.views[v.ID] = v
	w.modals[user] = append(slices.Clone(stack), v.ID)
	w.show(user, "view", answer{"op": op, "view": v})
	w.notify()
}

func updateView(c *call) (answer, error) {
	if !c.given("view_id") && !c.given("external_id") {
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: view_id or external_id")
	}
	old := c.views[c.str("view_id")]
	for _, o := range c.views {
		if !c.given("view_id") && o.ExternalID == c.str("external_id") {
			old = o
		}
	}
	if old == nil {
		return nil, refuse("not_found")
	}
	if c.given("hash") && c.str("hash") != old.Hash {
		return nil, refuse("hash_conflict")
	}
	v, err := c.readView(c.args["view"], old.Type)
	if err != nil {
		return nil, err
	}
	if err := c.unique(v, old.ID); err != nil {
		return nil, err
	}
	c.replaceView(old, v)
	return answer{"view": v}, nil
}

// replaceView puts v in old's place. What a person had entered stays where block and action IDs are the same.
func (w *Workspace) replaceView(old, v *View) {
	v.ID, v.Hash, v.user = old.ID, w.newHash(), old.user
	v.RootViewID, v.PreviousViewID = old.RootViewID, old.PreviousViewID
	v.State = old.State
	w.views[v.ID] = v
	if v.Type == "home" {
		w.show(v.user, "home", answer{"view": v})
	} else {
		w.show(v.user, "view", answer{"op": "update", "view": v})
	}
	w.notify()
}

func publishView(c *call) (answer, error) {
	u := c.user(c.str("user_id"))
	if u == nil || u.Deleted {
		return nil, refuse("user_not_found")
	}
	old := c.views[c.homes[u.ID]]
	if c.given("hash") && (old == nil || c.str("hash") != old.Hash) {
		return nil, refuse("hash_conflict")
	}
	v, err := c.readView(c.args["view"], "home")
	if err != nil {
		return nil, err
	}
	if err := c.unique(v, c.homes[u.ID]); err != nil {
		return nil, err
	}
	if old == nil {
		old = &View{ID: c.nextID("V"), user: u.ID}
		old.RootViewID = old.ID
		c.homes[u.ID] = old.ID
	}
	old.State = ViewState{Values: map[string]map[string]map[string]any{}}
	c.replaceView(old, v)
	return answer{"view": v}, nil
}

// closeModals takes all of user's modals away without telling the app.
func (w *Workspace) closeModals(user string) {
	for _, id := range w.modals[user] {
		delete(w.views, id)
	}
	if w.modals[user] != nil {
		delete(w.modals, user)
		w.show(user, "view", answer{"op": "close", "view": nil})
	}
}

// topModal is the modal that user looks at; nil when there is none.
func (w *Workspace) topModal(user string) *View {
	stack := w.modals[user]
	if len(stack) == 0 {
		return nil
	}
	return w.views[stack[len(stack)-1]]
}

// popModal closes user's top modal and shows the one below it.
func (w *Workspace) popModal(user string) {
	stack := w.modals[user]
	if len(stack) <= 1 {
		w.closeModals(user)
		w.notify()
		return
	}
	delete(w.views, stack[len(stack)-1])
	w.modals[user] = slices.Clone(stack[:len(stack)-1])
	w.show(user, "view", answer{"op": "update", "view": w.topModal(user)})
	w.notify()
}
