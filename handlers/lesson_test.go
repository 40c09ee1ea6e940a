package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
)

// uploads are the contents of the files whose name ends so, oldest first.
func (b *incidents) uploads(end string) (out []string) {
	for _, m := range b.chat.all() {
		if m.op == "upload" && strings.HasSuffix(m.file.Name, end) {
			out = append(out, m.file.Content.String())
		}
	}
	return out
}

func TestLessonsBecomeAPatchOfTheRunbook(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.withBook(t)
	i := b.opened(t)
	b.Handle(t.Context(), handlers.Incoming{Key: "command:1", From: slack("alice"), Text: "lesson form fields lie: look at ![x](http://evil.example) first, password=hunter2hunter2", Ref: "R",
		Where: card.Address{Kind: "slack", Team: team, Channel: i.Room, User: "UALICE"}})
	b.at(t, "COPS", "bob", "lesson "+i.ID+" <!channel> call the database's owners")
	got := b.uploads(".patch")
	if len(got) != 2 {
		t.Fatalf("%d patches: %q", len(got), got)
	}
	newest := got[1]
	if lack := lacks(newest, "--- a/service-down.md\n+++ b/service-down.md\n@@ ", "+## Lessons\n+\n+- 2026-11-23, "+i.ID+": form fields lie: look at ! [x] (http://evil.example) first, password=[redacted] (alice)\n",
		"+- 2026-11-23, "+i.ID+": ‹!channel› call the database's owners (bob)\n"); lack != nil {
		t.Errorf("the patch lacks %q:\n%s", lack, newest)
	}
	if got := b.chatAt(t, i.Room, "alice", "lesson"); !strings.Contains(got.Verdict.String(), "What was learned?") {
		t.Errorf("said %q", got.Verdict)
	}
	b.inRoom(t, i, "alice", "resolve")
	b.shown(t, i.ID)
	if md := b.uploads(".md"); len(md) != 1 || !strings.Contains(md[0], "- form fields lie: look at ! [x]") {
		t.Errorf("the postmortem says %q", md)
	}
}

func TestAMessageBecomesALessonInItsIncidentsChannelOnly(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.withBook(t)
	i := b.opened(t)
	choose := func(channel, who, text string) {
		b.Handle(t.Context(), handlers.Incoming{Key: "shortcut:" + channel + who, From: slack(who), Text: "lesson from-form", Values: map[string]string{"what": text}, Ref: "R",
			Where: card.Address{Kind: "slack", Team: team, Channel: channel, User: slack(who).User}})
	}
	choose(i.Room, "alice", "form follows\nfunction, I-ZZZZZZ --tail")
	if got := b.uploads(".patch"); len(got) != 1 || !strings.Contains(got[0], "+- 2026-11-23, "+i.ID+": form follows function, I-ZZZZZZ --tail (alice)\n") {
		t.Errorf("patches %q", got)
	}
	before := len(b.chat.all())
	choose("COPS", "bob", "not here")
	if all := b.chat.all()[before:]; len(all) != 1 || !strings.Contains(all[0].card.Verdict.String(), "This is not the channel of one") || len(b.uploads(".patch")) != 1 {
		t.Errorf("said %+v", all)
	}
	choose(i.Room, "carol", "") // a picture alone
	if all := b.chat.all(); !strings.Contains(all[len(all)-1].card.Verdict.String(), "What was learned?") || len(b.uploads(".patch")) != 1 {
		t.Errorf("said %q", all[len(all)-1].card.Verdict)
	}
}

func TestARunbookWithASecretBesideTheLessonIsNotHandedOut(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.withBook(t)
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": "# Book\n\n## Checks\n\n```bash\nkubectl get pods\n```\n\nThe password=hunter2-canary-value is old.\n"}, "")
	i := b.opened(t)
	got := b.inRoom(t, i, "alice", "lesson look first")
	if len(b.uploads(".patch")) > 0 || len(got) != 1 || !strings.Contains(got[0], "looks like a secret") || !strings.Contains(got[0], "look first (alice)") || strings.Contains(got[0], "canary") {
		t.Errorf("said %q, %q", got, b.uploads(".patch"))
	}
}

func TestWithoutARunbookNoLessonIsWrittenDown(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	if got := b.inRoom(t, i, "alice", "lesson look first"); len(got) != 1 || !strings.Contains(got[0], "I know no runbook") {
		t.Errorf("said %q", got)
	}
}
