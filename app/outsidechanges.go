package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/integrations/alertmanager"
	"github.com/svcdown/svcdown/integrations/call"
	"github.com/svcdown/svcdown/integrations/statuspage"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// outsides are the systems in which approved plans change something, as far as they are set up.
func outsides(s Settings, now func() time.Time) map[catalog.Action]handlers.Outside {
	out := map[catalog.Action]handlers.Outside{}
	if at := s.Catalog.Alerts.Alertmanager; at != "" {
		out[catalog.Silence] = silencer{alertmanager.New(at, s.Outside.AlertmanagerAuth, now), now}
	}
	switch page := s.Catalog.StatusPage; page.Provider {
	case "statuspage":
		out[catalog.Publish] = publisher{statuspage.New(page.URL, page.Page, s.Outside.StatusPageToken, now), now}
	case "":
		if len(s.Catalog.Stakeholders) > 0 {
			out[catalog.Publish] = publisher{nil, now}
		}
	case "webhook":
		out[catalog.Publish] = publisher{statuspage.NewWebhook(page.URL, s.Outside.StatusPageToken, now), now}
	}
	return out
}

// firing knows what fires, nil without an Alertmanager.
func firing(s Settings) handlers.FiringAlerts {
	if s.Catalog.Alerts.Alertmanager == "" {
		return nil
	}
	return alertmanager.New(s.Catalog.Alerts.Alertmanager, s.Outside.AlertmanagerAuth, time.Now)
}

// silencer makes silences. The approval's ID begins the comment, by which a silence is found again.
type silencer struct {
	client *alertmanager.Client
	now    func() time.Time
}

func (s silencer) Do(ctx context.Context, p plan.Plan, approvalID string) k8sops.Result {
	labels, length, err := handlers.SilenceOf(p)
	if err != nil {
		return k8sops.Result{Outcome: k8sops.Refused, Kind: k8sops.Invalid, Message: redact.F("%v", err), Err: err}
	}
	now := s.now()
	_, err = s.client.Silence(ctx, alertmanager.Silence{Labels: labels, Start: now, End: now.Add(length), By: p.Params[handlers.ParamBy] + " (svcdown)", Why: comment(approvalID) + p.Params[handlers.ParamWhy]})
	return outcome(err)
}

func (s silencer) Done(ctx context.Context, _ plan.Plan, approvalID string) (bool, error) {
	list, err := s.client.Silences(ctx)
	if err != nil {
		return false, err
	}
	for _, one := range list {
		if strings.HasPrefix(one.Why, comment(approvalID)) {
			return true, nil
		}
	}
	return false, nil
}

func comment(approvalID string) string { return approvalID + ": " }

// page is a status page of any maker.
type page interface {
	Publish(ctx context.Context, u statuspage.Update) error
	Has(ctx context.Context, incidentID, key string) (bool, error)
}

// publisher tells customers. Without a page there are stakeholders only, who are told by what is announced.
type publisher struct {
	page page
	now  func() time.Time
}

func (b publisher) Do(ctx context.Context, p plan.Plan, approvalID string) k8sops.Result {
	u, err := handlers.UpdateOf(p)
	if err != nil {
		return k8sops.Result{Outcome: k8sops.Refused, Kind: k8sops.Invalid, Message: redact.F("%v", err), Err: err}
	}
	if b.page == nil {
		return k8sops.Result{Outcome: k8sops.Applied}
	}
	told := statuspage.Update{Key: approvalID, Incident: u.Incident, State: u.State, Title: u.Title, Body: u.Body, Impact: u.Impact, At: b.now()}
	for id, status := range u.Components {
		told.Components = append(told.Components, statuspage.Component{ID: id, Status: status})
	}
	return outcome(b.page.Publish(ctx, told))
}

func (b publisher) Done(ctx context.Context, p plan.Plan, approvalID string) (bool, error) {
	if b.page == nil {
		return true, nil
	}
	has, err := b.page.Has(ctx, p.Target.Name, approvalID)
	if errors.Is(err, statuspage.ErrCannotTell) {
		return false, handlers.ErrCannotTell
	}
	return has, err
}

// outcome says what an error of a call means for the change: refused only when the other side certainly did nothing.
func outcome(err error) k8sops.Result {
	var e *call.Error
	switch {
	case err == nil:
		return k8sops.Result{Outcome: k8sops.Applied}
	case errors.As(err, &e) && !e.Sent:
		return k8sops.Result{Outcome: k8sops.Refused, Kind: k8sops.Unreachable, Message: redact.F("%v", err), Err: err}
	case errors.Is(err, statuspage.ErrUntouched), errors.As(err, &e) && e.Status >= 400 && e.Status < 500:
		return k8sops.Result{Outcome: k8sops.Refused, Kind: k8sops.Invalid, Message: redact.F("%v", err), Err: err}
	}
	return k8sops.Result{Outcome: k8sops.UnknownOutcome, Message: redact.F("%v", err), Err: err}
}
