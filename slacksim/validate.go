package slacksim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is the body of a successful call, without "ok".
type answer = map[string]any

// refusal is Slack saying no: the error code and, where Slack sends them, messages and further fields.
type refusal struct {
	code     string
	messages []string
	fields   answer
}

func (r *refusal) Error() string {
	if len(r.messages) == 0 {
		return r.code
	}
	return r.code + ": " + strings.Join(r.messages, "; ")
}

func refuse(code string, messages ...string) error { return &refusal{code: code, messages: messages} }

// call is one Web API call whose token, scopes and arguments are in order.
type call struct {
	*Workspace
	name   string
	method method
	args   map[string]any
	origin string // scheme and host the caller reached us at
}

func (c *call) has(name string) bool { _, ok := c.args[name]; return ok }

// given reports whether an argument is there and not empty.
func (c *call) given(name string) bool { return c.args[name] != nil && c.args[name] != "" }

func (c *call) str(name string) string {
	s, _ := scalar(c.args[name])
	return s
}

func (c *call) bool(name string) bool {
	switch c.str(name) {
	case "true", "1":
		return true
	}
	return false
}

func (c *call) int(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.str(name)); err == nil {
		return n
	}
	return otherwise
}

// list reads words with commas between them, or an array.
func (c *call) list(name string) []string {
	var out []string
	if values, ok := c.args[name].([]any); ok {
		for _, v := range values {
			if s, ok := scalar(v); ok {
				out = append(out, s)
			}
		}
		return out
	}
	for word := range strings.SplitSeq(c.str(name), ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// json decodes a JSON argument into v.
func (c *call) json(name string, v any) error {
	raw, err := json.Marshal(c.args[name])
	if s, ok := c.args[name].(string); ok {
		raw, err = []byte(s), nil
	}
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		return refuse("invalid_arguments", fmt.Sprintf("[ERROR] %s is not the JSON it should be [json-pointer:/%s]", name, name))
	}
	return nil
}

// authorize checks that the token may call the method at all.
func (w *Workspace) authorize(m method, token string) error {
	kind := botToken
	switch token {
	case "":
		return refuse("not_authed")
	case w.cfg.App.BotToken:
	case w.cfg.App.AppToken:
		kind = appToken
	default:
		return refuse("invalid_auth")
	}
	if kind != m.token {
		return refuse("not_allowed_token_type")
	}
	if u := w.user(w.cfg.App.BotUserID); kind == botToken && (u == nil || u.Deleted) {
		return refuse("account_inactive")
	}
	if m.scopes.empty() || kind == appToken {
		return nil
	}
	return w.needScope(m.scopes.anyOf())
}

// needScope refuses unless the bot token has one of the scopes.
func (w *Workspace) needScope(oneOf []string) error {
	for _, scope := range oneOf {
		if w.scopes[scope] {
			return nil
		}
	}
	return &refusal{code: "missing_scope", fields: answer{"needed": strings.Join(oneOf, ","), "provided": w.scopeList()}}
}

// checkArgs refuses unknown, missing and mistyped arguments. Slack itself lets most unknown arguments pass; a
// misspelt one is always the caller's mistake, so here it is an error.
func checkArgs(m method, given map[string]any) error {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		a, known := m.args[name]
		if !known {
			wrong = append(wrong, fmt.Sprintf("[ERROR] unknown argument: %s", name))
		} else if !a.accepts(given[name]) {
			wrong = append(wrong, fmt.Sprintf("[ERROR] must be a %s [json-pointer:/%s]", a.kind, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.args)) {
		if _, there := given[name]; m.args[name].required && (!there || given[name] == "") {
			wrong = append(wrong, fmt.Sprintf("[ERROR] missing required field: %s", name))
		}
	}
	if wrong != nil {
		return refuse("invalid_arguments", wrong...)
	}
	return nil
}

func (a arg) accepts(v any) bool {
	s, isScalar := scalar(v)
	switch a.kind {
	case argBool:
		return isScalar && slices.Contains([]string{"true", "false", "1", "0"}, s)
	case argInt:
		_, err := strconv.Atoi(s)
		return isScalar && err == nil
	case argJSON:
		return !isScalar || json.Valid([]byte(s))
	case argList:
		_, isArray := v.([]any)
		return isScalar || isArray
	default:
		return isScalar
	}
}

// scalar is v as the string that a form would carry; false for arrays and objects.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case nil:
		return "", true
	}
	return "", false
}

// target finds the conversation an argument names and checks scope, membership and archive for it.
func (c *call) target(argument string) (*channel, error) {
	ch := c.channel(c.str(argument))
	if c.name == "chat.postMessage" || c.name == "chat.postEphemeral" {
		ch = c.addressed(c.str(argument))
	}
	if ch == nil || ch.IsPrivate && !c.botIsIn(ch) {
		return nil, refuse("channel_not_found")
	}
	if !c.method.scopes.empty() {
		if err := c.needScope(c.method.scopes.forKind(ch.kind())); err != nil {
			return nil, err
		}
	}
	if c.method.archived != "" && ch.IsArchived {
		return nil, refuse(c.method.archived)
	}
	if c.method.outside != "" && !c.botIsIn(ch) {
		public := c.name == "chat.postMessage" && c.scopes["chat:write.public"]
		if !public {
			return nil, refuse(c.method.outside)
		}
	}
	return ch, nil
}

// addressed is the conversation that a posting method means: the only methods that take names, and a person's ID for
// the direct conversation with them.
func (w *Workspace) addressed(where string) *channel {
	if ch := w.channelByName(where); ch != nil {
		return ch
	}
	if u := w.user(where); u != nil && !u.IsBot && !u.Deleted {
		return w.im(u.ID)
	}
	return nil
}

// readArgs takes a call's arguments and token out of its query, form, multipart or JSON body.
func readArgs(r *http.Request) (map[string]any, string, error) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	out := map[string]any{}
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.TrimSpace(strings.ToLower(contentType)) {
	case "application/json":
		decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
		decoder.UseNumber()
		if err := decoder.Decode(&out); err != nil && r.ContentLength != 0 {
			return nil, token, refuse("invalid_json")
		}
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, token, refuse("invalid_form_data")
		}
	case "application/x-www-form-urlencoded", "":
		r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	default:
		return nil, token, refuse("invalid_post_type")
	}
	if err := r.ParseForm(); err != nil {
		return nil, token, refuse("invalid_form_data")
	}
	for name, values := range r.Form {
		if len(values) > 1 {
			return nil, token, refuse("invalid_array_arg")
		}
		out[name] = values[0]
	}
	if inBody, ok := out["token"].(string); ok && token == "" {
		token = inBody
	}
	delete(out, "token")
	return out, token, nil
}

const maxBody = 4 << 20
