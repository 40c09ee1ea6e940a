package catalog

import (
	"fmt"
	"net/mail"
)

// PagerDuty says which account pages. Its keys are secrets and come from the environment; without a key nobody is paged there.
type PagerDuty struct {
	// Events is the address of its Events API, "" for the one in the United States.
	Events string `yaml:"events"`
	// API is the address of its REST API, "" for the one in the United States.
	API string `yaml:"api"`
}

// Mail says who writes. The server is a secret and comes from the environment; without one nothing is written.
type Mail struct {
	From string `yaml:"from"` // svcdown <svcdown@example.org>
}

func (d *document) checkOutside(c *Catalog) {
	if c.PagerDuty.Events != "" {
		d.checkURL("pagerDuty.events", c.PagerDuty.Events)
	}
	if c.PagerDuty.API != "" {
		d.checkURL("pagerDuty.api", c.PagerDuty.API)
	}
	d.checkStatusPage(c.StatusPage, len(c.Stakeholders) > 0)
	d.checkStakeholders(c)
	if c.Mail.From != "" {
		if _, err := mail.ParseAddress(c.Mail.From); err != nil {
			d.refuse("mail.from", fmt.Sprintf("%q is not an e-mail address", clip(c.Mail.From)), "write svcdown <svcdown@example.org>")
		}
	}
}
