package handlers_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/handlers"
)

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func TestWhatNobodyKnowsIsAskedForInAForm(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.incoming(t, click(b, "k1", "3 run"))
	if len(b.forms.opened) != 1 || len(b.checks.ran) != 0 {
		t.Fatalf("%d forms, ran %v", len(b.forms.opened), b.checks.ran)
	}
	f := b.forms.opened[0]
	if len(f.Fields) != 1 || f.Fields[0].Name != "node-name" || f.Fields[0].Type != "node" || f.Verb+" "+f.Value != "step "+b.id+" 3 run" {
		t.Fatalf("the form is %+v", f)
	}
	in := click(b, "form:V1", "3 run")
	in.Values = map[string]string{"node-name": "node-a"}
	b.incoming(t, in)
	if diff := cmp.Diff([]string{"describe nodes node-a"}, b.checks.ran); diff != "" {
		t.Error(diff)
	}
	if got := b.list(t).Values["node-name"]; got != "node-a" {
		t.Errorf("kept %q", got)
	}
	// It is known from now on.
	b.incoming(t, click(b, "k2", "3 run"))
	if len(b.forms.opened) != 1 || len(b.checks.ran) != 2 {
		t.Errorf("%d forms, ran %v", len(b.forms.opened), b.checks.ran)
	}
}

func TestAFormThatCannotBeOpenedIsOfferedAgain(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.forms.late = true
	mention := click(b, "k2", "3 run")
	mention.Trigger = ""
	for _, in := range []handlers.Incoming{click(b, "k1", "3 run"), mention} {
		c := b.incoming(t, in)
		if lacks(c.Verdict.String(), "It needs <node-name>; nothing was done yet") != nil || len(c.Buttons) != 1 || c.Buttons[0].Value != b.id+" 3 run" {
			t.Errorf("told %q with %v", c.Verdict, c.Buttons)
		}
	}
	if s := b.list(t).Steps[3]; s.State != checklist.Open {
		t.Errorf("the step is %+v", s)
	}
}

func TestAtATerminalValuesAreGivenByFlags(t *testing.T) {
	t.Parallel()
	b := opened(t)
	terminal := func(text string) card.Card {
		return b.incoming(t, handlers.Incoming{Kubernetes: "alice@example.com", Text: text, Where: card.Address{Kind: "terminal", Channel: "t"}})
	}
	c := terminal("step " + b.id + " 3 run")
	if c.State != card.Refused || lacks(c.Verdict.String(), "needs <node-name>", "step "+b.id+" 3 run --set node-name=…") != nil {
		t.Errorf("told %q", c.Verdict)
	}
	if c := terminal("step " + b.id + " 3 run --set node-name=Not/A/Node"); c.State != card.Refused || lacks(c.Verdict.String(), "is not a valid node") != nil {
		t.Errorf("told %q", c.Verdict)
	}
	terminal("step " + b.id + " 3 run --set NODE_NAME=node-a")
	if diff := cmp.Diff([]string{"describe nodes node-a"}, b.checks.ran); diff != "" {
		t.Error(diff)
	}
}

func TestFillInAsksForAllThatStoppedAndGoesOn(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.incoming(t, click(b, "k1", "all run"))
	b.incoming(t, click(b, "k2", "all fill"))
	if len(b.forms.opened) != 1 || len(b.forms.opened[0].Fields) != 1 || b.forms.opened[0].Value != b.id+" all run" {
		t.Fatalf("the forms are %+v", b.forms.opened)
	}
	in := click(b, "form:V1", "all run")
	in.Values = map[string]string{"node-name": "node-a"}
	b.incoming(t, in)
	if got := b.list(t).Steps[3].State; got != checklist.OK {
		t.Errorf("the step is %q", got)
	}
}

func TestAnActionThatStandsForSeveralPodsAsksWhich(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.Config.Runbooks = library(t, map[string]string{"pods.md": "# P\n\n## P\n\n```bash\nkubectl delete pod <pod-name>\n```\n"}, "")
	b.says(t, "alice", "runbook pods backend")
	for id := range b.lists.stored {
		if id != b.id {
			b.id = id
			break
		}
	}
	b.incoming(t, click(b, "k1", "1 ask"))
	if len(b.forms.opened) != 1 || b.forms.opened[0].Fields[0].Name != "pod-name" {
		t.Errorf("the forms are %+v", b.forms.opened)
	}
	if len(b.rows.order) != 0 {
		t.Error("a request was made")
	}
}

func TestWrongValuesNamesEveryFieldThatDoesNotFit(t *testing.T) {
	t.Parallel()
	fields := []card.Field{{Name: "desired-count", Type: "integer", Whole: true}, {Name: "pod-name", Type: "pod", Whole: true}, {Name: "part", Type: "url"}, {Name: "odd", Type: "nonsense", Whole: true}}
	got := handlers.WrongValues(fields, map[string]string{"desired-count": "-1", "pod-name": "a b", "part": "x/../y", "odd": "x"})
	want := map[string]string{"desired-count": "It is not a valid integer.", "pod-name": "It is not a valid pod.", "part": "It is no plain name.", "odd": "It has no type."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := handlers.WrongValues(fields[:2], map[string]string{"desired-count": "3", "pod-name": "backend-1"}); len(got) != 0 {
		t.Errorf("right values are wrong: %v", got)
	}
}
