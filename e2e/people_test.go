package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/slacksim"
)

// patience is how long a story waits to see something.
const patience = 60 * time.Second

// cmdSay: say USER CHANNEL TEXT types at channel level.
func cmdSay(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: say USER CHANNEL TEXT")
	}
	_, err := of(ts).slack.Say(args[0], args[1], "", strings.Join(args[2:], " "))
	ts.Check(err)
}

// cmdReply: reply USER TEXT types into the thread of the message seen last.
func cmdReply(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	thread := s.last.ThreadTS
	if thread == "" {
		thread = s.last.TS
	}
	_, err := s.slack.Say(args[0], s.last.Channel, thread, strings.Join(args[1:], " "))
	ts.Check(err)
}

// cmdSee: see CHANNEL REGEXP [REGEXP...] waits for a message that everybody there can see and that matches all; it becomes the last one.
func cmdSee(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: see [-until] CHANNEL REGEXP...; to assert absence use never")
	}
	if args[0] == "-until" {
		s.askUntil(ts, args[1], args[2], args[3:])
		return
	}
	channel := s.channel(ts, args[0])
	s.wait(ts, args[1:], func(m slacksim.Message) bool { return m.Channel == channel && !m.Ephemeral })
}

// askUntil asks again until an answer matches: see -until CHANNEL COMMAND REGEXP... is for what the cluster shows only after a while.
func (s *story) askUntil(ts *testscript.TestScript, channel, command string, patterns []string) {
	id := s.channel(ts, channel)
	ts.Check(until(2*patience, func() error {
		if _, err := s.slack.Say("alice", channel, "", command); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		m, err := s.slack.WaitMessage(ctx, func(m slacksim.Message) bool {
			return m.Channel == id && !m.Ephemeral && matches(m, patterns)
		})
		if err != nil {
			return fmt.Errorf("%q shows no %q: %w\n%s\n%s", command, patterns, err, s.transcript(), s.logs())
		}
		s.last = m
		return nil
	}))
	ts.Logf("seen: %s", strings.ReplaceAll(flat(s.last), "\n", " ⏎ "))
}

// cmdCount: count CHANNEL REGEXP N asserts how many messages there match now.
func cmdCount(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	re, n := regexp.MustCompile("(?s)"+args[1]), 0
	for _, m := range s.slack.Messages(s.channel(ts, args[0])) {
		if !m.Ephemeral && re.MatchString(flat(m)) {
			n++
		}
	}
	if fmt.Sprint(n) != args[2] {
		ts.Fatalf("%d messages match %q, want %s\n%s", n, args[1], args[2], s.transcript())
	}
}

// cmdAlone: alone USER REGEXP... waits for an ephemeral message that only this person sees, later than the one heard before. What see found
// stays the last one: that is where people click, unless with -click.
func cmdAlone(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	click := args[0] == "-click"
	if click {
		args = args[1:]
	}
	user, heard, shown := userID(args[0]), s.heard[args[0]], s.last
	s.wait(ts, args[1:], func(m slacksim.Message) bool { return m.EphemeralTo == user && m.TS > heard })
	s.heard[args[0]] = s.last.TS
	if !click {
		s.last = shown
	}
}

// cmdDM: dm USER REGEXP... waits for a direct message of the bot to this person.
func cmdDM(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	ts.Check(until(patience, func() error {
		for _, c := range s.slack.Calls("conversations.open") {
			var opened struct{ Channel struct{ ID string } }
			if !strings.Contains(fmt.Sprint(c.Args["users"]), userID(args[0])) || json.Unmarshal(c.Answer, &opened) != nil {
				continue
			}
			for _, m := range s.slack.Messages(opened.Channel.ID) {
				if m.BotID != "" && matches(m, args[1:]) {
					s.last = m
					return nil
				}
			}
		}
		return fmt.Errorf("no direct message to %s matches %q\n%s\n%s", args[0], args[1:], s.transcript(), s.logs())
	}))
}

func matches(m slacksim.Message, patterns []string) bool {
	return !slices.ContainsFunc(patterns, func(p string) bool { return !regexp.MustCompile("(?s)" + p).MatchString(flat(m)) })
}

func (s *story) wait(ts *testscript.TestScript, patterns []string, where func(slacksim.Message) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := s.slack.WaitMessage(ctx, func(m slacksim.Message) bool {
		return where(m) && matches(m, patterns)
	})
	if err != nil {
		ts.Fatalf("waiting for %q: %v\n%s\n%s", patterns, err, s.transcript(), s.logs())
	}
	s.last = m
	ts.Logf("seen: %s", strings.ReplaceAll(flat(m), "\n", " ⏎ "))
}

// cmdNever: never CHANNEL REGEXP asserts that no message there matches now, ephemeral ones included.
func cmdNever(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	re := regexp.MustCompile("(?s)" + args[1])
	for _, m := range s.slack.Messages(s.channel(ts, args[0])) {
		if re.MatchString(flat(m)) {
			ts.Fatalf("%s has a message that matches %q: %s", args[0], args[1], flat(m))
		}
	}
}

// cmdPings: pings asserts that the last seen message pings somebody; ! pings that it pings nobody.
func cmdPings(ts *testscript.TestScript, neg bool, args []string) {
	m := of(ts).last
	if neg && len(m.Pings) > 0 {
		ts.Fatalf("the message pings %v: %s", m.Pings, flat(m))
	}
	if !neg && !slices.Contains(m.Pings, userID(args[0])) {
		ts.Fatalf("the message pings %v, not %s", m.Pings, args[0])
	}
}

// cmdRemember: remember VAR keeps the ID of the request, or of the checklist, of the last seen message.
func cmdRemember(ts *testscript.TestScript, _ bool, args []string) {
	id := regexp.MustCompile(`\b[RC]-[2-9A-Z]{6}\b`).FindString(flat(of(ts).last))
	if id == "" {
		ts.Fatalf("the last message names no request and no checklist: %s", flat(of(ts).last))
	}
	ts.Setenv(args[0], id)
}

// cmdClick: click [-twice] USER LABEL [VALUE] presses a button of the last seen message, where several are called so the one whose value matches; click -old presses it as it stood when it was seen, whatever
// the card shows by now: the client of somebody who has not caught up.
func cmdClick(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	times := 1
	if args[0] == "-twice" {
		times, args = 2, args[1:]
	}
	old := args[0] == "-old"
	if old {
		args = args[1:]
	} else {
		s.look()
	}
	block, action, value := button(s.last, args[1], strings.Join(args[2:], " "))
	if action == "" {
		ts.Fatalf("no button %q in: %s", args[1], flat(s.last))
	}
	for range times {
		err := s.slack.Act(slacksim.Action{User: args[0], Channel: s.last.Channel, MessageTS: s.last.TS, BlockID: block, ActionID: action, Value: value, Forge: old})
		if (err != nil) != neg {
			ts.Fatalf("click %s by %s: %v", args[1], args[0], err)
		}
	}
}

// look takes the last seen message as it is now: people click on what stands there, and cards are edited.
func (s *story) look() {
	for _, m := range s.slack.Messages(s.last.Channel) {
		if m.TS == s.last.TS {
			s.last = m
		}
	}
}

// cmdForge: forge USER LABEL VALUE presses a button with another value than the app gave it.
func cmdForge(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	block, action, _ := button(s.last, args[1], "")
	ts.Check(s.slack.Act(slacksim.Action{User: args[0], Channel: s.last.Channel, MessageTS: s.last.TS, BlockID: block, ActionID: action, Value: args[2], Forge: true}))
}

// cmdFiles: files REGEXP waits for an upload by the bot whose name matches.
func cmdFiles(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	re := regexp.MustCompile(args[0])
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := s.slack.WaitMessage(ctx, func(m slacksim.Message) bool {
		return slices.ContainsFunc(m.Files, func(f slacksim.File) bool { return re.MatchString(f.Name) })
	})
	if err != nil {
		ts.Fatalf("no file %q: %v\n%s", args[0], err, s.transcript())
	}
}

// cmdFault: fault METHOD KIND [TIMES], where KIND may be error:CODE; cmdSocket: socket OP; cmdGroup: group HANDLE [USER...] sets the members.
func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	f := slacksim.Fault{Method: args[0], Kind: args[1], Times: 1, RetryAfter: 1}
	if kind, code, ok := strings.Cut(f.Kind, ":"); ok {
		f.Kind, f.Error = kind, code
	}
	if len(args) > 2 {
		_, err := fmt.Sscan(args[2], &f.Times)
		ts.Check(err)
	}
	ts.Check(of(ts).slack.Fault(f))
}

func cmdSocket(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(of(ts).slack.Socket(slacksim.SocketOp{Op: args[0]}))
}

func cmdGroup(ts *testscript.TestScript, _ bool, args []string) {
	_, err := of(ts).slack.ChangeUsergroup(slacksim.Usergroup{Handle: args[0], Users: args[1:]})
	ts.Check(err)
}

// cmdInvite: invite CHANNEL puts the bot into a channel; ! invite takes it out.
func cmdInvite(ts *testscript.TestScript, neg bool, args []string) {
	c := slacksim.ChannelChange{Name: args[0], AddMembers: []string{"U0SVCDOWN1"}}
	if neg {
		c = slacksim.ChannelChange{Name: args[0], RemoveMembers: []string{"U0SVCDOWN1"}}
	}
	_, err := of(ts).slack.ChangeChannel(c)
	ts.Check(err)
}

func (s *story) channel(ts *testscript.TestScript, name string) string {
	for _, c := range slacksim.Marketplace().Channels {
		if c.Name == name {
			return c.ID
		}
	}
	if id, ok := s.made[name]; ok {
		return id
	}
	for _, r := range s.rooms() {
		if r.Name == name {
			return r.ID
		}
	}
	ts.Fatalf("there is no channel %s", name)
	return ""
}

func userID(name string) string {
	for _, u := range slacksim.Marketplace().Users {
		if u.Name == name {
			return u.ID
		}
	}
	return name
}

// flat is all text of a message as a person reads it.
func flat(m slacksim.Message) string {
	var b strings.Builder
	b.WriteString(m.Text)
	for _, block := range m.Blocks {
		walk(block, func(key string, v any) {
			if text, ok := v.(string); ok && (key == "text" || key == "markdown") {
				b.WriteString("\n" + text)
			}
		})
	}
	for _, f := range m.Files {
		b.WriteString("\nfile " + f.Name)
	}
	return b.String()
}

func walk(v any, visit func(key string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps(v)) {
			visit(k, v[k])
			walk(v[k], visit)
		}
	case []any:
		for _, x := range v {
			visit("", x)
			walk(x, visit)
		}
	}
}

func maps(m map[string]any) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// button finds the button whose label contains label and whose value matches value, "" for any.
func button(m slacksim.Message, label, value string) (block, action, is string) {
	re := regexp.MustCompile(value)
	for _, b := range m.Blocks {
		walk(map[string]any{"block": map[string]any(b)}, func(_ string, v any) {
			el, _ := v.(map[string]any)
			text, _ := el["text"].(map[string]any)
			has, _ := el["value"].(string)
			if action == "" && el["type"] == "button" && text != nil && strings.Contains(fmt.Sprint(text["text"]), label) && re.MatchString(has) {
				block, _ = b["block_id"].(string)
				action, _ = el["action_id"].(string)
				is = has
			}
		})
	}
	return block, action, is
}

// transcript is everything said, for a failed story.
func (s *story) transcript() string {
	var b strings.Builder
	for _, c := range slacksim.Marketplace().Channels {
		for _, m := range s.slack.Messages(c.ID) {
			to := ""
			if m.EphemeralTo != "" {
				to = " (only " + m.EphemeralTo + ")"
			}
			fmt.Fprintf(&b, "#%s %s%s%s: %s\n", c.Name, m.TS, to, m.User, flat(m))
		}
	}
	for _, r := range s.rooms() {
		for _, m := range s.slack.Messages(r.ID) {
			fmt.Fprintf(&b, "#%s %s %s: %s\n", r.Name, m.TS, m.User, flat(m))
		}
	}
	return b.String()
}

func (s *story) logs() string {
	var b strings.Builder
	for name, p := range s.bots {
		fmt.Fprintf(&b, "--- bot %s\n%s", name, p.out)
	}
	return b.String()
}
