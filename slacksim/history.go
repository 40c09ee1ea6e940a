package slacksim

import "slices"

func channelHistory(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	found, err := c.between(c.messages[ch.ID], func(m *Message) bool {
		return !m.inThread() || m.Subtype == "thread_broadcast"
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found) // newest first
	part, next, err := paged(c, found, 100)
	if err != nil {
		return nil, err
	}
	out := answer{"messages": part, "has_more": next["next_cursor"] != "", "pin_count": len(ch.pins)}
	if next["next_cursor"] != "" {
		out["response_metadata"] = next
	}
	return out, nil
}

func threadReplies(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	head := c.message(ch.ID, c.str("ts"))
	if head == nil || head.Ephemeral {
		return nil, refuse("thread_not_found")
	}
	top := head.TS
	if head.inThread() {
		top = head.ThreadTS
	}
	found, err := c.between(c.messages[ch.ID], func(m *Message) bool { return m.TS == top || m.ThreadTS == top })
	if err != nil {
		return nil, err
	}
	part, next, err := paged(c, found, maxPage)
	if err != nil {
		return nil, err
	}
	out := answer{"messages": part, "has_more": next["next_cursor"] != ""}
	if next["next_cursor"] != "" {
		out["response_metadata"] = next
	}
	return out, nil
}

// between picks messages by the oldest, latest and inclusive arguments, oldest first. Ephemeral messages are in no
// history, and metadata only in those that asked for it.
func (c *call) between(all []*Message, keep func(*Message) bool) ([]Message, error) {
	oldest, latest, inclusive := c.str("oldest"), c.str("latest"), c.bool("inclusive")
	if oldest != "" && !isTS(oldest) {
		return nil, refuse("invalid_ts_oldest")
	}
	if latest != "" && !isTS(latest) {
		return nil, refuse("invalid_ts_latest")
	}
	out := []Message{}
	for _, m := range all {
		after := oldest == "" || tsLess(oldest, m.TS) || inclusive && tsEqual(oldest, m.TS)
		before := latest == "" || tsLess(m.TS, latest) || inclusive && tsEqual(latest, m.TS)
		if m.Ephemeral || !after || !before || !keep(m) {
			continue
		}
		copied := m.wire()
		if !c.bool("include_all_metadata") {
			copied.Metadata = nil
		}
		out = append(out, copied)
	}
	return out, nil
}
