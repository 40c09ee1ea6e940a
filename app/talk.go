package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/web"
)

// talk finds the conversation that an address means.
type talk struct {
	slack     *bot.Bot
	terminals *web.Streams
}

func (t talk) At(a card.Address) handlers.Conversation {
	if a.Kind == "terminal" {
		return t.terminals.At(a)
	}
	return t.slack.At(a)
}

func (t talk) Direct(ctx context.Context, id catalog.SlackID) (handlers.Conversation, error) {
	return t.slack.Direct(ctx, id)
}

// measure counts commands, and approvals by state when it is asked.
type measure struct {
	commands *prometheus.HistogramVec
}

func newMeasure(registry prometheus.Registerer, st *storage) (measure, error) {
	m := measure{commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "svcdown_command_seconds", Help: "Time from a command's arrival to its answer, by verb and outcome.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"verb", "outcome"})}
	if err := registry.Register(m.commands); err != nil {
		return measure{}, err
	}
	return m, registry.Register(byState{st: st, desc: prometheus.NewDesc("svcdown_approvals", "Requests by state.", []string{"state"}, nil)})
}

func (m measure) Command(verb, outcome string, took time.Duration) {
	m.commands.WithLabelValues(verb, outcome).Observe(took.Seconds())
}

// byState asks the database when it is scraped; while that does not answer, the metric is absent rather than old.
type byState struct {
	st   *storage
	desc *prometheus.Desc
}

func (b byState) Describe(ch chan<- *prometheus.Desc) { ch <- b.desc }

func (b byState) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	counts, err := b.st.CountByState(ctx)
	if err != nil {
		return
	}
	for _, s := range []approval.State{approval.Pending, approval.Approved, approval.Executing, approval.Applied, approval.Succeeded,
		approval.Failed, approval.NotStarted, approval.Unknown, approval.Denied, approval.Expired, approval.Cancelled} {
		ch <- prometheus.MustNewConstMetric(b.desc, prometheus.GaugeValue, float64(counts[s]), string(s))
	}
}
