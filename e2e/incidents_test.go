package e2e_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/slacksim"
)

// room is a channel that the bot made.
type room struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	IsPrivate bool   `json:"is_private"`
}

// rooms are the channels that the bot made, oldest first.
func (s *story) rooms() []room {
	var out []room
	for _, c := range s.slack.Calls("conversations.create") {
		var answer struct {
			OK      bool `json:"ok"`
			Channel room `json:"channel"`
		}
		if json.Unmarshal(c.Answer, &answer) == nil && answer.OK {
			out = append(out, answer.Channel)
		}
	}
	return out
}

// cmdRoom: room VAR REGEXP waits for the bot to make a channel whose name matches, and keeps the name.
func cmdRoom(ts *testscript.TestScript, _ bool, args []string) {
	s, re := of(ts), regexp.MustCompile("^"+args[1]+"$")
	ts.Check(until(patience, func() error {
		for _, r := range s.rooms() {
			if re.MatchString(r.Name) {
				ts.Setenv(args[0], r.Name)
				return nil
			}
		}
		return fmt.Errorf("no channel %q was made: %v\n%s\n%s", args[1], s.rooms(), s.transcript(), s.logs())
	}))
}

// cmdRooms: rooms N asserts how many channels the bot made.
func cmdRooms(ts *testscript.TestScript, _ bool, args []string) {
	if got := of(ts).rooms(); strconv.Itoa(len(got)) != args[0] {
		ts.Fatalf("the bot made the channels %v, want %s", got, args[0])
	}
}

// cmdChannel: channel [-private] NAME [USER...] is people making a channel of their own.
func cmdChannel(ts *testscript.TestScript, _ bool, args []string) {
	s, private := of(ts), args[0] == "-private"
	if private {
		args = args[1:]
	}
	id, err := s.slack.ChangeChannel(slacksim.ChannelChange{Name: args[0], IsPrivate: &private, AddMembers: args[1:]})
	ts.Check(err)
	s.made[args[0]] = id
}

// cmdToday: today VAR FORMAT keeps today's date, as Go writes it.
func cmdToday(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], time.Now().UTC().Format(args[1]))
}

// cmdPushpin: pushpin USER marks the message seen last.
func cmdPushpin(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	ts.Check(s.slack.React(args[0], s.last.Channel, s.last.TS, "pushpin", false))
}

// cmdFile: file REGEXP... waits for a file whose name and content match all, and prints it.
func cmdFile(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	name := regexp.MustCompile(args[0])
	ts.Check(until(patience, func() error {
		var lacking string
		for _, r := range s.rooms() {
			for _, m := range s.slack.Messages(r.ID) {
				for _, f := range m.Files {
					if !name.MatchString(f.Name) {
						continue
					}
					content, err := s.download(f)
					if err != nil {
						return err
					}
					if slices.ContainsFunc(args[1:], func(p string) bool { return !regexp.MustCompile("(?s)" + p).MatchString(content) }) {
						lacking = content
						continue
					}
					ts.Logf("%s:\n%s", f.Name, content)
					return nil
				}
			}
		}
		return fmt.Errorf("no file %q has %q\n%s\n%s\n%s", args[0], args[1:], lacking, s.transcript(), s.logs())
	}))
}

// cmdIncident: incident VAR keeps the incident's ID of the last seen message.
func cmdIncident(ts *testscript.TestScript, _ bool, args []string) {
	id := regexp.MustCompile(`I-[2-9A-Z]{6}`).FindString(flat(of(ts).last))
	if id == "" {
		ts.Fatalf("the last message names no incident: %s", flat(of(ts).last))
	}
	ts.Setenv(args[0], id)
}

// cmdCalls: calls METHOD N asserts how often the bot called a method with success.
func cmdCalls(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	for _, c := range of(ts).slack.Calls(args[0]) {
		if c.Error() == "" {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%d calls of %s, want %s", n, args[0], args[1])
	}
}

// cmdShortcut: shortcut [-message] USER CALLBACK chooses one of the app's shortcuts, -message that of the message seen last.
func cmdShortcut(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	channel, message := "", ""
	if args[0] == "-message" {
		channel, message, args = s.last.Channel, s.last.TS, args[1:]
	}
	ts.Check(s.slack.Shortcut(args[0], args[1], channel, message))
}

// cmdArchived: archived CHANNEL waits for the bot to archive it.
func cmdArchived(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	id := s.channel(ts, args[0])
	ts.Check(until(patience, func() error {
		for _, c := range s.slack.Calls("conversations.archive") {
			if c.Args["channel"] == id && c.Error() == "" {
				return nil
			}
		}
		return fmt.Errorf("%s is not archived\n%s", args[0], s.logs())
	}))
}

// cmdHome: home USER REGEXP... opens the home tab until it shows all of it.
func cmdHome(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	ts.Check(until(patience, func() error {
		if err := s.slack.OpenHome(args[0]); err != nil {
			return err
		}
		var shown string
		for _, c := range slices.Backward(s.slack.Calls("views.publish")) {
			if c.Args["user_id"] == userID(args[0]) {
				shown = fmt.Sprint(c.Args["view"])
				break
			}
		}
		for _, p := range args[1:] {
			if !regexp.MustCompile("(?s)" + p).MatchString(shown) {
				return fmt.Errorf("the home tab of %s lacks %q: %s", args[0], p, strings.TrimSpace(shown))
			}
		}
		return nil
	}))
}

// cmdTimeline: timeline FILE prints the timeline that the last output of a command shows, and compares it, with times, IDs and spans masked, with FILE. Two things that happen in the same second may stand in either order.
func cmdTimeline(ts *testscript.TestScript, _ bool, args []string) {
	said := ts.ReadFile("stdout")
	line := regexp.MustCompile(`(?m)^\s*(\d\d:\d\d:\d\d .*)$`)
	differs := []struct{ what, mask string }{
		{`^\d\d:\d\d:\d\d`, "hh:mm:ss"}, {`\b(R|I)-[2-9A-Z]{6}\b`, "$1-XXXXXX"}, {`inc-\d{8}`, "inc-yyyymmdd"}, {`\b\d+ (s|min)\b`, "N s"},
		{`(→ resolved: ).*`, "${1}…"},                                       // whether the metrics had figures by then
		{`(\d of \d pods (?:are|cannot)|all \d pods are ready) .*`, "$1 …"}, // how far the kubelets were when they were asked
	}
	var whole, masked []string
	for _, found := range line.FindAllStringSubmatch(said, -1) {
		text := found[1]
		whole = append(whole, text)
		for _, d := range differs {
			text = regexp.MustCompile(d.what).ReplaceAllString(text, d.mask)
		}
		masked = append(masked, text)
	}
	ts.Logf("timeline:\n%s", strings.Join(whole, "\n"))
	slices.Sort(masked)
	want := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	slices.Sort(want)
	if diff := cmp.Diff(want, masked); diff != "" {
		ts.Fatalf("timeline (-want +got):\n%s\n%s", diff, said)
	}
}
