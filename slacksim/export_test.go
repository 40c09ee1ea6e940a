package slacksim

import "slices"

// MethodNames lets the tests make sure that they walk the whole table.
func MethodNames() []string {
	var names []string
	for name := range webMethods() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// RequiredArgs are the arguments that the table requires of a method.
func RequiredArgs(name string) []string {
	var required []string
	for arg, a := range webMethods()[name].args {
		if a.required {
			required = append(required, arg)
		}
	}
	slices.Sort(required)
	return required
}

// PostBlocks posts blocks to #ops without a network and returns the error code.
func (w *Workspace) PostBlocks(blocks string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _, body := w.answerCall("chat.postMessage", map[string]any{"channel": "C0OPS00001", "text": "x", "blocks": blocks}, w.cfg.App.BotToken, nil, "")
	return Call{Answer: body}.Error()
}

// PerMinute is a method's rate limit.
func PerMinute(name string) int { return int(webMethods()[name].tier) }

// TriggerOf is the trigger_id of something that user has just done.
func (w *Workspace) TriggerOf(user string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newTrigger(user, "")
}

// Preview is the beginning of a text as files show it.
func Preview(text string) string { return preview(text) }
