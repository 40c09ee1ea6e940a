package handlers_test

import (
	"strings"
	"testing"
	"time"
)

func TestTheHeadOfTheAuditLogIsToldOnceADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tell := func() {
		t.Helper()
		if err := b.TellAuditHead(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	if all := b.chat.all(); len(all) != 0 {
		t.Fatalf("an empty log was told of: %+v", all)
	}
	b.rows.head = 41
	keys := map[string]int{}
	for range 30 { // hours
		b.rows.head++
		tell()
		b.wait(time.Hour)
	}
	for _, m := range b.chat.all() {
		if m.op != "say" || m.at.Channel != "COPS" {
			t.Errorf("told by %s in %s", m.op, m.at.Channel)
		}
		keys[m.key]++
	}
	// What is said under one key is said once.
	if len(keys) != 2 {
		t.Errorf("told under the keys %v, want one for each of two days", keys)
	}
	first := b.chat.all()[0].card
	if text := first.Verdict.String(); !strings.Contains(text, "Entry 42 ") || !strings.Contains(text, "sha256:"+strings.Repeat("2a", 32)) {
		t.Errorf("the number and the whole hash are not in %q", text)
	}
}
