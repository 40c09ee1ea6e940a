package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/integrations/probe"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/runbooks"
	"github.com/svcdown/svcdown/steps"
)

// patient is one world with a desk that reads it.
type patient struct {
	namespace string
	desk      *handlers.Desk
}

func newPatient(t *testing.T, namespace string) *patient {
	out, err := shared.cluster.Command("seed", "--namespace", namespace, "--json").Output()
	var made k8stest.Sandbox
	if err = errors.Join(err, json.Unmarshal(out, &made)); err != nil {
		t.Errorf("seed %s: %v", namespace, err)
		return nil
	}
	file := filepath.Join(t.TempDir(), "svcdown.yaml")
	text := strings.NewReplacer("$NAMESPACE", namespace, "$KUBECONFIG", shared.cluster.BotKubeconfig, "$BACKEND", made.HealthURLs["backend"], "$FRONTEND", made.HealthURLs["frontend"]).Replace(patientConfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Error(err)
		return nil
	}
	cat, err := catalog.Load(file)
	if err != nil {
		t.Error(err)
		return nil
	}
	books, err := ownRunbook(t, namespace)
	if err != nil {
		t.Error(err)
		return nil
	}
	cl, err := k8sops.Open(cat.Clusters[0], k8sops.Options{Log: zerolog.Nop(), Now: func() time.Time { return time.Now().UTC() }})
	if err != nil {
		t.Error(err)
		return nil
	}
	whole := func() *catalog.Catalog { return cat }
	prober := probe.New(cat, nil, time.Now)
	return &patient{namespace: namespace, desk: handlers.NewDesk(handlers.Config{
		Catalog: whole, Runbooks: books, Clusters: func(string) (handlers.Cluster, error) { return cl, nil }, Probe: prober,
		Checks: steps.New(func(string) (steps.Cluster, error) { return cl, nil }, whole, prober),
		Talk:   nobody{}, Journal: unwritten{}, Log: zerolog.Nop(), Now: time.Now,
	})}
}

// ownRunbook is the shipped runbook for another namespace, as a team would have it in a folder of its own.
func ownRunbook(t *testing.T, namespace string) (*runbook.Library, error) {
	text, err := fs.ReadFile(runbooks.Files(), "service-down.md")
	if err != nil {
		return nil, err
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "service-down.md"), bytes.ReplaceAll(text, []byte("web3-marketplace-prod"), []byte(namespace)), 0o600); err != nil {
		return nil, err
	}
	return runbook.NewLibrary(runbooks.Files(), dir)
}

// showing bounds how long a trouble takes to show, healing how long until all is well again. A node counts as lost after 40 s.
const (
	showing = 100 * time.Second
	healing = 2 * time.Minute
)

func (p *patient) examine(t *testing.T, d diagnosed) {
	p.well(t)
	defer func() {
		p.heal(t)
		// A container that was killed a moment ago stays a suspect for ten minutes, and rightly so: the next question gets new ones.
		if out, err := kubectl(p.namespace, "delete", "pod", "--all", "--wait=false"); err != nil {
			t.Errorf("make the pods anew: %v\n%s", err, out)
		}
	}()
	if len(d.over) > 0 {
		p.outlive(t, d)
	}
	p.named(t, d)
}

// outlive breaks what is over by the time of the question and heals it. The logs of the pods keep what they wrote meanwhile.
func (p *patient) outlive(t *testing.T, d diagnosed) {
	t.Helper()
	p.named(t, diagnosed{broken: d.over, asked: d.asked})
	p.heal(t)
	healed := time.Now()
	p.well(t)
	// What was written within a minute before a trouble may be its cause.
	time.Sleep(time.Until(healed.Add(70 * time.Second)))
}

func (p *patient) heal(t *testing.T) {
	t.Helper()
	if out, err := shared.cluster.Command("heal", "--namespace", p.namespace).CombinedOutput(); err != nil {
		t.Errorf("heal: %v\n%s", err, out)
	}
}

// named breaks something and waits until it is named as it should be.
func (p *patient) named(t *testing.T, d diagnosed) {
	t.Helper()
	for _, b := range d.broken {
		if out, err := shared.cluster.Command("break", b.service, b.mode, "--seed", fmt.Sprint(b.seed), "--namespace", p.namespace).CombinedOutput(); err != nil {
			t.Fatalf("break %s %s: %v\n%s", b.service, b.mode, err, out)
		}
	}
	wants := p.meanings(t, d.broken)
	var last card.Card
	right := 0
	// It must be right twice in a row: an answer that comes by while the trouble unfolds is none.
	err := until(showing, func() error {
		begin := time.Now()
		last = p.triage(t, d.asked)
		t.Logf("triage took %s", time.Since(begin).Round(time.Millisecond)) // that it ends in time is held in handlers, by a clock of its own
		if why := judge(last, wants, d); why != "" {
			right = 0
			return errors.New(why)
		}
		if right++; right < 2 {
			return errors.New("right only once so far")
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v, in %d s:\n%s", err, int(showing.Seconds()), shown(last))
	}
}

// well waits until triage has nothing to say: that is the world that is well, before the first break and after every heal.
func (p *patient) well(t *testing.T) {
	t.Helper()
	var last card.Card
	if err := until(healing, func() error {
		for _, service := range []string{"frontend", "backend", "postgres", "redis"} {
			last = p.triage(t, service)
			if len(causes(last)) > 0 {
				return errors.New("still something is said to be wrong")
			}
		}
		return nil
	}); err != nil {
		t.Fatalf("%v:\n%s", err, shown(last))
	}
}

// meanings are the words in which each of what is broken must be named.
func (p *patient) meanings(t *testing.T, all []broken) []*regexp.Regexp {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(shared.cluster.Dir, "world", p.namespace+".json"))
	var state struct {
		Conditions []struct{ Mode, Variant string }
	}
	if err = errors.Join(err, json.Unmarshal(raw, &state)); err != nil {
		t.Fatalf("read what is broken: %v", err)
	}
	var out []*regexp.Regexp
	for _, b := range all {
		words := meaning[b.mode]
		for _, c := range state.Conditions {
			if c.Mode == b.mode && words == "" {
				words = meaning[c.Mode+"/"+c.Variant]
				t.Logf("%s is of the variant %s", c.Mode, c.Variant)
			}
		}
		if words == "" {
			t.Fatalf("nobody said what %s means", b.mode)
		}
		out = append(out, regexp.MustCompile(words))
	}
	return out
}

// causes are the hypotheses on a card, best first: the first is the headline, which names the second as well where that weighs as much.
func causes(c card.Card) []string {
	helps := false
	var more []string
	for _, part := range c.Parts {
		text := part.Text.String()
		helps = helps || strings.Contains(text, "What helps: ")
		if cause, ok := strings.CutPrefix(text, "Also possible: "); ok {
			more = append(more, cause)
		}
	}
	if !helps {
		return nil
	}
	first, second, both := strings.Cut(c.Verdict.String(), "; and: ")
	if both && !slices.Contains(more, second) {
		more = append([]string{second}, more...)
	}
	return append([]string{first}, more...)
}

func judge(c card.Card, wants []*regexp.Regexp, d diagnosed) string {
	list := causes(c)
	first := func(s string) string { line, _, _ := strings.Cut(s, "\n"); return line }
	if len(list) == 0 {
		return "no hypothesis"
	}
	for _, want := range wants {
		found := want.MatchString(first(list[0]))
		for _, other := range list[1:] {
			found = found || len(wants) > 1 && want.MatchString(first(other))
		}
		if !found {
			return fmt.Sprintf("%q is not named as it should be", want)
		}
	}
	// Of a pair, something else must not stand first.
	named := false
	for _, want := range wants {
		named = named || want.MatchString(first(list[0]))
	}
	if !named {
		return "something else stands first"
	}
	for _, cause := range list {
		if len(d.over) > 0 && strings.Contains(first(cause), "disk") {
			return "what is over is named"
		}
	}
	if d.helps != "" && (len(c.Buttons) == 0 || !helps(c.Buttons[0], d.helps)) {
		return fmt.Sprintf("what is offered first is not %q", d.helps)
	}
	return ""
}

// helps reports whether a button asks for one of what is wanted; a rollback names its revision besides.
func helps(b card.Button, wanted string) bool {
	got := b.Verb + " " + b.Value
	return slices.ContainsFunc(strings.Split(wanted, "|"), func(want string) bool { return got == want || strings.HasPrefix(got, want+" --revision ") })
}

func shown(c card.Card) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", c.State, c.Verdict)
	for _, p := range c.Parts {
		if !p.Text.Empty() {
			fmt.Fprintln(&b, p.Text)
		}
		for _, f := range p.Findings {
			fmt.Fprintf(&b, "  %s %s %s\n", f.Status, f.Check, f.Line)
		}
	}
	for _, button := range c.Buttons {
		fmt.Fprintf(&b, "[%s %s] ", button.Verb, button.Value)
	}
	return b.String()
}

// triage asks as a person at a terminal asks and returns the card.
func (p *patient) triage(t *testing.T, service string) card.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	hear := &listener{}
	if err := p.desk.Local(ctx, "triage "+service, hear); err != nil {
		t.Fatalf("triage %s: %v", service, err)
	}
	return hear.card
}

// listener keeps the last state of the first card.
type listener struct{ card card.Card }

func (l *listener) Say(_ context.Context, _ string, c card.Card) (card.Address, error) {
	l.card = c
	return card.Address{Kind: "terminal", Message: "1"}, nil
}
func (l *listener) Update(_ context.Context, _ card.Address, c card.Card) error {
	l.card = c
	return nil
}
func (l *listener) Whisper(_ context.Context, c card.Card) error { l.card = c; return nil }
func (l *listener) Upload(context.Context, card.File) error      { return nil }

// nobody hears what is said in the thread.
type nobody struct{}

func (nobody) At(card.Address) handlers.Conversation { return &listener{} }
func (nobody) Direct(context.Context, catalog.SlackID) (handlers.Conversation, error) {
	return nil, handlers.ErrGone
}

type unwritten struct{}

func (unwritten) Note(context.Context, string, string, string, any) error { return nil }

const patientConfig = `
slack: {team: T0MARKET01}
channels: {ops: C0OPS00001}
probes: {allowLoopback: true}
clusters: [{name: prod, kubeconfig: $KUBECONFIG}]
services:
  - {name: backend, kind: backend, cluster: prod, namespace: $NAMESPACE, workload: {kind: Deployment, name: backend-deployment}, kubernetesService: backend-service, health: ["$BACKEND"], dependsOn: [postgres, redis]}
  - {name: frontend, kind: frontend, cluster: prod, namespace: $NAMESPACE, workload: {kind: Deployment, name: frontend-deployment}, kubernetesService: frontend-service, health: ["$FRONTEND"], dependsOn: [backend]}
  - {name: postgres, kind: database, cluster: prod, namespace: $NAMESPACE, workload: {kind: StatefulSet, name: postgres-primary}, kubernetesService: postgres-primary-service}
  - {name: redis, kind: redis, cluster: prod, namespace: $NAMESPACE, workload: {kind: StatefulSet, name: redis-master}, kubernetesService: redis-master-service}
people: [{name: alice, slack: [{team: T0MARKET01, user: U0ALICE001}]}]
roles: [{name: oncall, people: [alice]}]
policies: [{name: all, actions: ["*"], services: ["*"], mayAsk: [oncall], approvals: [{count: 1, roles: [oncall]}]}]
`
