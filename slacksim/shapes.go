package slacksim

// A shape is what a block or an element may hold, after https://docs.slack.dev/reference/block-kit.
type shape struct {
	// required and optional name the fields. Anything else is an error, as at Slack.
	required, optional string
	// texts limits text objects, in characters; plain names those that take plain_text only.
	texts map[string]int
	plain string
	// max limits strings, in characters, and arrays, in items.
	max map[string]int
	// elements are the types its elements, accessory or element may have.
	elements string
	// messageOnly marks what views cannot hold.
	messageOnly bool
}

const (
	menus   = "static_select external_select users_select conversations_select channels_select"
	multi   = "multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select"
	pickers = "datepicker timepicker datetimepicker checkboxes radio_buttons"
	inputs  = "plain_text_input number_input email_text_input url_text_input rich_text_input file_input"
	choices = menus + " " + multi + " " + pickers
	maxID   = 255
)

func blockShapes() map[string]shape {
	return map[string]shape{
		"section": {
			optional: "text fields accessory expand", texts: map[string]int{"text": 3000}, max: map[string]int{"fields": 10},
			elements: "button overflow image " + choices,
		},
		"header":  {required: "text", optional: "level", texts: map[string]int{"text": 150}, plain: "text"},
		"divider": {},
		"context": {required: "elements", max: map[string]int{"elements": 10}, elements: "image mrkdwn plain_text"},
		"actions": {required: "elements", max: map[string]int{"elements": 25}, elements: "button overflow workflow_button " + choices},
		"image": {
			required: "alt_text", optional: "image_url slack_file title", texts: map[string]int{"title": 2000}, plain: "title",
			max: map[string]int{"alt_text": 2000, "image_url": 3000},
		},
		"input": {
			required: "label element", optional: "hint optional dispatch_action", texts: map[string]int{"label": 2000, "hint": 2000},
			plain: "label hint", elements: inputs + " " + choices,
		},
		"rich_text": {required: "elements"},
		"markdown":  {required: "text", max: map[string]int{"text": 12_000}, messageOnly: true},
		"table":     {required: "rows", optional: "column_settings", max: map[string]int{"rows": 100, "column_settings": 20}, messageOnly: true},
		"video": {
			required: "alt_text title thumbnail_url video_url", optional: "author_name description provider_icon_url provider_name title_url",
			texts: map[string]int{"title": 200, "description": 200}, plain: "title description", max: map[string]int{"author_name": 50},
		},
		"file": {required: "external_id source", messageOnly: true},
	}
}

func elementShapes() map[string]shape {
	asked := shape{optional: "placeholder confirm focus_on_load", texts: map[string]int{"placeholder": 150}, plain: "placeholder"}
	with := func(s shape, fields string) shape {
		s.optional += " " + fields
		return s
	}
	typed := with(shape{texts: asked.texts, plain: "placeholder"}, "placeholder initial_value dispatch_action_config focus_on_load")
	typed.max = map[string]int{"initial_value": 3000}
	listed := with(asked, "options option_groups initial_option")
	listed.max = map[string]int{"options": 100, "option_groups": 100}
	ticked := shape{required: "options", optional: "confirm focus_on_load initial_option initial_options", max: map[string]int{"options": 10}}
	number := with(typed, "min_value max_value")
	number.required = "is_decimal_allowed"
	shapes := map[string]shape{
		"button": {
			required: "text", optional: "url value style confirm accessibility_label", texts: map[string]int{"text": 75}, plain: "text",
			max: map[string]int{"value": 2000, "url": 3000, "accessibility_label": 75},
		},
		"workflow_button":      {required: "text workflow", optional: "style accessibility_label", texts: map[string]int{"text": 75}, plain: "text"},
		"overflow":             {required: "options", optional: "confirm", max: map[string]int{"options": 5}},
		"image":                {required: "alt_text", optional: "image_url slack_file", max: map[string]int{"alt_text": 2000, "image_url": 3000}},
		"checkboxes":           ticked,
		"radio_buttons":        ticked,
		"datepicker":           with(asked, "initial_date"),
		"timepicker":           with(asked, "initial_time timezone"),
		"datetimepicker":       {optional: "initial_date_time confirm focus_on_load"},
		"plain_text_input":     with(typed, "multiline min_length max_length"),
		"number_input":         number,
		"email_text_input":     typed,
		"url_text_input":       typed,
		"rich_text_input":      with(shape{texts: asked.texts, plain: "placeholder"}, "placeholder initial_value dispatch_action_config focus_on_load"),
		"file_input":           {optional: "filetypes max_files"},
		"static_select":        listed,
		"external_select":      with(asked, "initial_option min_query_length"),
		"users_select":         with(asked, "initial_user"),
		"conversations_select": with(asked, "initial_conversation default_to_current_conversation response_url_enabled filter"),
		"channels_select":      with(asked, "initial_channel response_url_enabled"),
	}
	for name, initial := range map[string]string{
		"static_select": "initial_options", "external_select": "initial_options", "users_select": "initial_users",
		"conversations_select": "initial_conversations", "channels_select": "initial_channels",
	} {
		shapes["multi_"+name] = with(shapes[name], "max_selected_items "+initial)
	}
	return shapes
}

func confirmShape() shape {
	return shape{
		required: "title text confirm deny", optional: "style",
		texts: map[string]int{"title": 100, "text": 300, "confirm": 30, "deny": 30}, plain: "title confirm deny",
	}
}

func optionShape() shape {
	return shape{
		required: "text value", optional: "description url", texts: map[string]int{"text": 75, "description": 75},
		max: map[string]int{"value": 150, "url": 3000},
	}
}

func viewShape(kind string) shape {
	s := shape{
		required: "type blocks", optional: "title submit close private_metadata callback_id external_id clear_on_close notify_on_close submit_disabled",
		texts: map[string]int{"title": 24, "submit": 24, "close": 24}, plain: "title submit close",
		max: map[string]int{"private_metadata": 3000, "callback_id": 255, "external_id": maxID},
	}
	if kind == "modal" {
		s.required += " title"
	}
	return s
}
