package incident

import (
	"fmt"
	"strings"
	"time"
)

// maxRoomName is the longest name of a channel (https://docs.slack.dev/reference/methods/conversations.create).
const maxRoomName = 80

// RoomName is the try-th name (from 1) for the channel of an incident of service, detected at day: inc-20261123-backend-down. It is legal in
// Slack whatever the service is called.
func RoomName(service, title string, day time.Time, try int) string {
	what := slug(service)
	if what == "" {
		what = slug(title)
	}
	if what == "" {
		what = "service"
	}
	tail := "-down"
	if try > 1 {
		tail += fmt.Sprintf("-%d", try)
	}
	head := "inc-" + day.UTC().Format("20060102") + "-"
	what = strings.Trim(what[:min(len(what), maxRoomName-len(head)-len(tail))], "-_")
	return head + what + tail
}

// slug keeps what Slack allows in a name: small letters, digits, - and _.
func slug(s string) string {
	var b strings.Builder
	dash := true
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
			dash = false
		case !dash:
			b.WriteByte('-')
			dash = true
		}
	}
	return strings.Trim(b.String(), "-_")
}
