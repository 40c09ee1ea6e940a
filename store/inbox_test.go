package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/store"
)

func TestGroupsAreRememberedWithTheirAge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(d time.Duration) time.Time { return b.clock.now().Add(d) }
	u := func(user string) []catalog.SlackID { return []catalog.SlackID{{Team: "T1", User: user}} }
	if members, asOf, err := b.LoadGroups(t.Context()); len(members) != 0 || !asOf.IsZero() || err != nil {
		t.Fatalf("before any: want nothing, got %v as of %s, %v", members, asOf, err)
	}
	for _, save := range []struct {
		name    string
		members map[string][]catalog.SlackID
		asOf    time.Time
		want    map[string][]catalog.SlackID
		wantAge time.Time
	}{
		{"two groups", map[string][]catalog.SlackID{"S1": u("U1"), "S2": u("U2")}, at(0), map[string][]catalog.SlackID{"S1": u("U1"), "S2": u("U2")}, at(0)},
		{"one of them anew: the older one says the age", map[string][]catalog.SlackID{"S1": u("U9")}, at(10 * time.Minute),
			map[string][]catalog.SlackID{"S1": u("U9"), "S2": u("U2")}, at(0)},
		{"an older answer that comes late changes nothing", map[string][]catalog.SlackID{"S1": u("U1")}, at(5 * time.Minute),
			map[string][]catalog.SlackID{"S1": u("U9"), "S2": u("U2")}, at(0)},
		{"everybody left", map[string][]catalog.SlackID{"S1": {}}, at(20 * time.Minute), map[string][]catalog.SlackID{"S1": {}, "S2": u("U2")}, at(0)},
		{"what is over an hour older is forgotten", map[string][]catalog.SlackID{"S1": u("U1")}, at(61 * time.Minute),
			map[string][]catalog.SlackID{"S1": u("U1")}, at(61 * time.Minute)},
	} {
		if err := b.SaveGroups(t.Context(), save.members, save.asOf); err != nil {
			t.Fatalf("%s: %v", save.name, err)
		}
		members, asOf, err := b.LoadGroups(t.Context())
		if diff := cmp.Diff(save.want, members); diff != "" || err != nil || !asOf.Equal(save.wantAge) {
			t.Errorf("%s: %v, as of %s, want %s (-want +got):\n%s", save.name, err, asOf, save.wantAge, diff)
		}
	}
}

func TestOldDeliveriesAreForgottenAlsoWhenNobodyAnsweredThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, key := range []string{"old-done", "old-given-up", "new-done", "new"} {
		if _, err := b.Receive(t.Context(), key, "command", []byte("help")); err != nil {
			t.Fatal(err)
		}
	}
	mustSQL(t, b.url, "delete from river_job")
	mustSQL(t, b.url, "update inbox set received_at = now() - interval '8 days' where key <> 'new'")
	mustSQL(t, b.url, "update inbox set done_at = now() - interval '8 days' where key = 'old-done'")
	mustSQL(t, b.url, "update inbox set done_at = now() where key = 'new-done'")
	start(t, b.Store, store.Jobs{})
	eventually(t, "the old ones are gone", 15*time.Second, func() bool {
		return count(t, b.url, "select count(*) from inbox where key like 'old%'") == 0
	})
	if n := count(t, b.url, "select count(*) from inbox"); n != 2 {
		t.Errorf("want the two others kept, got %d", n)
	}
}
