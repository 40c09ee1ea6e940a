package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/integrations/statuspage/sptest"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
)

const statusToken = "status-t0k3n-canary"

func told() plan.Plan {
	return plan.Plan{Action: catalog.Publish, Target: plan.Target{Name: "I-7K3MQX"},
		Params: map[string]string{"update": `{"Incident":"I-7K3MQX","State":"identified","Title":"Problems","Body":"It is the network.","Impact":"major","Components":{"cmp1":"partial_outage"}}`}}
}

// Only what the other side certainly did not do counts as refused: everything else is asked for afterwards and never sent again.
func TestWhatAnAnswerOfAStatusPageMeans(t *testing.T) {
	t.Parallel()
	none := func(w http.ResponseWriter) { _, _ = w.Write([]byte("[]")) }
	for name, tc := range map[string]struct {
		answers []func(http.ResponseWriter)
		page    string
		want    k8sops.Outcome
		has     bool
	}{
		"it takes it":                           {nil, "page1", k8sops.Applied, true},
		"the look breaks, so nothing was told":  {[]func(http.ResponseWriter){sptest.Answer(503, "")}, "page1", k8sops.Refused, false},
		"it refuses":                            {[]func(http.ResponseWriter){none, sptest.Answer(422, "")}, "page1", k8sops.Refused, false},
		"it is too busy":                        {[]func(http.ResponseWriter){none, sptest.Answer(429, "60")}, "page1", k8sops.Refused, false},
		"it breaks while it is told":            {[]func(http.ResponseWriter){none, sptest.Answer(500, "")}, "page1", k8sops.UnknownOutcome, false},
		"the answer is lost, but it was told":   {[]func(http.ResponseWriter){none, nil}, "page1", k8sops.UnknownOutcome, true},
		"no such page":                          {nil, "page2", k8sops.Refused, false},
		"a plan that is none of ours is no one": {nil, "", k8sops.Refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sp := sptest.New("page1", statusToken, "cmp1")
			t.Cleanup(sp.Close)
			s := Settings{Catalog: &catalog.Catalog{StatusPage: catalog.StatusPage{Provider: "statuspage", Page: tc.page, URL: sp.URL}}, Outside: Outside{StatusPageToken: statusToken}}
			to := outsides(s, time.Now)[catalog.Publish]
			p := told()
			if tc.page == "" {
				p.Params = map[string]string{"update": `{"State":"gone"}`}
			}
			sp.Next(tc.answers...)
			got := to.Do(t.Context(), p, "R-1")
			if got.Outcome != tc.want || strings.Contains(got.Message.String(), statusToken) || (got.Message.Empty() != (tc.want == k8sops.Applied)) {
				t.Errorf("got %d %q, want %d", got.Outcome, got.Message, tc.want)
			}
			if tc.page != "page1" {
				return
			}
			if has, err := to.Done(t.Context(), p, "R-1"); has != tc.has || err != nil {
				t.Errorf("got %v, %v, want %v", has, err, tc.has)
			}
			if problems := sp.Problems(); len(problems) > 0 {
				t.Errorf("Statuspage would refuse %v", problems)
			}
		})
	}
}

func TestWhatIsNotSetUpChangesNothing(t *testing.T) {
	t.Parallel()
	s := Settings{Catalog: &catalog.Catalog{}}
	if got := outsides(s, time.Now); len(got) != 0 || firing(s) != nil {
		t.Errorf("got %v", got)
	}
	s.Catalog.StatusPage = catalog.StatusPage{Provider: "webhook", URL: "http://127.0.0.1:1/"}
	got := outsides(s, time.Now)[catalog.Publish].Do(t.Context(), told(), "R-1")
	if got.Outcome != k8sops.Refused || got.Kind != k8sops.Unreachable {
		t.Errorf("got %+v from a webhook that is not there, want to hear that nothing was sent", got)
	}
}
