package catalog

import (
	"fmt"
	"net/mail"
	"slices"
)

// Stakeholders are people around a service who are told of its incidents in the words that were agreed on for customers.
type Stakeholders struct {
	Name       string   `yaml:"name"`
	Services   []string `yaml:"services"`   // "*" every service; empty matches none
	Severities []int    `yaml:"severities"` // empty: every severity
	Channels   []string `yaml:"channels"`   // Slack IDs
	Mails      []string `yaml:"mails"`      // people or mailing lists
}

// StakeholdersOf lists who is told of incidents of a service.
func (c *Catalog) StakeholdersOf(service string, severity int) []Stakeholders {
	var out []Stakeholders
	for _, s := range c.Stakeholders {
		if (slices.Contains(s.Services, "*") || slices.Contains(s.Services, service)) && (len(s.Severities) == 0 || slices.Contains(s.Severities, severity)) {
			out = append(out, s)
		}
	}
	return out
}

func (d *document) checkStakeholders(c *Catalog) {
	names := d.unique()
	services := append(namesOf(c.Services, func(s Service) string { return s.Name }), "*")
	for i, s := range c.Stakeholders {
		path := fmt.Sprintf("stakeholders[%d]", i)
		if d.need(path+".name", s.Name, typed, "a name", nameFix) {
			names(path+".name", s.Name)
		}
		d.needList(path+".services", len(s.Services), `write "services: [backend]", or ["*"] for every service`)
		d.allKnown(path+".services", "service", s.Services, services)
		d.checkSeverities(path+".severities", s.Severities)
		if len(s.Channels)+len(s.Mails) == 0 {
			d.refuse(path, path+" reaches nobody", "write channels or mails")
		}
		for j, channel := range s.Channels {
			d.optional(fmt.Sprintf("%s.channels[%d]", path, j), channel, slackChannel, "a Slack channel ID", channelFix)
		}
		for j, to := range s.Mails {
			if _, err := mail.ParseAddress(to); err != nil {
				d.refuse(fmt.Sprintf("%s.mails[%d]", path, j), fmt.Sprintf("%q is not an e-mail address", clip(to)), "write support@example.org")
			}
		}
	}
}
