package bot_test

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

func TestALogLineCannotPingOrFormat(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	evil := "<!channel> <!here> <@U0BOB00001> <!subteam^S0SENIORS1> @here *bold* `code` <http://evil|good> &lt;!channel&gt; \u202eesrever\u200b"
	c := card.Card{
		Title: redact.F("%s", evil), State: card.Fail, Verdict: redact.F("%s", evil),
		Parts: []card.Part{
			{Text: redact.F("%s", evil)},
			{Facts: []card.Fact{{Label: redact.F("%s", evil), Value: redact.F("%s", evil)}}},
			{Findings: []finding.Finding{{Check: evil, Status: finding.Fail, Line: redact.F("%s", evil), Fix: redact.F("%s", evil)}}},
			{Code: &card.Code{Title: redact.F("%s", evil), Text: redact.F("%s", evil)}},
			{Table: &finding.Table{Columns: []redact.Text{redact.F("%s", evil)}, Rows: [][]redact.Text{{redact.F("%s", evil)}}}},
		},
		Buttons: []card.Button{{Label: redact.F("%s", evil), Verb: "logs", Value: "backend", Confirm: &card.Confirm{Title: redact.F("%s", evil), Body: redact.F("%s", evil), Yes: redact.F("%s", evil)}}},
		Notes:   []redact.Text{redact.F("%s", evil)},
	}
	at, err := b.At(opsAddress).Say(b.ctx, "", c)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.At(at).Update(b.ctx, at, c); err != nil {
		t.Fatal(err)
	}
	if err := b.At(at).Whisper(b.ctx, c); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.slack.Messages("ops") {
		if len(m.Pings) != 0 {
			t.Errorf("a message pings %v: %s", m.Pings, m.Text)
		}
		if s := fmt.Sprint(m.Blocks); strings.ContainsAny(s, "\u202e\u200b") || strings.Contains(s, "mrkdwn") {
			t.Errorf("hidden characters or Markdown in %s", s)
		}
	}
	c.Mentions = []string{"U0BOB00001", "!channel", "<!channel>"}
	if _, err := b.At(opsAddress).Say(b.ctx, "", c); err != nil {
		t.Fatal(err)
	}
	ours := b.ours("ops")
	if diff := cmp.Diff([]string{"U0BOB00001"}, ours[len(ours)-1].Pings); diff != "" {
		t.Errorf("pings of a card that mentions bob (-want +got):\n%s", diff)
	}
}

func TestWhatDoesNotFitGoesAsAFileIntoTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	long := strings.Repeat("a line of a log that never ends\n", 2000)
	c := simple(card.Fail, redact.Const("the logs"))
	c.Parts = []card.Part{{Code: &card.Code{Text: redact.F("%s", long)}}}
	at, err := b.At(opsAddress).Say(b.ctx, "", c)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.At(at).Update(b.ctx, at, c); err != nil {
		t.Fatal(err)
	}
	ours := b.ours("ops")
	if len(ours) != 2 || len(ours[1].Files) != 1 || ours[1].ThreadTS != at.Message || ours[1].Files[0].Size < len(long) {
		t.Fatalf("messages %q, files %+v", texts(ours), ours[len(ours)-1].Files)
	}
	if !strings.Contains(blocksText(ours[0]), "the full text is in the file") {
		t.Error("the card does not say that it is cut")
	}
}

func TestAnUploadSurvivesWhatGoesWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault slacksim.Fault
		files int
	}{
		"a lost answer to the last step": {slacksim.Fault{Method: "files.completeUploadExternal", Kind: slacksim.FaultLostAnswer}, 1},
		"a 500 at the last step":         {slacksim.Fault{Method: "files.completeUploadExternal", Kind: slacksim.FaultHTTP500}, 1},
		"a 429 at the first step":        {slacksim.Fault{Method: "files.getUploadURLExternal", Kind: slacksim.FaultRateLimit}, 1},
		"no right to files: it is said":  {slacksim.Fault{Method: "files.getUploadURLExternal", Kind: slacksim.FaultError, Error: "missing_scope"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			at := opsAddress
			at.Thread = b.say(t, "alice", "ops", "", "logs please")
			b.fault(t, c.fault)
			if err := b.At(at).Upload(b.ctx, card.File{Name: "pod.log", Title: redact.Const("log"), Content: redact.Const("the last line\n")}); err != nil {
				t.Fatal(err)
			}
			ours := b.ours("ops")
			files := 0
			for _, m := range ours {
				files += len(m.Files)
			}
			if len(ours) != 1 || files != c.files || ours[0].ThreadTS != at.Thread {
				t.Errorf("%d messages with %d files", len(ours), files)
			}
			if c.files == 0 && !strings.Contains(blocksText(ours[0]), "the last line") {
				t.Errorf("neither file nor text: %s", blocksText(ours[0]))
			}
		})
	}
}

func TestAPictureGoesUpAsItIs(t *testing.T) {
	t.Parallel()
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7) // bytes that are no UTF-8
	}
	picture, err := card.NewImage(m)
	if err != nil {
		t.Fatal(err)
	}
	file := card.File{Name: "perf.png", Title: redact.Const("Answer times"), Image: picture}
	for name, broken := range map[string]bool{"Slack takes it": false, "Slack does not take it: that is said": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			at := opsAddress
			at.Thread = b.say(t, "alice", "ops", "", "perf please")
			if broken {
				b.fault(t, slacksim.Fault{Method: "files.getUploadURLExternal", Kind: slacksim.FaultError, Error: "missing_scope"})
			}
			if err := b.At(at).Upload(b.ctx, file); err != nil {
				t.Fatal(err)
			}
			ours := b.ours("ops")
			if broken {
				if len(ours) != 1 || !strings.Contains(blocksText(ours[0]), "perf.png did not go up") {
					t.Errorf("got %d messages: %v", len(ours), texts(ours))
				}
				return
			}
			if len(ours) != 1 || len(ours[0].Files) != 1 || ours[0].Files[0].Mimetype != "image/png" || ours[0].Files[0].Size != len(file.Bytes()) {
				t.Fatalf("got %+v, want a PNG of %d bytes", ours, len(file.Bytes()))
			}
		})
	}
}
