package handlers_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

// post is a mail server that may be away.
type post struct {
	err    error
	refuse map[string]error // by address
	asked  []string
	sent   []string
	during func() // while the first letter is on its way
}

func (p *post) Write(_ context.Context, key, to string, subject, body redact.Text) error {
	if during := p.during; during != nil {
		p.during = nil
		during()
	}
	p.asked = append(p.asked, to)
	err := cmp.Or(p.err, p.refuse[to])
	if err == nil {
		p.sent = append(p.sent, to+": "+subject.String()+": "+strings.TrimSpace(body.String()))
	}
	return err
}

// withStakeholders is an incident of backend whose support team is told in a channel and by mail.
func withStakeholders(t *testing.T) (*incidents, incident.Incident, *system, *post) {
	t.Helper()
	b := setupIncidents(t)
	b.catalog.StatusPage.Provider = "statuspage"
	b.catalog.Stakeholders = []catalog.Stakeholders{
		{Name: "support", Services: []string{"*"}, Severities: []int{1, 2}, Channels: []string{"CSUPPORT"}, Mails: []string{"support@example.com"}},
		{Name: "others", Services: []string{"checkout"}, Channels: []string{"COTHERS"}},
		{Name: "sales", Services: []string{"*"}, Severities: []int{1}, Mails: []string{"sales@example.com"}},
	}
	page, letters := &system{answer: k8sops.Result{Outcome: k8sops.Applied}, has: true}, &post{}
	b.Outside, b.Letters = map[catalog.Action]handlers.Outside{catalog.Publish: page}, letters
	return b, b.opened(t), page, letters
}

// agreed lets alice ask for an update and bob agree to it.
func (b *incidents) updateAgreed(t *testing.T, i incident.Incident) approval.Request {
	t.Helper()
	b.inRoom(t, i, "alice", "update identified It is the network.")
	r := b.rows.get(t, b.rows.order[len(b.rows.order)-1])
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	b.says(t, "bob", "approve "+r.ID)
	return b.rows.get(t, r.ID)
}

func TestStakeholdersAreToldTheWordsThatWereAgreedOnOnce(t *testing.T) {
	t.Parallel()
	b, i, _, letters := withStakeholders(t)
	b.inRoom(t, i, "alice", "update identified It is the network.")
	r := b.rows.get(t, b.rows.order[0])
	if diff := r.Plan.Diff.String(); !strings.Contains(diff, "also to support: CSUPPORT, support@example.com") || strings.Contains(diff, "others") || strings.Contains(diff, "sales") {
		t.Errorf("approvers see %q", diff)
	}
	announced := func(wrong bool) {
		t.Helper()
		if err := b.Announce(t.Context(), r.ID); (err != nil) != wrong {
			t.Errorf("announcing: %v", err)
		}
	}
	announced(false)
	if got := b.chat.in("CSUPPORT"); got != nil || letters.sent != nil {
		t.Errorf("told %q %q before anybody agreed", got, letters.sent)
	}
	b.says(t, "bob", "approve "+r.ID)
	announced(false)
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	letters.err = errors.New("the mail server is away")
	announced(true) // so that it is tried again
	letters.err = nil
	announced(false)
	announced(false)
	if diff := gocmp.Diff([]string{"It is the network."}, b.chat.in("CSUPPORT")); diff != "" {
		t.Errorf("the channel reads (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"support@example.com: [identified] Problems with backend: It is the network."}, letters.sent); diff != "" {
		t.Errorf("mailed (-want +got):\n%s", diff)
	}
	if n := b.timelineHas(t, i.ID, "Told support (identified): It is the network."); n != 1 {
		t.Errorf("the timeline tells it %d times", n)
	}
}

func TestTwoBotsThatTellAtTheSameMomentTellStakeholdersOnce(t *testing.T) {
	t.Parallel()
	b, i, _, letters := withStakeholders(t)
	r := b.updateAgreed(t, i)
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	letters.during = func() {
		err := b.Announce(t.Context(), r.ID)
		if _, later := errors.AsType[*approval.Later](err); !later {
			t.Errorf("the other bot got %v, want to come again later", err)
		}
	}
	for range 2 {
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(letters.sent) != 1 || len(b.chat.in("CSUPPORT")) != 1 {
		t.Errorf("told %q %q", letters.sent, b.chat.in("CSUPPORT"))
	}
}

func TestAStatusPageThatIsAwayKeepsStakeholdersFromNothing(t *testing.T) {
	t.Parallel()
	b, i, page, letters := withStakeholders(t)
	page.answer = k8sops.Result{Outcome: k8sops.Refused, Message: redact.Const("it answers 503")}
	r := b.updateAgreed(t, i)
	if err := errors.Join(b.Execute(t.Context(), r.ID), b.Announce(t.Context(), r.ID)); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID); got.State != approval.NotStarted || len(letters.sent) != 1 || len(b.chat.in("CSUPPORT")) != 1 {
		t.Errorf("%s; told %q %q", got.State, letters.sent, b.chat.in("CSUPPORT"))
	}
	// The same words once more for the page tell them nothing twice.
	page.answer = k8sops.Result{Outcome: k8sops.Applied}
	b.says(t, "alice", "retry "+r.ID)
	again := b.rows.get(t, b.rows.order[1])
	b.says(t, "bob", "approve "+again.ID)
	if err := errors.Join(b.Execute(t.Context(), again.ID), b.Announce(t.Context(), again.ID)); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, again.ID); got.State != approval.Applied || len(letters.sent) != 1 || len(b.chat.in("CSUPPORT")) != 1 {
		t.Errorf("%s; told %q %q", got.State, letters.sent, b.chat.in("CSUPPORT"))
	}
}

func TestWhereAnUpdateNeverGetsIsNamedAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b, i, _, letters := withStakeholders(t)
	b.catalog.Stakeholders = []catalog.Stakeholders{
		{Name: "support", Services: []string{"*"}, Channels: []string{"CSUPPORT", "CARCHIVED"}, Mails: []string{"gone@example.com", "busy@example.com", "fine@example.com"}},
		{Name: "partners", Services: []string{"*"}, Mails: []string{"left@example.com"}},
	}
	letters.refuse = map[string]error{"gone@example.com": never{}, "left@example.com": never{}, "busy@example.com": errors.New("450 come again")}
	b.chat.refuse = map[string]error{"CARCHIVED": never{}}
	r := b.updateAgreed(t, i)
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Announce(t.Context(), r.ID); err == nil || !strings.Contains(err.Error(), "450 come again") {
		t.Errorf("announcing: %v, want to come again for the one that is busy", err)
	}
	if n := b.timelineHas(t, i.ID, "Told support"); n != 0 || !b.get(t, i.ID).Told.IsZero() {
		t.Error("it counts as told before that")
	}
	delete(letters.refuse, "busy@example.com")
	for range 2 {
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff([]string{"gone@example.com", "busy@example.com", "fine@example.com", "left@example.com", "busy@example.com"}, letters.asked); diff != "" {
		t.Errorf("the mail server was asked for (-want +got):\n%s", diff)
	}
	if len(letters.sent) != 2 || len(b.chat.in("CSUPPORT")) != 1 || b.get(t, i.ID).Told.IsZero() {
		t.Errorf("told %q %q, last at %s", letters.sent, b.chat.in("CSUPPORT"), b.get(t, i.ID).Told)
	}
	if n := b.timelineHas(t, i.ID, "Told support (identified)"); n != 1 {
		t.Errorf("the timeline tells %d times that support was told", n)
	}
	if n := b.timelineHas(t, i.ID, "partners"); n != 0 {
		t.Error("the timeline says that partners were told")
	}
	for _, to := range []string{"gone@example.com", "left@example.com", "CARCHIVED"} {
		text := "The update (identified) did not reach " + to + " and is not sent there again: user_disabled"
		said := 0
		for _, verdict := range b.chat.in(i.Room) {
			if verdict == text {
				said++
			}
		}
		if n := b.timelineHas(t, i.ID, text); n != 1 || said != 1 {
			t.Errorf("%s is named %d times on the timeline, %d times in the channel: %q", to, n, said, b.chat.in(i.Room))
		}
	}
}

func TestAnUpdateThatReachedNobodyWasNotTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		page string
		told bool
	}{"stakeholders only": {"", false}, "the status page has it": {"statuspage", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, i, _, letters := withStakeholders(t)
			b.catalog.StatusPage.Provider = tc.page
			b.catalog.Stakeholders = []catalog.Stakeholders{{Name: "partners", Services: []string{"*"}, Mails: []string{"left@example.com"}}}
			letters.refuse = map[string]error{"left@example.com": never{}}
			r := b.updateAgreed(t, i)
			if err := errors.Join(b.Execute(t.Context(), r.ID), b.Announce(t.Context(), r.ID), b.Announce(t.Context(), r.ID)); err != nil {
				t.Fatal(err)
			}
			if got := b.get(t, i.ID).Told; got.IsZero() == tc.told || len(letters.asked) != 1 {
				t.Errorf("told at %s, asked for %q", got, letters.asked)
			}
			if n := b.timelineHas(t, i.ID, "Told partners"); n != 0 {
				t.Error("the timeline says that partners were told")
			}
		})
	}
}

func TestNoUpdateIsAskedForThatWouldReachNobody(t *testing.T) {
	t.Parallel()
	b, i, _, _ := withStakeholders(t)
	b.catalog.Incidents.UpdateEvery = 30 * time.Minute
	b.catalog.Ladders, b.catalog.Stakeholders, b.catalog.StatusPage.Provider = nil, nil, ""
	b.wait(2 * time.Hour)
	b.climbs(t, i.ID)
	if next := b.get(t, i.ID).Next; !next.IsZero() {
		t.Errorf("it is looked at again at %s", next)
	}
	for _, text := range b.chat.in(i.Room) {
		if strings.Contains(text, "Say what is known") {
			t.Errorf("asked: %q", text)
		}
	}
}

func TestAnUpdateThatIsDueIsAskedForOnceForEachTime(t *testing.T) {
	t.Parallel()
	b, i, _, _ := withStakeholders(t)
	b.catalog.Incidents.UpdateEvery = 30 * time.Minute
	b.catalog.Ladders = nil
	asked := func() (out []string) {
		for _, text := range b.chat.in(i.Room) {
			if strings.Contains(text, "Say what is known") {
				out = append(out, text)
			}
		}
		return out
	}
	b.inRoom(t, i, "alice", "assign comms carol")
	if next := b.get(t, i.ID).Next; !next.Equal(b.get(t, i.ID).Opened().Add(30 * time.Minute)) {
		t.Errorf("it is looked at again at %s", next)
	}
	b.climbs(t, i.ID)
	if got := asked(); got != nil {
		t.Errorf("asked too early: %q", got)
	}
	b.wait(30 * time.Minute)
	for range 3 { // late and doubled timers, another bot
		b.climbs(t, i.ID)
	}
	r := b.updateAgreed(t, i)
	if err := errors.Join(b.Execute(t.Context(), r.ID), b.Announce(t.Context(), r.ID)); err != nil {
		t.Fatal(err)
	}
	b.wait(29 * time.Minute)
	b.climbs(t, i.ID)
	b.wait(2 * time.Hour) // a bot that was down asks once
	b.climbs(t, i.ID)
	b.climbs(t, i.ID)
	want := []string{"Nobody outside was told anything for 30 min. Say what is known, also when nothing is new.", "Last update 2 h 29 min ago. Say what is known, also when nothing is new."}
	if diff := gocmp.Diff(want, asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	mentioned := 0
	for _, m := range b.chat.all() {
		if slices.Contains(m.card.Mentions, slack("carol").User) && strings.Contains(m.card.Title.String(), "an update is due") {
			mentioned++
		}
	}
	if mentioned != 2 {
		t.Errorf("who tells others was mentioned %d times, want twice", mentioned)
	}
	b.inRoom(t, i, "bob", "resolve anyway")
	b.wait(2 * time.Hour)
	b.climbs(t, i.ID)
	if got := asked(); len(got) != 2 {
		t.Errorf("asked %q after it was over", got)
	}
}

func (b *incidents) timelineHas(t *testing.T, id, text string) (n int) {
	t.Helper()
	events, err := b.store.Timeline(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if strings.Contains(e.Text.String(), text) {
			n++
		}
	}
	return n
}
