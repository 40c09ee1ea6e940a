package handlers_test

import "testing"

func TestHelpHasAChapterBeforeEveryFewVerbs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parts := b.says(t, "alice", "help").Parts
	if len(parts) == 0 || len(parts)%2 != 0 {
		t.Fatalf("%d parts are no chapters with a table each", len(parts))
	}
	for i := 0; i < len(parts); i += 2 {
		if parts[i].Text.Empty() || parts[i+1].Table == nil {
			t.Fatalf("part %d is no chapter: %+v", i, parts[i:i+2])
		}
		if n := len(parts[i+1].Table.Rows); n > 15 {
			t.Errorf("the chapter %q has %d verbs", parts[i].Text, n)
		}
	}
}
