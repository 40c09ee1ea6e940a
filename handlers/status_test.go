package handlers_test

import (
	"testing"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func TestButtonsAskFirstWhereNobodyElseWillBeAsked(t *testing.T) {
	t.Parallel()
	for name, none := range map[string]bool{"a second person decides": false, "the click decides": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
				return checks(finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 pods are not ready")})
			}
			for i := range b.catalog.Policies {
				b.catalog.Policies[i].Approvals.None = none
			}
			b.says(t, "alice", "status backend")
			seen := false
			for _, button := range b.chat.all()[0].card.Buttons {
				if button.Verb == "restart" {
					seen = true
					if asks := button.Confirm != nil; asks != none {
						t.Errorf("asks first: %v, want %v", asks, none)
					}
				}
				if button.Verb == "logs" && button.Confirm != nil {
					t.Error("reading asks first")
				}
			}
			if !seen {
				t.Errorf("no restart on %+v", b.chat.all())
			}
		})
	}
}
