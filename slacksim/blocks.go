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

// A shape is what a block or an element may hold.
type shape struct {
	// required and optional name the fields. Anything else is an error, as at Slack.
	required, optional string
	// max limits strings (characters), text objects (characters) and arrays (items) by field.
	max map[string]int
	// elements are the types its elements, accessory or element may have.
	elements string
	// viewOnly marks what messages cannot hold, messageOnly what views cannot.
	messageOnly bool
}

const (
	menus    = "static_select external_select users_select conversations_select channels_select"
	multi    = "multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select"
	pickers  = "datepicker timepicker datetimepicker"
	choices  = "checkboxes radio_buttons"
	inputs   = "plain_text_input number_input email_text_input url_text_input rich_text_input file_input"
	maxID    = 255
	maxLabel = 2000
)

func blockShapes() map[string]shape {
	return map[string]shape{
		"section": {optional: "text fields accessory expand", max: map[string]int{"text": 3000, "fields": 10},
			elements: "button overflow image " + menus + " " + multi + " " + pickers + " " + choices},
		"header":  {required: "text", optional: "level", max: map[string]int{"text": 150}},
		"divider": {},
		"context": {required: "elements", max: map[string]int{"elements": 10}, elements: "image mrkdwn plain_text"},
		"actions": {required: "elements", max: map[string]int{"elements": 25},
			elements: "button overflow workflow_button " + menus + " " + multi + " " + pickers + " " + choices},
		"image": {required: "alt_text", optional: "image_url slack_file title", max: map[string]int{"alt_text": 2000, "image_url": 3000, "title": 2000}},
		"input": {required: "label element", optional: "hint optional dispatch_action", max: map[string]int{"label": maxLabel, "hint": 2000},
			elements: inputs + " " + menus + " " + multi + " " + pickers + " " + choices},
		"rich_text": {required: "elements"},
		"markdown":  {required: "text", max: map[string]int{"text": 12_000}, messageOnly: true},
		"table":     {required: "rows", optional: "column_settings", max: map[string]int{"rows": 100, "column_settings": 20}, messageOnly: true},
		"video": {required: "alt_text title thumbnail_url video_url", optional: "author_name description provider_icon_url provider_name title_url",
			max: map[string]int{"title": 200, "description": 200, "author_name": 50}},
		"file": {required: "external_id source", messageOnly: true},
	}
}

func elementShapes() map[string]shape {
	common := " placeholder confirm focus_on_load"
	shapes := map[string]shape{
		"button": {required: "text", optional: "url value style confirm accessibility_label",
			max: map[string]int{"text": 75, "value": 2000, "url": 3000, "accessibility_label": 75}},
		"workflow_button":      {required: "text workflow", optional: "style accessibility_label", max: map[string]int{"text": 75}},
		"overflow":             {required: "options", optional: "confirm", max: map[string]int{"options": 5}},
		"image":                {required: "alt_text", optional: "image_url slack_file", max: map[string]int{"alt_text": 2000, "image_url": 3000}},
		"checkboxes":           {required: "options", optional: "initial_options confirm focus_on_load", max: map[string]int{"options": 10}},
		"radio_buttons":        {required: "options", optional: "initial_option confirm focus_on_load", max: map[string]int{"options": 10}},
		"datepicker":           {optional: "initial_date" + common},
		"timepicker":           {optional: "initial_time timezone" + common},
		"datetimepicker":       {optional: "initial_date_time confirm focus_on_load"},
		"plain_text_input":     {optional: "initial_value multiline min_length max_length dispatch_action_config focus_on_load placeholder", max: map[string]int{"initial_value": 3000}},
		"number_input":         {required: "is_decimal_allowed", optional: "initial_value min_value max_value dispatch_action_config focus_on_load placeholder"},
		"email_text_input":     {optional: "initial_value dispatch_action_config focus_on_load placeholder"},
		"url_text_input":       {optional: "initial_value dispatch_action_config focus_on_load placeholder"},
		"rich_text_input":      {optional: "initial_value dispatch_action_config focus_on_load placeholder"},
		"file_input":           {optional: "filetypes max_files"},
		"static_select":        {optional: "options option_groups initial_option" + common, max: map[string]int{"options": 100, "option_groups": 100}},
		"external_select":      {optional: "initial_option min_query_length" + common},
		"users_select":         {optional: "initial_user" + common},
		"conversations_select": {optional: "initial_conversation default_to_current_conversation response_url_enabled filter" + common},
		"channels_select":      {optional: "initial_channel response_url_enabled" + common},
	}
	for name, initial := range map[string]string{
		"static_select": "initial_options", "external_select": "initial_options", "users_select": "initial_users",
		"conversations_select": "initial_conversations", "channels_select": "initial_channels",
	} {
		s := shapes[name]
		s.optional += " max_selected_items " + initial
		shapes["multi_"+name] = s
	}
	return shapes
}

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
	for name, limit := range s.max {
		at := where + "/" + name
		switch v := o[name].(type) {
		case string:
			c.length(at, v, limit)
			if name == "text" {
				c.chars += utf8.RuneCountInString(v)
			}
		case map[string]any:
			c.text(at, v, limit)
		case []any:
			if len(v) > limit {
				c.add(at, "no more than %d items allowed", limit)
			}
		case nil:
		default:
			c.add(at, "must be a string, an object or an array")
		}
	}
	for i, option := range options(o) {
		c.option(fmt.Sprintf("%s/options/%d", where, i), option)
	}
	if confirm, ok := o["confirm"].(map[string]any); ok {
		c.fields(where+"/confirm", confirm, shape{
			required: "title text confirm deny", optional: "style",
			max: map[string]int{"title": 100, "text": 300, "confirm": 30, "deny": 30},
		}, "")
	}
}

func (c *blockCheck) option(where string, o map[string]any) {
	c.fields(where, o, shape{
		required: "text value", optional: "description url", max: map[string]int{"text": 75, "value": 150, "description": 75, "url": 3000},
	}, "")
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
