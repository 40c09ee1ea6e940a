package slacksim

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of https://docs.slack.dev/reference/block-kit/blocks; the last one is undocumented and was observed.
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxBlockChars    = 13_200
)

// blockCheck validates one message's or view's blocks and collects what is wrong with them.
type blockCheck struct {
	blocks, elements map[string]shape
	inView           bool
	blockIDs         map[string]bool
	actionIDs        map[string]bool
	chars            int
	wrong            []string
}

// checkBlocks returns what is wrong with the blocks, and how many characters of text they hold.
func checkBlocks(blocks []Block, inView bool) (wrong []string, chars int) {
	limit := maxMessageBlocks
	if inView {
		limit = maxViewBlocks
	}
	if len(blocks) > limit {
		return []string{fmt.Sprintf("[ERROR] no more than %d items allowed [json-pointer:/blocks]", limit)}, 0
	}
	c := &blockCheck{
		blocks: blockShapes(), elements: elementShapes(), inView: inView,
		blockIDs: map[string]bool{}, actionIDs: map[string]bool{},
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("/blocks/%d", i), b)
	}
	return c.wrong, c.chars
}

func (c *blockCheck) add(where, format string, args ...any) {
	c.wrong = append(c.wrong, "[ERROR] "+fmt.Sprintf(format, args...)+" [json-pointer:"+where+"]")
}

func (c *blockCheck) block(where string, b Block) {
	kind, _ := b["type"].(string)
	s, known := c.blocks[kind]
	if !known || s.messageOnly && c.inView {
		c.add(where, "unsupported type: %s", kind)
		return
	}
	c.fields(where, b, s, "type block_id")
	c.id(where, b, "block_id", c.blockIDs)
	switch kind {
	case "section":
		if b["text"] == nil && b["fields"] == nil {
			c.add(where, "missing required field: text or fields")
		}
		for i, f := range items(b["fields"]) {
			c.text(fmt.Sprintf("%s/fields/%d", where, i), f, 2000)
		}
		if a, ok := b["accessory"]; ok {
			c.element(where+"/accessory", a, s.elements)
		}
	case "context", "actions":
		elements := items(b["elements"])
		if len(elements) == 0 {
			c.add(where+"/elements", "must have at least 1 item")
		}
		for i, e := range elements {
			c.element(fmt.Sprintf("%s/elements/%d", where, i), e, s.elements)
		}
	case "input":
		c.element(where+"/element", b["element"], s.elements)
	case "rich_text":
		c.chars += len(richText(b))
	case "image":
		if b["image_url"] == nil && b["slack_file"] == nil {
			c.add(where, "missing required field: image_url")
		}
	}
}

// fields checks names, presence and sizes of an object's fields.
func (c *blockCheck) fields(where string, o map[string]any, s shape, always string) {
	allowed := strings.Fields(s.required + " " + s.optional + " " + always)
	for name := range o {
		if !slices.Contains(allowed, name) {
			c.add(where, "invalid additional property: %s", name)
		}
	}
	for _, name := range strings.Fields(s.required) {
		if o[name] == nil {
			c.add(where, "missing required field: %s", name)
		}
	}
	for name, limit := range s.texts {
		if o[name] != nil {
			c.text(where+"/"+name, o[name], limit)
		}
	}
	for _, name := range strings.Fields(s.plain) {
		if text, ok := o[name].(map[string]any); ok && text["type"] != "plain_text" {
			c.add(where+"/"+name, "must be plain_text")
		}
	}
	for name, limit := range s.max {
		c.size(where+"/"+name, o[name], limit)
	}
	for _, name := range []string{"elements", "fields", "options", "option_groups", "rows", "column_settings"} {
		if _, isList := o[name].([]any); o[name] != nil && !isList {
			c.add(where+"/"+name, "must be an array")
		}
	}
	if text, ok := o["text"].(string); ok {
		c.chars += utf8.RuneCountInString(text)
	}
	if list, ok := o["options"].([]any); ok && len(list) == 0 {
		c.add(where+"/options", "must have at least 1 item")
	}
	for i, option := range options(o) {
		c.fields(fmt.Sprintf("%s/options/%d", where, i), option, optionShape(), "")
	}
	if o["confirm"] != nil && s.texts["confirm"] == 0 {
		confirm, _ := o["confirm"].(map[string]any)
		c.fields(where+"/confirm", confirm, confirmShape(), "")
	}
}

func (c *blockCheck) size(where string, v any, limit int) {
	switch v := v.(type) {
	case nil:
	case string:
		c.length(where, v, limit)
	case []any:
		if len(v) > limit {
			c.add(where, "no more than %d items allowed", limit)
		}
	default:
		c.add(where, "must be a string or an array")
	}
}

// text checks a text object.
func (c *blockCheck) text(where string, v any, limit int) {
	o, ok := v.(map[string]any)
	text, isString := o["text"].(string)
	kind, _ := o["type"].(string)
	if !ok || !isString || kind != "mrkdwn" && kind != "plain_text" {
		c.add(where, "must be a text object")
		return
	}
	for name := range o {
		if !slices.Contains([]string{"type", "text", "emoji", "verbatim"}, name) {
			c.add(where, "invalid additional property: %s", name)
		}
	}
	if text == "" {
		c.add(where+"/text", "must be more than 0 characters")
	}
	c.length(where+"/text", text, limit)
	c.chars += utf8.RuneCountInString(text)
}

func (c *blockCheck) length(where, s string, limit int) {
	if utf8.RuneCountInString(s) > limit {
		c.add(where, "must be less than %d characters", limit+1)
	}
}

func (c *blockCheck) element(where string, v any, allowed string) {
	e, ok := v.(map[string]any)
	kind, _ := e["type"].(string)
	if !ok || !slices.Contains(strings.Fields(allowed), kind) {
		c.add(where, "unsupported type: %s", kind)
		return
	}
	if kind == "mrkdwn" || kind == "plain_text" {
		c.text(where, e, 3000)
		return
	}
	always := "type"
	if kind != "image" {
		always += " action_id"
		c.id(where, e, "action_id", c.actionIDs)
	}
	c.fields(where, e, c.elements[kind], always)
	if style, ok := e["style"]; ok && style != "primary" && style != "danger" {
		c.add(where+"/style", "must be primary or danger")
	}
	if kind == "static_select" && e["options"] == nil && e["option_groups"] == nil {
		c.add(where, "missing required field: options")
	}
}

// id checks length and uniqueness. Slack wants block_id and action_id unique in one message or view.
func (c *blockCheck) id(where string, o map[string]any, name string, seen map[string]bool) {
	id, given := o[name].(string)
	if o[name] != nil && !given {
		c.add(where+"/"+name, "must be a string")
	}
	if !given {
		return
	}
	c.length(where+"/"+name, id, maxID)
	if seen[id] {
		c.add(where+"/"+name, "must be unique: %s", id)
	}
	seen[id] = true
}

// items is v as a list of objects.
func items(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		o, _ := e.(map[string]any)
		out = append(out, o)
	}
	return out
}

// options are the choices of a menu, those in groups too.
func options(element map[string]any) []map[string]any {
	out := items(element["options"])
	for _, g := range items(element["option_groups"]) {
		out = append(out, items(g["options"])...)
	}
	return out
}
