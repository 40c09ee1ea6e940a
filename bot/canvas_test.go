package bot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

func TestACanvasIsWrittenOnceWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]slacksim.Fault{
		"when all is well":         nil,
		"when the answer is lost":  {{Method: "conversations.canvases.create", Kind: slacksim.FaultLostAnswer}},
		"when Slack says to wait":  {{Method: "conversations.canvases.create", Kind: slacksim.FaultRateLimit}},
		"when its address is lost": {{Method: "files.info", Kind: slacksim.FaultError, Error: "not_visible"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			channel, err := b.OpenRoom(b.ctx, room, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				b.fault(t, f)
			}
			for range 2 { // an earlier life of the bot made it and never said so
				url, err := b.WriteCanvas(b.ctx, channel, redact.Const("Postmortem I-7K3MQX"), redact.Const("# Postmortem"))
				if err != nil || !strings.Contains(url, "/docs/"+team+"/F") {
					t.Errorf("it is at %q, %v", url, err)
				}
			}
			if made := b.made("conversations.canvases.create") + b.made("canvases.create"); made != 1 {
				t.Errorf("%d canvases were made", made)
			}
		})
	}
}

func TestACanvasOfPeopleIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	channel, err := b.OpenRoom(b.ctx, room, false)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := b.WriteCanvas(b.ctx, channel, redact.Const("Our notes"), redact.Const("do not lose this"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := b.WriteCanvas(b.ctx, channel, redact.Const("Postmortem I-7K3MQX"), redact.Const("# Postmortem"))
	if err != nil || ours == theirs {
		t.Errorf("ours is %s, theirs %s, %v", ours, theirs, err)
	}
	if _, text, ok := b.slack.Canvas(theirs[strings.LastIndex(theirs, "/")+1:]); !ok || text != "do not lose this" {
		t.Errorf("theirs says %q", text)
	}
}

func TestBesideACanvasOfPeopleThereIsOneOfOurs(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]slacksim.Fault{
		"when all is well":        nil,
		"when the answer is lost": {{Method: "canvases.create", Kind: slacksim.FaultLostAnswer}},
		"when Slack breaks off":   {{Method: "canvases.create", Kind: slacksim.FaultError, Error: "internal_error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			channel, err := b.OpenRoom(b.ctx, room, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.WriteCanvas(b.ctx, channel, redact.Const("Our notes"), redact.Const("do not lose this")); err != nil {
				t.Fatal(err)
			}
			write := func() (string, error) {
				return b.WriteCanvas(b.ctx, channel, redact.Const("Postmortem I-7K3MQX"), redact.Const("# Postmortem"))
			}
			for _, f := range faults {
				b.fault(t, f)
				_, err := write()
				if d, ok := errors.AsType[*bot.DeliveryError](err); !ok || !d.Temporary {
					t.Errorf("whether it was made is not known, and it says %v", err)
				}
			}
			first, err := write()
			if err != nil {
				t.Fatal(err)
			}
			for n := range 21 { // more than a page of files that are newer
				if err := b.At(card.Address{Kind: "slack", Team: team, Channel: channel}).Upload(b.ctx, card.File{Name: fmt.Sprintf("%d.txt", n), Content: redact.Const("x")}); err != nil {
					t.Fatal(err)
				}
			}
			again, err := write() // an earlier life of the bot made it and never said so
			if err != nil || again != first {
				t.Errorf("it is at %s, then at %s, %v", first, again, err)
			}
			if n := b.made("canvases.create"); n != 1 {
				t.Errorf("%d canvases were made beside theirs", n)
			}
		})
	}
}

func TestWhereCanvasesAreNotAllowedThatIsSaid(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"missing_scope": "canvases:write", "team_tier_cannot_create_channel_canvases": "plan", "canvas_disabled_user_team": "does not allow canvases", "canvas_creation_failed": "refused it (canvas_creation_failed)",
	} {
		b := setup(t, options{offline: true})
		channel, err := b.OpenRoom(b.ctx, room, false)
		if err != nil {
			t.Fatal(err)
		}
		b.fault(t, slacksim.Fault{Method: "conversations.canvases.create", Kind: slacksim.FaultError, Error: code})
		_, err = b.WriteCanvas(b.ctx, channel, redact.Const("Postmortem"), redact.Const("#"))
		var no *handlers.NoCanvas
		if !errors.As(err, &no) || !strings.Contains(no.Why.String(), want) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// made counts the calls of a method that did something, whether or not their answer arrived.
func (b *bundle) made(method string) (n int) {
	for _, c := range b.slack.Calls(method) {
		if c.Error() == "" {
			n++
		}
	}
	return n
}
