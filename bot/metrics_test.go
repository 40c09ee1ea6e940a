package bot_test

import (
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

func TestMetricsTellAcksCallsAndSockets(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.say(t, "alice", "ops", "", "/svcdown whoami")
	b.next(t)
	b.fault(t, slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultError, Error: "internal_error"})
	if _, err := b.At(opsAddress).Say(b.ctx, "", simple(card.OK, redact.Const("all well"))); err != nil {
		t.Fatal(err)
	}
	got := b.figures(t)
	for name, want := range map[string]float64{
		"svcdown_slack_ack_seconds slash_commands": 1, "svcdown_slack_calls_total chat.postMessage internal_error": 1,
		"svcdown_slack_calls_total chat.postMessage ok": 1, "svcdown_slack_sockets_open": 2, "svcdown_slack_intake_depth": 0,
		"svcdown_slack_work_depth": 0, "svcdown_slack_send_depth": 0,
	} {
		if v, there := got[name]; !there || v != want {
			t.Errorf("%s is %v (there: %v), want %v", name, v, there, want)
		}
	}
	if got["svcdown_slack_socket_age_seconds"] <= 0 || got["svcdown_slack_last_event_age_seconds"] < 0 {
		t.Errorf("socket age %v, event age %v", got["svcdown_slack_socket_age_seconds"], got["svcdown_slack_last_event_age_seconds"])
	}
}

// figures are the values of all metrics, by name and labels; of a histogram its count.
func (b *bundle) figures(t *testing.T) map[string]float64 {
	t.Helper()
	got := map[string]float64{}
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}
