package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store"
)

func TestEveryChangeLeavesAnAuditEntry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	for _, to := range []approval.State{approval.Executing, approval.Applied} {
		step := b.Begin
		if to == approval.Applied {
			step = b.End
		}
		if _, err := step(t.Context(), l, move(b, to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Note(t.Context(), "refused", "mallory", "backend", map[string]string{"why": "guest"}); err != nil {
		t.Fatal(err)
	}
	entries, err := b.AuditTail(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		var d struct {
			From, To, Why string
			Votes         []approval.Vote
		}
		if err := json.Unmarshal(e.Data, &d); err != nil {
			t.Fatal(err)
		}
		line := e.Kind + " by " + e.Actor + " on " + e.Service + ": " + d.From + ">" + d.To + " " + d.Why
		for _, v := range d.Votes {
			line += "vote " + v.Person
		}
		got = append(got, line)
	}
	want := []string{
		"refused by mallory on backend: > guest",
		"request by svcdown on backend: executing>applied ",
		"request by svcdown on backend: approved>executing ",
		"request by bob on backend: pending>approved vote bob",
		"request by alice on backend: >pending it is down",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n, err := b.VerifyAudit(t.Context()); n != 5 || err != nil {
		t.Errorf("verify: want 5 entries, got %d, %v", n, err)
	}
}

func TestAVoidedPlanLeavesItsVotesInTheAuditLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := approved(t, b, "R-1")
	if _, err := b.Change(t.Context(), "R-1", "svcdown", func(r *approval.Request) error {
		other := r.Plan
		other.Target.UID = "u-2"
		return r.Void(other, "the object was replaced", time.Hour, b.clock.now())
	}); err != nil {
		t.Fatal(err)
	}
	entries, err := b.AuditTail(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"voided":[{"person":"bob"`, `"digestBefore":"` + was.Digest, `"reason":"the object was replaced"`} {
		if !strings.Contains(string(entries[0].Data), want) {
			t.Errorf("want %s in %s", want, entries[0].Data)
		}
	}
}

func TestWritersAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := open(t, b.url, b.clock.now)
	var wg sync.WaitGroup
	for i := range 40 {
		s := []*store.Store{b.Store, other}[i%2]
		wg.Go(func() {
			if err := s.Note(t.Context(), "command", "alice", "backend", i); err != nil {
				t.Errorf("note: %v", err)
			}
		})
	}
	wg.Wait()
	if n, err := b.VerifyAudit(t.Context()); n != 40 || err != nil {
		t.Errorf("want 40 entries, got %d, %v", n, err)
	}
}

func TestTheAuditLogRefusesToBeChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	propose(t, b, "R-1")
	for _, statement := range []string{"update audit set entry = ''", "delete from audit", "truncate audit", "delete from audit_head", "truncate audit_head"} {
		if err := sql(t, b.url, statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: want a refusal, got %v", statement, err)
		}
	}
	if n, err := b.VerifyAudit(t.Context()); n != 1 || err != nil {
		t.Errorf("want 1 entry untouched, got %d, %v", n, err)
	}
}

func TestVerifyNamesTheFirstBrokenEntry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, tamper string
		wantSeq      int64
		wantWhy      string
	}{
		{"content rewritten", "update audit set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'alice', 'mallo'), 'UTF8') where seq = 2", 2, "content"},
		{"content and hash rewritten", "update audit set entry = 'x', hash = sha256('x') where seq = 2", 2, "content"},
		{"one removed", "delete from audit where seq = 2", 2, "missing"},
		{"two exchanged", "update audit a set entry = b.entry from audit b where (a.seq, b.seq) in ((1, 2), (2, 1))", 1, "content"},
		{"the newest removed", "delete from audit where seq = 3", 3, "missing"},
		{"another predecessor", "update audit set prev = sha256('x') where seq = 3", 3, "follow"},
		{"another head", "update audit_head set hash = sha256('x')", 3, "head"},
		{"all removed", "delete from audit", 1, "missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for _, kind := range []string{"one", "two", "three"} {
				if err := b.Note(t.Context(), kind, "alice", "backend", nil); err != nil {
					t.Fatal(err)
				}
			}
			mustSQL(t, b.url, "alter table audit disable trigger all")
			mustSQL(t, b.url, test.tamper)
			_, err := b.VerifyAudit(t.Context())
			broken, ok := errors.AsType[*store.Broken](err)
			if !ok || broken.Seq != test.wantSeq || !strings.Contains(broken.Why, test.wantWhy) {
				t.Errorf("want entry %d, %q; got %v", test.wantSeq, test.wantWhy, err)
			}
		})
	}
}

func TestARewrittenChainShowsAgainstAHeadThatWasKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	note := func(kinds ...string) {
		t.Helper()
		for _, kind := range kinds {
			if err := b.Note(t.Context(), kind, "alice", "backend", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	note("one", "two")
	seq, hash, err := b.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := store.Checkpoint{Seq: seq, Hash: hash}
	note("three")
	if n, err := b.VerifyAudit(t.Context(), kept); n != 3 || err != nil {
		t.Fatalf("the true chain: %d entries, %v", n, err)
	}
	// Somebody who owns the database starts over with a story of their own.
	mustSQL(t, b.url, "alter table audit disable trigger all")
	mustSQL(t, b.url, "delete from audit")
	mustSQL(t, b.url, "update audit_head set seq = 0, hash = ''")
	note("eins")
	_, err = b.VerifyAudit(t.Context(), kept)
	if broken, ok := errors.AsType[*store.Broken](err); !ok || broken.Seq != 2 {
		t.Errorf("a chain that is too short: got %v, want entry 2 missing", err)
	}
	note("zwei", "drei")
	if n, err := b.VerifyAudit(t.Context()); n != 3 || err != nil {
		t.Fatalf("the new chain is not sound in itself: %d, %v", n, err)
	}
	_, err = b.VerifyAudit(t.Context(), kept)
	if broken, ok := errors.AsType[*store.Broken](err); !ok || broken.Seq != 2 || !strings.Contains(broken.Why, "kept") {
		t.Errorf("another chain: got %v, want entry 2 to be another one", err)
	}
}
