package slacksim

import (
	"regexp"
	"slices"
	"strings"
)

// entity is what Slack turns into a mention: <@U…>, <!subteam^S…>, <!channel>, <!here>, <!everyone>.
var entity = regexp.MustCompile(`<(?:@([UW][A-Z0-9]+)|!subteam\^(S[A-Z0-9]+)|!(channel|here|everyone))(?:\|[^<>]*)?>`)

// pings lists whom a message notifies: everything in its text, its blocks' mrkdwn and its attachments that Slack
// reads as a mention. Text that came from elsewhere and was not escaped shows up here.
func pings(m *Message) []string {
	found := map[string]bool{}
	scan := func(s string) {
		for _, hit := range entity.FindAllStringSubmatch(s, -1) {
			found[hit[1]+hit[2]+hit[3]] = true
		}
	}
	scan(m.Text)
	for _, b := range m.Blocks {
		if b["type"] == "markdown" {
			text, _ := b["text"].(string)
			scan(text)
		}
		walk(b, scan, found)
	}
	for _, a := range m.Attachments {
		for _, name := range []string{"text", "pretext"} {
			text, _ := a[name].(string)
			scan(text)
		}
		for _, b := range items(a["blocks"]) {
			walk(b, scan, found)
		}
	}
	out := make([]string, 0, len(found))
	for id := range found {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// walk visits every text object and rich text element below v. Plain text notifies nobody.
func walk(v any, scan func(string), found map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, scan, found)
		}
	case map[string]any:
		word := func(name string) string { s, _ := v[name].(string); return s }
		switch v["type"] {
		case "mrkdwn":
			scan(word("text"))
		case "user":
			found[word("user_id")] = true
		case "usergroup":
			found[word("usergroup_id")] = true
		case "broadcast":
			found[word("range")] = true
		}
		for _, e := range v {
			walk(e, scan, found)
		}
	}
}

// richText is the plain text of a rich_text block.
func richText(v any) string {
	var out strings.Builder
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out.WriteString(richText(e))
		}
	case map[string]any:
		if s, ok := v["text"].(string); ok && v["type"] == "text" {
			return s
		}
		return richText(v["elements"])
	}
	return out.String()
}

// escape makes text safe to stand in a message, as Slack's composer does.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

var atWord = regexp.MustCompile(`@([A-Za-z0-9][A-Za-z0-9._-]*)`)

// compose is what Slack makes of typed text: escaped, with @name turned into a mention of that person or group.
func (w *Workspace) compose(typed string) string {
	return atWord.ReplaceAllStringFunc(escape(typed), func(at string) string {
		name := at[1:]
		if slices.Contains([]string{"channel", "here", "everyone"}, name) {
			return "<!" + name + ">"
		}
		if u := w.userByName(name); u != nil {
			return "<@" + u.ID + ">"
		}
		if g := w.usergroup(name); g != nil {
			return "<!subteam^" + g.ID + ">"
		}
		return at
	})
}
