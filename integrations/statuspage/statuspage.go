package statuspage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/integrations/call"
)

// DefaultURL is where Atlassian Statuspage answers.
const DefaultURL = "https://api.statuspage.io"

// Page is one page of Atlassian Statuspage, over its REST API v1. It is safe for concurrent use.
type Page struct {
	system *call.System
	base   string
}

// New makes a Page. address is "" for the real one.
func New(address, page, token string, now func() time.Time) *Page {
	if address == "" {
		address = DefaultURL
	}
	return &Page{
		system: call.New("Statuspage", http.Header{"Authorization": {"OAuth " + token}}, []string{token}, now),
		base:   strings.TrimRight(address, "/") + "/v1/pages/" + url.PathEscape(page),
	}
}

// found is what we need to know of an incident that the page has. Its components come as a list there, and go as an object.
type found struct {
	ID       string    `json:"id"`
	Metadata *metadata `json:"metadata"`
}

// wireIncident is an incident as it goes to the page. https://developer.statuspage.io/#tag/incidents
type wireIncident struct {
	Name       string            `json:"name,omitempty"`
	Status     string            `json:"status,omitempty"`
	Impact     string            `json:"impact_override,omitempty"`
	Body       string            `json:"body,omitempty"`
	Components map[string]string `json:"components,omitempty"`
	IDs        []string          `json:"component_ids,omitempty"`
	Metadata   *metadata         `json:"metadata,omitempty"`
}

// metadata is ours on an incident of the page. The page wants objects at its top level.
type metadata struct {
	Svcdown ours `json:"svcdown"`
}

type ours struct {
	Incident string `json:"incident,omitempty"`
	// Updates are the newest keys that the page has.
	Updates []string `json:"updates,omitempty"`
}

const (
	maxTitle   = 255
	maxUpdates = 50
	// perPage and pages bound where an incident of ours is looked for: the newest thousand.
	perPage = 100
	pages   = 10
)

// Publish creates the page's incident, or updates it when there is one for the incident of u. It looks first, so that a retry after a lost
// answer says nothing twice; two calls for one new incident at the same moment must not be made.
func (p *Page) Publish(ctx context.Context, u Update) error {
	there, err := p.find(ctx, u.Incident)
	if err != nil {
		return fmt.Errorf("publish %s: %w: %w", u.Key, ErrUntouched, err)
	}
	if slices.Contains(there.Metadata.Svcdown.Updates, u.Key) {
		return nil
	}
	in := wireIncident{Status: u.State, Impact: u.Impact, Body: u.Body}
	for _, c := range u.Components {
		if in.Components == nil {
			in.Components = map[string]string{}
		}
		in.Components[c.ID] = c.Status
		in.IDs = append(in.IDs, c.ID)
	}
	keys := append(there.Metadata.Svcdown.Updates, u.Key)
	in.Metadata = &metadata{ours{u.Incident, keys[max(0, len(keys)-maxUpdates):]}}
	method, address := http.MethodPatch, p.base+"/incidents/"+url.PathEscape(there.ID)
	if there.ID == "" {
		method, address = http.MethodPost, p.base+"/incidents"
		in.Name = short(u.Title)
	}
	if err := p.system.Do(ctx, method, address, map[string]any{"incident": in}, nil); err != nil {
		return fmt.Errorf("publish %s: %w", u.Key, err)
	}
	return nil
}

// Has reports whether the page has the update with this key of an incident of ours.
func (p *Page) Has(ctx context.Context, incidentID, key string) (bool, error) {
	there, err := p.find(ctx, incidentID)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", key, err)
	}
	return slices.Contains(there.Metadata.Svcdown.Updates, key), nil
}

// find returns the page's incident for ours, without an ID when there is none. Its Metadata is never nil.
func (p *Page) find(ctx context.Context, incidentID string) (found, error) {
	for n := 1; n <= pages; n++ {
		var list []found
		if err := p.system.Do(ctx, http.MethodGet, fmt.Sprintf("%s/incidents?limit=%d&page=%d", p.base, perPage, n), nil, &list); err != nil {
			return found{}, err
		}
		for _, i := range list {
			if i.Metadata != nil && i.Metadata.Svcdown.Incident == incidentID {
				return i, nil
			}
		}
		if len(list) < perPage {
			break
		}
	}
	return found{Metadata: &metadata{}}, nil
}

// Components lists the page's components by ID.
func (p *Page) Components(ctx context.Context) (map[string]string, error) {
	var list []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	if err := p.system.Do(ctx, http.MethodGet, p.base+"/components", nil, &list); err != nil {
		return nil, fmt.Errorf("list the components: %w", err)
	}
	out := map[string]string{}
	for _, c := range list {
		out[c.ID] = c.Name
	}
	return out, nil
}

// Retry reports whether the same call may do better later, and how long the page asks to wait.
func Retry(err error) (bool, time.Duration) {
	var e *call.Error
	if !errors.As(err, &e) {
		return false, 0
	}
	return e.Again, e.After
}

func short(s string) string {
	if r := []rune(s); len(r) > maxTitle {
		return string(r[:maxTitle-1]) + "…"
	}
	return s
}
