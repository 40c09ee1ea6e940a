package runbook

import (
	"testing"
	"time"
)

// An outage keeps machines busy. A grammar that answered late must not refuse all SQL until somebody restarts the bot.
func TestAGrammarThatWasOnlySlowIsAskedAgain(t *testing.T) {
	if _, err := parseSQL("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	postgres.Lock()
	if a := ask("SELECT 2", time.Nanosecond); !a.died || !postgres.broken {
		t.Errorf("an answer that came too late counted: %+v", a)
	}
	postgres.Unlock()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := parseSQL("SELECT 3"); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("a minute later: %v", err)
		}
	}
}
