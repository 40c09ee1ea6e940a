package handlers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/runbook"
)

// told is a card as lines: the verdict, then its items with their buttons.
func told(c card.Card) []string {
	out := []string{string(c.State) + " " + c.Verdict.String()}
	for _, p := range c.Parts {
		if p.Item == nil {
			continue
		}
		s := fmt.Sprintf("[%s] %s | %s |", p.Item.Mark, p.Item.Line, strings.ReplaceAll(p.Item.More.String(), "\n", " / "))
		for _, b := range p.Item.Buttons {
			s += " <" + b.Label.String() + ">"
		}
		out = append(out, s)
	}
	return out
}

func TestARunbookOpensAsOneMessagePerPhase(t *testing.T) {
	t.Parallel()
	b := opened(t)
	want := [][]string{
		{"neutral Down Runbook for backend: 0 of 8 done"},
		{
			"neutral Look: 0 of 3 done",
			"[] 1. The pods | kubectl get pods -l app=<service-name> | <Run>",
			"[] 2. The worst pods | kubectl describe pod <pod-name> | <Run>",
			"[] 3. One node | kubectl describe node <node-name> | <Run>",
		},
		{
			"neutral Act: 0 of 5 done",
			"[] 4. Restart it | kubectl rollout restart deployment/<deployment-name> | <Ask for it…> <Done by hand> <Skip>",
			"[] 5. Scale it | kubectl scale deployment/<deployment-name> --replicas=<desired-count> | <Ask for it…> <Done by hand> <Skip>",
			"[] 6. Tell people | For the ops channel: backend is down we look | <Post…> <Done by hand> <Skip>",
			"[] 7. Change by hand | kubectl edit deployment/<deployment-name> / By hand: " + reason(t, 7) + " | <Done> <Skip>",
			"[refused] 8. Never | rm -rf / / Not run: " + reason(t, 8) + " | <Done by hand>",
		},
		{
			"neutral Related",
			"[] Small |  | <Open>",
			"[] Gone | There is no runbook gone. |",
		},
	}
	for i, w := range want {
		if diff := cmp.Diff(w, told(b.pageNow(t, i))); diff != "" {
			t.Errorf("page %d: %s", i, diff)
		}
	}
	places := b.list(t).Places
	for i := 1; i < len(places); i++ {
		if places[i].Thread != places[0].Message {
			t.Errorf("page %d stands in thread %q, not below %q", i, places[i].Thread, places[0].Message)
		}
	}
	last := b.pageNow(t, 3)
	if links := last.Parts[len(last.Parts)-1].Links; len(links) != 1 || links[0].URL != "https://grafana.example.com" {
		t.Errorf("the link is %v", last.Parts)
	}
}

func reason(t *testing.T, n int) string {
	t.Helper()
	r, err := runbook.Parse("down.md", []byte(book))
	if err != nil {
		t.Fatal(err)
	}
	return r.Steps()[n-1].Reason
}

func TestOpeningGoesOnWhereACrashStoppedIt(t *testing.T) {
	t.Parallel()
	b := opened(t)
	said := len(b.chat.in("COPS"))
	in := handlers.Incoming{Key: "k1", From: slack("alice"), Text: "runbook down backend", Where: card.Address{Kind: "slack", Team: team, Channel: "COPS", User: slack("alice").User}}
	b.incoming(t, in)
	b.incoming(t, in)
	if got := len(b.chat.in("COPS")) - said; got != 4 {
		t.Errorf("a redelivered command posted %d messages, not 4", got)
	}
	if len(b.lists.stored) != 2 {
		t.Errorf("%d checklists are stored", len(b.lists.stored))
	}
}

func TestACheckIsRunAndItsFindingStandsOnItsStep(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.checks.found["describe pods"] = finding.Fail
	b.says(t, "alice", "step "+b.id+" 1 run")
	b.says(t, "bob", "step "+b.id+" 2 run")
	want := []string{
		"fail Look: 2 of 3 done, 1 failing",
		"[ok] 1. The pods | get pods seen · alice at 12:00 UTC | <Run again> <Raw output>",
		"[fail] 2. The worst pods | describe pods backend-1 seen (the worst of 2) · bob at 12:00 UTC | <Run again> <Raw output>",
		"[] 3. One node | kubectl describe node <node-name> | <Run>",
	}
	if diff := cmp.Diff(want, told(b.pageNow(t, 1))); diff != "" {
		t.Error(diff)
	}
	if got := b.pageNow(t, 0).Verdict.String(); got != "Down Runbook for backend: 2 of 8 done, 1 failing" {
		t.Errorf("the first message says %q", got)
	}
	b.says(t, "alice", "step "+b.id+" 2 output")
	all := b.chat.all()
	last := all[len(all)-1]
	if last.op != "upload" || lacks(last.file.Content.String(), "$ kubectl describe pod <pod-name>", "fail: ", "# backend-1\nraw of describe pods", "# backend-2") != nil {
		t.Errorf("got %s %s: %s", last.op, last.file.Name, last.file.Content)
	}
	if c := b.says(t, "alice", "step "+b.id+" 3 output"); c.State != card.Refused {
		t.Errorf("output of a step that was not run: %s", c.Verdict)
	}
}

func TestTwoClicksAtOnceRunACheckOnce(t *testing.T) {
	t.Parallel()
	b := opened(t)
	begun, goOn := make(chan struct{}, 10), make(chan struct{})
	b.checks.running = func(runbook.Step) {
		begun <- struct{}{}
		<-goOn
	}
	var wg sync.WaitGroup
	wg.Go(func() { b.Handle(t.Context(), click(b, "k1", "1 run")) })
	<-begun
	if c := b.incoming(t, click(b, "k2", "1 run")); lacks(c.Verdict.String(), "Step 1 is under way already", "alice") != nil || c.State != card.Refused {
		t.Errorf("the second click was told %q", c.Verdict)
	}
	close(goOn)
	wg.Wait()
	b.incoming(t, click(b, "k1", "1 run")) // a redelivery
	if len(b.checks.ran) != 1 {
		t.Errorf("it ran %d times: %v", len(b.checks.ran), b.checks.ran)
	}
}

// click is alice's click on the first page.
func click(b *desk, key, op string) handlers.Incoming {
	at := b.lists.at(b.id, 1)
	at.User = slack("alice").User
	return handlers.Incoming{Key: key, Ref: "REF123", From: slack("alice"), Text: "step " + b.id + " " + op, Where: at, Trigger: "T1"}
}

func (l *lists) at(id string, page int) card.Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, _ := l.read(id)
	return c.Places[page]
}

func TestAStepLeftRunningByADeadBotIsTakenOver(t *testing.T) {
	t.Parallel()
	b := opened(t)
	if _, err := b.lists.ChangeChecklist(t.Context(), b.id, "", func(c *checklist.Checklist) error { return c.Claim(1, "dead", "bob", b.now()) }); err != nil {
		t.Fatal(err)
	}
	if c := b.incoming(t, click(b, "k1", "1 run")); c.State != card.Refused {
		t.Errorf("taken over at once: %s", c.Verdict)
	}
	b.wait(checklist.ClaimTime)
	b.incoming(t, click(b, "k2", "1 run"))
	if got := b.list(t).Steps[1].State; got != checklist.OK {
		t.Errorf("after the claim lapsed it is %q", got)
	}
}

func TestRunAllRunsEveryCheckAndSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.checks.broken = "get pods"
	b.incoming(t, click(b, "k1", "all run"))
	want := []string{
		"warn Look: 3 of 3 done, 2 to look at",
		"[unknown] 1. The pods | This check broke on my side. → Run it by hand; the log has the cause. · alice at 12:00 UTC | <Run again> <Raw output>",
		"[ok] 2. The worst pods | describe pods backend-1 seen (the worst of 2) · alice at 12:00 UTC | <Run again> <Raw output>",
		"[unknown] 3. One node | needs <node-name>: fill it in, then run it again · alice at 12:00 UTC | <Run again>",
	}
	if diff := cmp.Diff(want, told(b.pageNow(t, 1))); diff != "" {
		t.Error(diff)
	}
	front := b.pageNow(t, 0)
	if len(front.Buttons) != 1 || front.Buttons[0].Label.String() != "Fill in values…" {
		t.Errorf("the first message offers %v", front.Buttons)
	}
	// Nothing but checks was run, and what is known stays.
	b.checks.ran = nil
	b.checks.broken = ""
	b.incoming(t, click(b, "k2", "all run"))
	if diff := cmp.Diff([]string{"get pods "}, b.checks.ran); diff != "" {
		t.Errorf("run again: %s", diff)
	}
}

func TestManualStepsAreTickedWithWhoAndWhen(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.says(t, "bob", "step "+b.id+" 7 done")
	b.says(t, "alice", "step "+b.id+" 4 skip")
	page := told(b.pageNow(t, 2))
	if lack := lacks(strings.Join(page, "\n"), "[done] 7. Change by hand", "done by bob at 12:00 UTC | <Not done yet>", "[skipped] 4. Restart it", "skipped by alice at 12:00 UTC | <Take it up again>"); lack != nil {
		t.Errorf("%v lacks %q", page, lack)
	}
	if c := b.says(t, "alice", "step "+b.id+" 7 done"); lacks(c.Verdict.String(), "stays as it is: done by bob") != nil {
		t.Errorf("ticked twice: %s", c.Verdict)
	}
	b.says(t, "alice", "step "+b.id+" 7 reopen")
	if got := b.list(t).Steps[7].State; got != checklist.Open {
		t.Errorf("reopened it is %q", got)
	}
}

func TestAnActionBecomesARequestWhoseStateTheStepFollows(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.incoming(t, click(b, "k1", "4 ask"))
	b.incoming(t, click(b, "k1", "4 ask")) // a redelivery
	if len(b.rows.order) != 1 {
		t.Fatalf("%d requests were made", len(b.rows.order))
	}
	r := b.rows.get(t, b.rows.order[0])
	if lack := lacks(r.Why, "step 4 of runbook down", b.id); lack != nil {
		t.Errorf("the reason %q lacks %q", r.Why, lack)
	}
	state := func() string { return told(b.pageNow(t, 2))[1] }
	if lack := lacks(state(), "[waiting] 4. Restart it", r.ID+" is waiting for approval"); lack != nil {
		t.Errorf("%s lacks %q", state(), lack)
	}
	if c := b.incoming(t, click(b, "k2", "4 ask")); lacks(c.Verdict.String(), "waits for approval of "+r.ID) != nil {
		t.Errorf("asked again while it waits: %s", c.Verdict)
	}
	b.says(t, "bob", "deny "+r.ID)
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if lack := lacks(state(), "[] 4. Restart it", r.ID+" is denied", "<Ask for it…>"); lack != nil {
		t.Errorf("%s lacks %q", state(), lack)
	}
	// Asked once more, it is another request, and the first no longer moves the step.
	b.incoming(t, click(b, "k3", "4 ask"))
	if len(b.rows.order) != 2 {
		t.Fatalf("%d requests were made", len(b.rows.order))
	}
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	second := b.rows.get(t, b.rows.order[1])
	if lack := lacks(state(), "[waiting] 4. Restart it", second.ID); lack != nil {
		t.Errorf("%s lacks %q", state(), lack)
	}
	b.says(t, "bob", "approve "+second.ID)
	if err := b.Announce(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	if lack := lacks(state(), "[running] 4. Restart it", second.ID+" is approved"); lack != nil {
		t.Errorf("%s lacks %q", state(), lack)
	}
}

func TestWhoMayNotAskIsToldAndTheStepStaysOpen(t *testing.T) {
	t.Parallel()
	b := opened(t)
	in := click(b, "k1", "4 ask")
	in.From = slack("dora")
	c := b.incoming(t, in)
	if c.State != card.Refused || lacks(c.Verdict.String(), "dora", "may not ask") != nil {
		t.Errorf("dora was told %q", c.Verdict)
	}
	if s := b.list(t).Steps[4]; s.State != checklist.Open || !s.Line.Empty() || len(b.rows.order) != 0 {
		t.Errorf("the step is %+v, %d requests", s, len(b.rows.order))
	}
}

func TestAMessageIsPostedOnce(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.catalog.Channels.Incidents = "CINC"
	in := click(b, "k1", "6 post")
	b.incoming(t, in)
	b.incoming(t, in)
	c := b.incoming(t, click(b, "k2", "6 post"))
	if c.State != card.Refused || lacks(c.Verdict.String(), "posted to the incidents channel", "alice") != nil {
		t.Errorf("posted again: %q", c.Verdict)
	}
	if diff := cmp.Diff([]string{"backend is down"}, b.chat.in("CINC")); diff != "" {
		t.Error(diff)
	}
	if c := b.says(t, "bob", "step "+b.id+" 6 reopen"); c.State != card.Refused {
		t.Errorf("what was posted is taken back by a tick: %s", c.Verdict)
	}
	for _, m := range b.chat.all() {
		if m.at.Channel == "CINC" && len(m.card.Mentions) > 0 {
			t.Errorf("the message pings %v", m.card.Mentions)
		}
	}
}

func TestWithoutADatabaseNothingIsRun(t *testing.T) {
	t.Parallel()
	b := opened(t)
	in := click(b, "k1", "1 run")
	b.rows.down = true
	for _, c := range []card.Card{b.incoming(t, in), b.says(t, "alice", "runbook down backend"), b.says(t, "alice", "step "+b.id+" 7 done")} {
		if c.State != card.Refused || lacks(c.Verdict.String(), "database does not answer", "nothing was run or posted") != nil {
			t.Errorf("told %q", c.Verdict)
		}
	}
	if len(b.checks.ran) != 0 {
		t.Errorf("ran %v", b.checks.ran)
	}
}

func TestALongPhaseStandsOnSeveralPages(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("# Long\n\n## Phase\n\n```bash\n")
	for range 70 {
		text.WriteString("kubectl get pods\n")
	}
	text.WriteString("```\n")
	b := opened(t)
	b.Config.Runbooks = library(t, map[string]string{"long.md": text.String()}, "")
	before := len(b.chat.all())
	b.says(t, "alice", "runbook long backend")
	steps, pages := 0, 0
	for _, m := range b.chat.all()[before:] {
		n := 0
		for _, p := range m.card.Parts {
			if p.Item != nil {
				n++
			}
		}
		steps += n
		if n > 0 {
			pages++
			if lack := lacks(m.card.Verdict.String(), fmt.Sprintf("Phase (%d of ", pages)); lack != nil || n > 21 {
				t.Errorf("a page of %d steps is called %q", n, m.card.Verdict)
			}
		}
	}
	if steps != 70 || pages < 4 {
		t.Errorf("%d steps on %d pages", steps, pages)
	}
}

func TestWhatIsMistypedIsExplained(t *testing.T) {
	t.Parallel()
	b := opened(t)
	for text, want := range map[string]string{
		"runbook":                                "Which runbook",
		"runbook dwn backend":                    "Did you mean `runbook down backend`?",
		"runbook down bakend":                    "Did you mean `runbook down backend`?",
		"runbook down":                           "Which service?",
		"runbook down backend --set color=red":   `no placeholder "color"`,
		"runbook down backend --set node-name=A": "is not a valid node",
		"runbook C-999999":                       "There is no checklist C-999999",
		"step":                                   "Which step of which checklist",
		"step ID 1 run":                          "Which step of which checklist",
		"step " + "C-999999" + " 1 run":          "There is no checklist",
		"step LIST 99 run":                       "has no step 99",
		"step LIST 4 run":                        `step 4 is of class action, which "run" does not fit`,
		"step LIST 8 run":                        "of class refused",
		"step LIST 7 ask":                        "of class manual",
		"step LIST all done":                     "Only `run` and `fill`",
		"step LIST p9 run":                       "is no step of checklist",
	} {
		c := b.says(t, "alice", strings.ReplaceAll(text, "LIST", b.id))
		if !strings.Contains(strings.ToLower(c.Verdict.String()), strings.ToLower(want)) || c.State != card.Refused {
			t.Errorf("%q is answered with %q, want %q", text, c.Verdict, want)
		}
	}
	if len(b.checks.ran) != 0 || len(b.rows.order) != 0 {
		t.Errorf("something was done: %v %v", b.checks.ran, b.rows.order)
	}
}

func TestAReloadMovesNoStepUnderPeoplesHands(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.Config.Runbooks = library(t, map[string]string{"down.md": smallBook}, "")
	b.incoming(t, click(b, "k1", "2 run"))
	if diff := cmp.Diff([]string{"describe pods backend-1", "describe pods backend-2"}, sorted(b.checks.ran)); diff != "" {
		t.Error(diff)
	}
}

func TestASlowClusterStillOpensAFormInTime(t *testing.T) {
	t.Parallel()
	b := opened(t)
	answer := make(chan struct{})
	b.checks.binding = func() { <-answer }
	var wg sync.WaitGroup
	wg.Go(func() { b.Handle(t.Context(), click(b, "k1", "3 run")) })
	deadline := time.After(10 * time.Second)
	for open := false; !open; {
		select {
		case <-deadline:
			t.Fatal("no form was opened while the cluster was asked")
		case <-time.After(5 * time.Millisecond):
		}
		b.forms.mu.Lock()
		open = len(b.forms.opened) == 1
		b.forms.mu.Unlock()
	}
	close(answer)
	wg.Wait()
	if n := len(b.forms.opened); n != 2 || len(b.forms.opened[0].Fields) != 0 || len(b.forms.opened[1].Fields) != 1 {
		t.Errorf("the forms were %+v", b.forms.opened)
	}
}

func TestAStepThatIsWorkedOnWhileItsPageIsPostedStandsOnIt(t *testing.T) {
	t.Parallel()
	b := opened(t)
	first, posts := b.id, 0
	b.chat.saying = func() {
		if posts++; posts != 2 { // the first page; the message above it stands already
			return
		}
		for id := range b.lists.stored {
			if id != first {
				b.id = id
			}
		}
		b.says(t, "alice", "step "+b.id+" 1 skip")
	}
	b.says(t, "alice", "runbook down backend")
	if b.id == first || b.list(t).Steps[1].State != checklist.Skipped {
		t.Fatalf("step 1 of %s is %q, want it skipped", b.id, b.list(t).Steps[1].State)
	}
	if got := b.pageNow(t, 1).Verdict.String(); !strings.Contains(got, "1 of 3 done") {
		t.Errorf("its page says %q", got)
	}
}
