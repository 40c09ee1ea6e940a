package alertmanager

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/svcdown/svcdown/integrations/call"
)

// Client makes silences. It is safe for concurrent use.
type Client struct {
	system *call.System
	base   string
}

// New makes a Client of the Alertmanager at address. authorization is the whole header that is sent with every call, "" for none.
func New(address, authorization string, now func() time.Time) *Client {
	h := http.Header{}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return &Client{system: call.New("Alertmanager", h, nil, now), base: strings.TrimRight(address, "/") + "/api/v2"}
}

// Silence keeps alerts quiet: those that have all of Labels, from Start until End.
type Silence struct {
	ID         string
	Labels     map[string]string
	Start, End time.Time
	// By is who asked, Why what for.
	By, Why string
	// Active is true while it keeps alerts quiet.
	Active bool
}

type wireSilence struct {
	ID        string        `json:"id,omitempty"`
	Matchers  []wireMatcher `json:"matchers"`
	StartsAt  time.Time     `json:"startsAt"`
	EndsAt    time.Time     `json:"endsAt"`
	CreatedBy string        `json:"createdBy"`
	Comment   string        `json:"comment"`
	Status    *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

type wireMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// Silence makes s and returns its ID. Each call makes another one: whoever repeats it asks [Client.Silences] first.
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
func (c *Client) Silence(ctx context.Context, s Silence) (id string, err error) {
	in := wireSilence{StartsAt: s.Start, EndsAt: s.End, CreatedBy: s.By, Comment: s.Why}
	for name, value := range s.Labels {
		in.Matchers = append(in.Matchers, wireMatcher{Name: name, Value: value, IsEqual: true})
	}
	var out struct {
		SilenceID string `json:"silenceID"`
	}
	if err := c.system.Do(ctx, http.MethodPost, c.base+"/silences", in, &out); err != nil {
		return "", err
	}
	return out.SilenceID, nil
}

// Silences lists all that Alertmanager still knows, also expired ones.
func (c *Client) Silences(ctx context.Context) ([]Silence, error) {
	var list []wireSilence
	if err := c.system.Do(ctx, http.MethodGet, c.base+"/silences", nil, &list); err != nil {
		return nil, err
	}
	out := make([]Silence, 0, len(list))
	for _, w := range list {
		s := Silence{ID: w.ID, Labels: map[string]string{}, Start: w.StartsAt, End: w.EndsAt, By: w.CreatedBy, Why: w.Comment, Active: w.Status != nil && w.Status.State == "active"}
		for _, m := range w.Matchers {
			s.Labels[m.Name] = m.Value
		}
		out = append(out, s)
	}
	return out, nil
}

// Firing lists the labels of the alerts that fire and are neither silenced nor inhibited.
func (c *Client) Firing(ctx context.Context) ([]map[string]string, error) {
	var list []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := c.system.Do(ctx, http.MethodGet, c.base+"/alerts?active=true&silenced=false&inhibited=false", nil, &list); err != nil {
		return nil, err
	}
	out := make([]map[string]string, len(list))
	for i, a := range list {
		out[i] = a.Labels
	}
	return out, nil
}
