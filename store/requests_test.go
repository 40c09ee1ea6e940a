package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/plan"
)

var ignoreValues = cmpopts.IgnoreFields(plan.Operation{}, "Value")

func TestProposeStoresTheRequestAndItsJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := request(t, "R-1", b.clock.now())
	got, err := b.Propose(t.Context(), "k", want, origin, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, ignoreValues); diff != "" {
		t.Errorf("returned (-want +got):\n%s", diff)
	}
	read, err := b.Request(t.Context(), "R-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, read); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	wantJobs := map[string]int{"expire": 1, "remind": 1, "announce": 1, "execute": 0}
	for kind, want := range wantJobs {
		if got := jobs(t, b.url, kind); got != want {
			t.Errorf("%s jobs: want %d, got %d", kind, want, got)
		}
	}
	cards, err := b.CardsOf(t.Context(), "R-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]card.Address{"origin": origin}, cards); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestProposeTwiceWithOneKeyStoresOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var got [8]approval.Request
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			var err error
			got[i], err = b.Propose(t.Context(), "same", request(t, fmt.Sprintf("R-%d", i), b.clock.now()), origin, 0)
			if err != nil {
				t.Errorf("propose: %v", err)
			}
		})
	}
	wg.Wait()
	for _, r := range got {
		if r.ID != got[0].ID {
			t.Errorf("two IDs for one key: %s and %s", got[0].ID, r.ID)
		}
	}
	if n := count(t, b.url, "select count(*) from approvals"); n != 1 {
		t.Errorf("want 1 request, got %d", n)
	}
	if n := jobs(t, b.url, "expire"); n != 1 {
		t.Errorf("want 1 expiry, got %d", n)
	}
}

func TestProposeWithoutKeyIsNeverADuplicate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"R-1", "R-2"} {
		if _, err := b.Propose(t.Context(), "", request(t, id, b.clock.now()), origin, 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, b.url, "select count(*) from approvals"); n != 2 {
		t.Errorf("want 2 requests, got %d", n)
	}
}

func TestProposeRefusesAnIDThatIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := propose(t, b, "R-1")
	other := request(t, "R-1", b.clock.now())
	other.Why = "another one"
	if _, err := b.Propose(t.Context(), "other", other, origin, 0); err == nil {
		t.Fatal("a second request took the ID of the first")
	}
	got, err := b.Request(t.Context(), "R-1")
	if err != nil || got.Why != first.Why {
		t.Errorf("want %q untouched, got %q, %v", first.Why, got.Why, err)
	}
}

func TestProposeApprovedInsertsItsExecution(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := request(t, "R-1", b.clock.now())
	if err := r.Move(approval.Approved, "policy asks for none", b.clock.now()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Propose(t.Context(), "k", r, origin, time.Minute); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]int{"execute": 1, "reconcile": 1, "remind": 0} {
		if got := jobs(t, b.url, kind); got != want {
			t.Errorf("%s jobs: want %d, got %d", kind, want, got)
		}
	}
}

func TestFiftyClicksAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	propose(t, b, "R-1")
	var mu sync.Mutex
	counted := 0
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			err := approval.ErrUnavailable
			for errors.Is(err, approval.ErrUnavailable) { // fifty wait for one row; whoever is told to try again does
				_, err = b.Change(t.Context(), "R-1", "bob", approve(b))
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				counted++
			} else if _, ok := errors.AsType[*approval.Refusal](err); !ok {
				t.Errorf("want a refusal, got %v", err)
			}
		})
	}
	wg.Wait()
	r, err := b.Request(t.Context(), "R-1")
	if err != nil {
		t.Fatal(err)
	}
	if counted > 1 || len(r.Votes) != 1 || jobs(t, b.url, "execute") != 1 {
		t.Errorf("want at most 1 counted, 1 vote, 1 execution; got %d, %d, %d", counted, len(r.Votes), jobs(t, b.url, "execute"))
	}
}

func TestASecondClickOneSecondLaterChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := approved(t, b, "R-1")
	b.clock.move(time.Second)
	_, err := b.Change(t.Context(), "R-1", "bob", approve(b))
	if refusal, ok := errors.AsType[*approval.Refusal](err); !ok || refusal.Code != approval.CodeState {
		t.Errorf("want the refusal %s, got %v", approval.CodeState, err)
	}
	got, err := b.Request(t.Context(), "R-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, got); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if n := jobs(t, b.url, "execute"); n != 1 {
		t.Errorf("want 1 execution, got %d", n)
	}
}

func TestAnExpiryIsStoredThoughTheVoteIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	propose(t, b, "R-1")
	b.clock.move(time.Hour)
	got, err := b.Change(t.Context(), "R-1", "bob", approve(b))
	if refusal, ok := errors.AsType[*approval.Refusal](err); !ok || refusal.Code != approval.CodeExpired {
		t.Errorf("want the refusal %s, got %v", approval.CodeExpired, err)
	}
	if got.State != approval.Expired {
		t.Errorf("returned: want expired, got %s", got.State)
	}
	if read, err := b.Request(t.Context(), "R-1"); err != nil || read.State != approval.Expired {
		t.Errorf("stored: want expired, got %s, %v", read.State, err)
	}
}

func TestRequestsThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"R-404", "", "R-\x00", "R-\xff", "'; drop table approvals; --"} {
		if _, err := b.Request(t.Context(), id); !errors.Is(err, approval.ErrNotFound) {
			t.Errorf("Request(%q): want ErrNotFound, got %v", id, err)
		}
		called := false
		_, err := b.Change(t.Context(), id, "bob", func(*approval.Request) error { called = true; return nil })
		if !errors.Is(err, approval.ErrNotFound) || called {
			t.Errorf("Change(%q): want ErrNotFound and no call, got %v, %v", id, err, called)
		}
		if err := b.Requeue(t.Context(), id); !errors.Is(err, approval.ErrNotFound) {
			t.Errorf("Requeue(%q): want ErrNotFound, got %v", id, err)
		}
	}
}

func TestWhatPeopleTypeIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	propose(t, b, "R-1")
	const why = "no \x00 please, ' \" \\ 🙈 \u202e"
	if _, err := b.Change(t.Context(), "R-1", "bob", func(r *approval.Request) error {
		return r.Decide(bob, false, why, "", senior, b.clock.now())
	}); err != nil {
		t.Fatal(err)
	}
	got, err := b.Request(t.Context(), "R-1")
	if err != nil || len(got.Votes) != 1 || got.Votes[0].Why != why {
		t.Errorf("want %q kept, got %+v, %v", why, got.Votes, err)
	}
}

func TestRequestsListsTheNewestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"R-1", "R-2", "R-3"} {
		propose(t, b, id)
	}
	other := request(t, "R-9", b.clock.now())
	other.Plan.Service = "frontend"
	if _, err := b.Propose(t.Context(), "", other, origin, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Change(t.Context(), "R-2", "alice", func(r *approval.Request) error { return r.Cancel(alice, b.clock.now()) }); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, service string
		open          bool
		limit         int
		want          string
	}{
		{"all of every service", "", false, 10, "R-9 R-3 R-2 R-1"},
		{"open ones only", "", true, 10, "R-9 R-3 R-1"},
		{"of one service", "backend", false, 10, "R-3 R-2 R-1"},
		{"no more than asked for", "backend", false, 2, "R-3 R-2"},
		{"of a service that nobody has", "x", false, 10, ""},
		{"of a service that cannot be", "x\x00", false, 10, ""},
	} {
		got, err := b.Requests(t.Context(), test.service, test.open, test.limit)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		if diff := cmp.Diff(test.want, strings.Join(ids, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	states, err := b.CountByState(t.Context())
	if diff := cmp.Diff(map[approval.State]int{approval.Pending: 3, approval.Cancelled: 1}, states); diff != "" || err != nil {
		t.Errorf("by state: %v (-want +got):\n%s", err, diff)
	}
}

func TestTheLastPlaceOfACardWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	propose(t, b, "R-1")
	for _, ts := range []string{"1.1", "2.2"} {
		if err := b.SaveCard(t.Context(), "R-1", "card", card.Address{Kind: "slack", Channel: "C1", Message: ts}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.CardsOf(t.Context(), "R-1")
	want := map[string]card.Address{"origin": origin, "card": {Kind: "slack", Channel: "C1", Message: "2.2"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
