package incident

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/svcdown/svcdown/redact"
)

// Meeting is a proposal to talk about an incident.
type Meeting struct {
	Incident string
	Title    redact.Text
	Text     redact.Text
	Start    time.Time
	Length   time.Duration
	// Made is when it was proposed.
	Made time.Time
}

// ICS is the meeting as a file for calendars (RFC 5545): lines end in CRLF and are folded at 75 octets, times are in UTC. It asks nobody to
// come (METHOD:PUBLISH, RFC 5546): whoever imports it invites. The UID is the same each time, so that importing it again makes no second one.
// Text of others is one value each, whatever it holds.
func (m Meeting) ICS() redact.Text {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(folded(name + ":" + value)) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//svcdown//incident//EN")
	line("METHOD", "PUBLISH")
	line("BEGIN", "VEVENT")
	line("UID", icsText("postmortem-"+m.Incident+"@svcdown"))
	line("DTSTAMP", icsTime(m.Made))
	line("DTSTART", icsTime(m.Start))
	line("DTEND", icsTime(m.Start.Add(m.Length)))
	line("SUMMARY", icsText(m.Title.String()))
	line("DESCRIPTION", icsText(m.Text.String()))
	line("STATUS", "TENTATIVE")
	line("END", "VEVENT")
	line("END", "VCALENDAR")
	return redact.Clean(b.String())
}

func icsTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

var (
	icsEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)
	// lineEnds are what some reader takes for the end of a line.
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n", "\v", "\n", "\f", "\n")
)

// icsText is a value of type TEXT (RFC 5545, 3.3.11). Control letters are not allowed in it.
func icsText(s string) string {
	kept := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, lineEnds.Replace(s))
	return icsEscapes.Replace(kept)
}

// maxOctets is the length of a line without its end (RFC 5545, 3.1).
const maxOctets = 75

// folded breaks a content line between letters, never inside of one.
func folded(s string) string {
	var b strings.Builder
	room := maxOctets
	for _, r := range s {
		n := utf8.RuneLen(r)
		if n > room {
			b.WriteString("\r\n ")
			room = maxOctets - 1
		}
		b.WriteRune(r)
		room -= n
	}
	b.WriteString("\r\n")
	return b.String()
}
