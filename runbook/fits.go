package runbook

import (
	"path/filepath"
	"strings"

	"github.com/svcdown/svcdown/catalog"
)

// Name is what people call the runbook: its file's name without folder and ending, in lower case.
func (r *Runbook) Name() string {
	base := filepath.Base(r.File)
	return strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base)))
}

// For is the part of the document that applies to a service: sections of another kind ("Redis Service Down") and steps that are marked for
// other services ({for=frontend}) are left out, and so are phases that hold nothing then.
func (r *Runbook) For(svc catalog.Service) *Runbook {
	out := &Runbook{File: r.File, Title: r.Title, Source: r.Source, Warnings: r.Warnings}
	for _, p := range r.Phases {
		kept := Phase{Title: p.Title, Line: p.Line}
		for _, s := range p.Sections {
			if !s.fits(svc) {
				continue
			}
			fit := s
			fit.Steps = nil
			for _, step := range s.Steps {
				if step.fits(svc) {
					fit.Steps = append(fit.Steps, step)
				}
			}
			if len(fit.Steps)+len(fit.Reading) > 0 {
				kept.Sections = append(kept.Sections, fit)
			}
		}
		if len(kept.Sections) > 0 {
			out.Phases = append(out.Phases, kept)
		}
	}
	return out
}

func (s Section) fits(svc catalog.Service) bool {
	return s.AppliesTo == "" || strings.EqualFold(s.AppliesTo, svc.Kind)
}

func (s Step) fits(svc catalog.Service) bool {
	f := s.Attributes.For
	return f == "" || strings.EqualFold(f, svc.Kind) || strings.EqualFold(f, svc.Name)
}
