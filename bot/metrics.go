package bot

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the bot counts.
type metrics struct {
	acks  *prometheus.HistogramVec
	calls *prometheus.CounterVec
	lost  *prometheus.CounterVec
}

func newMetrics(b *Bot, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		acks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "svcdown_slack_ack_seconds", Help: "Time from an envelope's arrival to its ack, by kind.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3},
		}, []string{"kind"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "svcdown_slack_calls_total", Help: "Calls of Slack by method and outcome (ok, or Slack's error code).",
		}, []string{"method", "outcome"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "svcdown_slack_turned_away_total", Help: "What came in and was not handled, by reason.",
		}, []string{"reason"}),
	}
	gauges := []prometheus.Collector{m.acks, m.calls, m.lost}
	for name, g := range map[string]struct {
		help string
		read func() float64
	}{
		"svcdown_slack_sockets_open":           {"Socket Mode connections that are up.", func() float64 { return float64(b.Health().Sockets) }},
		"svcdown_slack_socket_age_seconds":     {"Age of the oldest open socket, 0 when none is open.", func() float64 { return b.socketAge().Seconds() }},
		"svcdown_slack_last_event_age_seconds": {"Time since Slack last sent anything a person did, -1 before the first.", func() float64 { return b.eventAge() }},
		"svcdown_slack_intake_depth":           {"Envelopes received and not yet acked.", func() float64 { return float64(len(b.intake)) }},
		"svcdown_slack_work_depth":             {"Acked commands that wait for a worker.", func() float64 { return float64(len(b.work)) }},
		"svcdown_slack_send_depth":             {"Calls that wait for their turn at Slack's rate limits.", func() float64 { return float64(b.calls.pace.waiting()) }},
	} {
		gauges = append(gauges, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help}, g.read))
	}
	for _, c := range gauges {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) call(method, outcome string) { m.calls.WithLabelValues(method, outcome).Inc() }

func (m *metrics) ack(kind string, took time.Duration) {
	m.acks.WithLabelValues(kind).Observe(took.Seconds())
}
