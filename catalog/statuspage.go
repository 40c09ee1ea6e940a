package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// StatusPage says where customers read how services do, "" in Provider for nowhere.
type StatusPage struct {
	Provider string `yaml:"provider"` // statuspage (Atlassian's) or webhook
	// URL is the address of the webhook; for statuspage another address than the real one.
	URL  string `yaml:"url"`
	Page string `yaml:"page"` // the page's ID, for statuspage
	// Templates are what is proposed where nobody typed a text. {service}, {eta} and {state} are filled in.
	Templates []StatusTemplate `yaml:"templates"`
}

// StatusTemplate is the text for one state of an incident.
type StatusTemplate struct {
	State string `yaml:"state"` // investigating, identified, monitoring or resolved
	Title string `yaml:"title"`
	Body  string `yaml:"body"`
}

// StatusStates are what an incident of a status page can be in.
func StatusStates() []string {
	return []string{"investigating", "identified", "monitoring", "resolved"}
}

// defaultTemplates are used for the states that the file has no template for.
var defaultTemplates = []StatusTemplate{
	{"investigating", "Problems with {service}", "We are looking into problems with {service}. {eta}"},
	{"identified", "Problems with {service}", "We have found the cause of the problems with {service} and are working on it. {eta}"},
	{"monitoring", "Problems with {service}", "We have fixed the problems with {service} and are watching whether it stays that way. {eta}"},
	{"resolved", "Problems with {service}", "The problems with {service} are resolved."},
}

// Words fills the template for a state: title and body. eta is a sentence, "" for none. What is filled in is never looked at again, so that it
// cannot be taken for a place to fill.
func (p StatusPage) Words(state, service, eta string) (title, body string) {
	for _, all := range [][]StatusTemplate{p.Templates, defaultTemplates} {
		for _, t := range all {
			if t.State != state {
				continue
			}
			fill := strings.NewReplacer("{service}", service, "{eta}", eta, "{state}", state)
			if title == "" {
				title = strings.TrimSpace(fill.Replace(t.Title))
			}
			if body == "" {
				body = strings.TrimSpace(fill.Replace(t.Body))
			}
		}
	}
	return title, body
}

var places = regexp.MustCompile(`\{[^}]*\}?`)

func (d *document) checkStatusPage(p StatusPage, stakeholders bool) {
	providers := []string{"statuspage", "webhook"}
	if p.Provider != "" {
		d.known("statusPage.provider", "provider", p.Provider, providers)
	} else if p.Page != "" || p.URL != "" || len(p.Templates) > 0 && !stakeholders {
		d.missing("statusPage.provider", oneOf("", providers))
	}
	if p.Provider == "statuspage" && p.Page == "" {
		d.missing("statusPage.page", "write the page's ID (Manage account, API info)")
	}
	if p.Provider == "webhook" && p.URL == "" {
		d.missing("statusPage.url", "write the address that updates are posted to")
	}
	if p.URL != "" {
		d.checkURL("statusPage.url", p.URL)
	}
	seen := d.unique()
	for i, t := range p.Templates {
		path := fmt.Sprintf("statusPage.templates[%d]", i)
		if d.known(path+".state", "state", t.State, StatusStates()) {
			seen(path+".state", t.State)
		}
		for name, text := range map[string]string{"title": t.Title, "body": t.Body} {
			for _, place := range places.FindAllString(text, -1) {
				if !slices.Contains([]string{"{service}", "{eta}", "{state}"}, place) {
					d.refuse(path+"."+name, fmt.Sprintf("%s.%s has a place that nothing fills: %q", path, name, clip(place)), "use {service}, {eta} and {state}")
				}
			}
		}
	}
}
