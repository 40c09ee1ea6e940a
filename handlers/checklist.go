package handlers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// worked is a checklist with what it is about: the service of now and the document as it was opened.
type worked struct {
	checklist.Checklist
	svc   catalog.Service
	book  *runbook.Runbook // what of it applies to the service
	pages []page
}

// step finds a step by its number.
func (w worked) step(n int) (runbook.Step, bool) {
	for _, s := range w.book.Steps() {
		if s.Number == n {
			return s, true
		}
	}
	return runbook.Step{}, false
}

// runbook opens a runbook for a service as a checklist, or shows one that is open.
func (d *Desk) runbook(ctx context.Context, req Request) error {
	const usage = "runbook NAME SERVICE"
	if len(req.Args) == 1 && isChecklistID(req.Args[0]) {
		w, err := d.checklist(ctx, req.Args[0])
		if err != nil {
			return err
		}
		if err := d.mayReadList(ctx, req, w); err != nil {
			return err
		}
		if err := d.mayMove(ctx, req, w); err != nil {
			return err
		}
		w.Places = nil // it stands here from now on
		return d.lay(ctx, req, w)
	}
	book, svc, err := d.named(req, usage)
	if err != nil {
		return err
	}
	fit := book.For(svc)
	if len(fit.Phases) == 0 {
		return &Problem{Code: "no-steps", Text: redact.F("Runbook %s has nothing that applies to %s, so nothing was opened.", book.Name(), svc.Name), Next: redact.Const("`runbooks` lists them with their services.")}
	}
	if err := given(fit, req.Set); err != nil {
		return err
	}
	c, err := d.Checklists.OpenChecklist(ctx, openKey(req), checklist.Checklist{
		ID: "C-" + strings.TrimPrefix(newID(), "R-"), Runbook: book.Name(), Service: svc.Name, Source: book.Source, Values: req.Set,
		OpenedBy: req.Actor.Name(), OpenedAt: d.Now(),
	})
	if err != nil {
		return noChecklist(svc, err)
	}
	w, err := d.work(c)
	if err != nil {
		return err
	}
	return d.lay(ctx, req, w)
}

func openKey(req Request) string {
	if req.Key == "" {
		return ""
	}
	return "open:" + req.Key
}

// named finds the runbook and the service that were typed.
func (d *Desk) named(req Request, usage string) (*runbook.Runbook, catalog.Service, error) {
	if len(req.Args) == 0 {
		return nil, catalog.Service{}, &Problem{Code: "usage", Text: redact.Const("Which runbook, and for which service? Nothing was done."), Next: redact.F("Write `%s`; `runbooks` lists them.", usage)}
	}
	book, ok := d.Runbooks.Named(req.Args[0])
	if !ok {
		var names []string
		for _, b := range d.Runbooks.All() {
			names = append(names, b.Name())
		}
		p := &Problem{Code: "unknown-runbook", Text: redact.F("I know no runbook %q, so nothing was done.", req.Args[0]), Next: redact.F("There are: %s.", strings.Join(names, ", "))}
		if near := catalog.Suggest(req.Args[0], names); len(near) > 0 {
			p.Next = redact.F("Did you mean `%s`?", strings.Join(append([]string{req.Verb, near[0]}, req.Args[1:]...), " "))
		}
		return nil, catalog.Service{}, p
	}
	rest := req
	rest.Args = req.Args[1:]
	rest.Verb = req.Verb + " " + book.Name()
	svc, err := d.service(rest, usage)
	return book, svc, err
}

// given refuses values whose placeholder the document does not have, or that do not fit it.
func given(book *runbook.Runbook, values map[string]string) error {
	holes := map[string]runbook.Hole{}
	for _, s := range book.Steps() {
		for _, h := range s.Holes() {
			if _, known := holes[h.Name]; !known {
				holes[h.Name] = h
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		h, ok := holes[name]
		if !ok {
			return &Problem{Code: "usage", Text: redact.F("The runbook has no placeholder %q; nothing was done.", name),
				Next: redact.F("It has: %s.", orNone(strings.Join(slices.Sorted(maps.Keys(holes)), ", ")))}
		}
		if why := h.Wrong(values[name]); why != "" {
			return &Problem{Code: "usage", Text: redact.F("%s cannot be %q: it %s. Nothing was done.", h.Written, values[name], why)}
		}
	}
	return nil
}

func isChecklistID(s string) bool {
	return len(s) == 8 && strings.HasPrefix(strings.ToUpper(s), "C-")
}

// checklist reads one with its document.
func (d *Desk) checklist(ctx context.Context, id string) (worked, error) {
	c, err := d.Checklists.Checklist(ctx, strings.ToUpper(id))
	switch {
	case errors.Is(err, approval.ErrNotFound):
		return worked{}, &Problem{Code: "not-found", Text: redact.F("There is no checklist %s; nothing was done.", id), Next: redact.Const("`runbook NAME SERVICE` opens one.")}
	case err != nil:
		return worked{}, noChecklist(catalog.Service{Name: "SERVICE"}, err)
	}
	return d.work(c)
}

func (d *Desk) work(c checklist.Checklist) (worked, error) {
	svc, ok := d.Catalog().Service(c.Service)
	if !ok {
		return worked{}, &Problem{Code: "unknown-service", Text: redact.F("Checklist %s is for %s, which svcdown.yaml does not name any more; nothing was done.", c.ID, c.Service)}
	}
	book, err := runbook.Parse(c.Runbook+".md", []byte(c.Source))
	if err != nil {
		return worked{}, fmt.Errorf("read the document of %s: %w", c.ID, err)
	}
	w := worked{Checklist: c, svc: svc, book: book.For(svc)}
	w.pages = paginate(w.book)
	return w, nil
}

// noChecklist words a database that does not answer: what a step did could not be kept apart from what it did not.
func noChecklist(svc catalog.Service, err error) error {
	if !errors.Is(err, approval.ErrUnavailable) {
		return err
	}
	return &Problem{Code: "unavailable", Err: err, Text: redact.Const("The database does not answer, so I cannot keep a checklist; nothing was run or posted."),
		Next: redact.F("Reading goes on without it: `status %s`, `check %s KIND`.", svc.Name, svc.Name)}
}

// lay posts the first message and one for each page, and remembers where they stand. It goes on where an earlier life of the bot stopped.
func (d *Desk) lay(ctx context.Context, req Request, w worked) error {
	first, ok := w.Places[0]
	if !ok {
		var err error
		if first, err = req.Talk.Say(ctx, w.key(0), d.frontCard(w)); err != nil {
			return err
		}
		if first.Kind == "slack" && first.Message == "" {
			// We are not in that channel, so that only the asker saw it: a checklist needs a thread.
			talk, err := d.Talk.Direct(ctx, req.From)
			if err != nil {
				return err
			}
			if first, err = talk.Say(ctx, w.key(0), d.frontCard(w)); err != nil {
				return err
			}
		}
		if err := d.stands(ctx, &w, 0, first); err != nil {
			return err
		}
	}
	in := below(first)
	for i := range w.pages {
		if _, ok := w.Places[i+1]; ok {
			continue
		}
		at, err := d.Talk.At(in).Say(ctx, w.key(i+1), d.pageCard(w, i))
		if err != nil {
			return err
		}
		if err := d.stands(ctx, &w, i+1, at); err != nil {
			return err
		}
	}
	return nil
}

// below is the thread of a message.
func below(at card.Address) card.Address {
	if at.Thread == "" {
		at.Thread = at.Message
	}
	at.Message = ""
	return at
}

// key makes a message of the checklist be posted once in one place.
func (w worked) key(page int) string { return fmt.Sprintf("checklist:%s:%d", w.ID, page) }

// stands remembers the place of a page. A terminal is gone the next time.
func (d *Desk) stands(ctx context.Context, w *worked, page int, at card.Address) error {
	if at.Kind != "slack" {
		return nil
	}
	at.ResponseURL = ""
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, w.OpenedBy, func(c *checklist.Checklist) error {
		c.Stand(page, at)
		return nil
	})
	if err != nil {
		return noChecklist(w.svc, err)
	}
	before := w.Version
	if w.Checklist = c; c.Version > before+1 { // worked on while the page was on its way, which shows what was before
		return d.refresh(ctx, w.ID, page)
	}
	return nil
}

// refresh shows pages (0 is the first message) as they are stored. Of two that refresh at the same moment the later wins with the truth: each
// looks again whether the row stood still meanwhile.
func (d *Desk) refresh(ctx context.Context, id string, pages ...int) error {
	for range maxRefresh {
		w, err := d.checklist(ctx, id)
		if err != nil {
			return err
		}
		for _, p := range pages {
			at, ok := w.Places[p]
			if !ok || p > len(w.pages) {
				continue
			}
			c := d.frontCard(w)
			if p > 0 {
				c = d.pageCard(w, p-1)
			}
			if err := d.Talk.At(at).Update(ctx, at, c); err != nil && !errors.Is(err, ErrGone) {
				return err
			}
		}
		now, err := d.Checklists.Checklist(ctx, id)
		if err != nil || now.Version == w.Version {
			return err
		}
	}
	return nil
}

// maxRefresh bounds how often one refresh looks again; whoever changed the row refreshes as well.
const maxRefresh = 5

// pageOf is the page, from 1, that a step stands on.
func (w worked) pageOf(n int) int {
	return 1 + slices.IndexFunc(w.pages, func(p page) bool { return slices.Contains(p.numbers(), n) })
}
