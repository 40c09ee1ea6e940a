package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/incident"
)

// phone answers what is asked of a page.
type phone func(ctx context.Context, p incident.Page) (string, error)

func (f phone) TakenBy(ctx context.Context, p incident.Page) (string, error) { return f(ctx, p) }

// manyClimbing are n incidents of backend, apart by their group, with the first level called; the oldest is the first.
func (b *incidents) manyClimbing(t *testing.T, n int) (ids []string) {
	t.Helper()
	for k := range n {
		receipt, err := b.TakeAlerts(t.Context(), []incident.Alert{{Fingerprint: "f", Status: incident.Firing, Service: "backend", Group: fmt.Sprint(k), Source: "generic"}})
		if err != nil || len(receipt.Opened) != 1 {
			t.Fatalf("%+v, %v", receipt, err)
		}
		ids = append(ids, receipt.Opened[0])
		if err := b.Escalate(t.Context(), receipt.Opened[0]); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func TestThePagerIsAskedForEveryIncidentThatIsEscalatedAndForNoOther(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	const many = 60
	ids := b.manyClimbing(t, many)
	taken := ids[many-1]
	b.says(t, "bob", "ack "+taken)
	var mu sync.Mutex
	asked := map[string]int{}
	const few = 8
	begun, atOnce, most := 0, 0, 0
	together := make(chan struct{})
	b.Acks = phone(func(ctx context.Context, p incident.Page) (string, error) {
		mu.Lock()
		asked[p.Incident]++
		atOnce++
		most = max(most, atOnce)
		if begun++; begun == few {
			close(together)
		}
		mu.Unlock()
		select {
		case <-together:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		mu.Lock()
		defer mu.Unlock()
		atOnce--
		if p.Incident == ids[0] {
			return "Bob", nil
		}
		return "", nil
	})
	if err := b.AskPager(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked[taken] != 0 || len(asked) != many-1 || asked[ids[0]] != 1 {
		t.Errorf("asked for %d incidents, for the oldest %d times, for the one that is taken %d times", len(asked), asked[ids[0]], asked[taken])
	}
	if most > few {
		t.Errorf("%d questions at a time, want %d", most, few)
	}
	if got := b.get(t, ids[0]).Climb; got.StoppedBy != "Bob at PagerDuty" {
		t.Errorf("the oldest is taken by %q", got.StoppedBy)
	}
}

func TestAPagerThatHangsOrFailsForOneIncidentIsAskedForTheOthers(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	ids := b.manyClimbing(t, 3)
	away := errors.New("PagerDuty answers 500")
	b.Acks = phone(func(ctx context.Context, p incident.Page) (string, error) {
		switch p.Incident {
		case ids[0]:
			return "", away
		case ids[1]:
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "Bob", nil
	})
	asking, end := context.WithTimeout(t.Context(), 20*time.Second)
	defer end()
	err := b.AskPager(asking)
	if err == nil || !strings.Contains(err.Error(), "for 2 of 3 incidents") || asking.Err() != nil {
		t.Errorf("got %v; the round's own time: %v", err, asking.Err())
	}
	for n, want := range []bool{false, false, true} {
		if got := b.get(t, ids[n]).Climb; got.Stopped != want {
			t.Errorf("incident %d is taken by %q", n, got.StoppedBy)
		}
	}
}

func TestAfterTheFirstAckAnIncidentIsAskedForNoMore(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	id := b.manyClimbing(t, 1)[0]
	b.wait(15 * time.Minute)
	if err := b.Escalate(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	var asked []string
	b.Acks = phone(func(_ context.Context, p incident.Page) (string, error) {
		_, key, _ := strings.Cut(p.Key, ":")
		asked = append(asked, key)
		return "Bob", nil
	})
	for range 2 {
		if err := b.AskPager(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"level:1:1"}, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// refusing is a pager that says that a page went out and will never reach everybody.
type refusing struct{ *pager }

func (p refusing) Page(ctx context.Context, page incident.Page) error {
	return errors.Join(p.pager.Page(ctx, page), never{})
}

func TestWhomThePagerCanNeverReachIsNamedAndWrittenToInSlack(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.Pager = refusing{b.pager}
	i := b.opened(t)
	b.climbs(t, i.ID)
	for range 2 {
		b.shown(t, i.ID)
	}
	if diff := cmp.Diff([]string{"level:1:1 alice+bob"}, b.pager.keys()); diff != "" {
		t.Errorf("paged (-want +got):\n%s", diff)
	}
	if n := b.timelineHas(t, i.ID, "Paged alice, bob, but not everybody can be reached: user_disabled"); n != 1 {
		t.Errorf("the timeline says so %d times", n)
	}
	for _, user := range []string{"DUALICE", "DUBOB"} {
		if got := b.chat.in(user); len(got) != 1 || !strings.Contains(got[0], "Level 1 is called (oncall)") {
			t.Errorf("%s was told %q", user, got)
		}
	}
}
