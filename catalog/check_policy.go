package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// maxCount bounds the people that one requirement may ask for.
const maxCount = 20

func (d *document) checkPolicies(c *Catalog) {
	names := d.unique()
	services := append(namesOf(c.Services, func(s Service) string { return s.Name }), "*")
	roles := namesOf(c.Roles, func(r Role) string { return r.Name })
	actions := []string{"*"}
	for _, a := range Actions() {
		actions = append(actions, string(a))
	}
	for i, p := range c.Policies {
		path := fmt.Sprintf("policies[%d]", i)
		if d.need(path+".name", p.Name, typed, "a name", nameFix) {
			names(path+".name", p.Name)
		}
		asked := make([]string, len(p.Actions))
		for j, a := range p.Actions {
			asked[j] = string(a)
		}
		d.needList(path+".actions", len(asked), `write "actions: [restart, scale]", or ["*"] for every action`)
		d.allKnown(path+".actions", "action", asked, actions)
		d.needList(path+".services", len(p.Services), `write "services: [backend]", or ["*"] for every service`)
		d.allKnown(path+".services", "service", p.Services, services)
		d.allKnown(path+".mayAsk", "role", p.MayAsk, roles)
		d.allKnown(path+".mayWork", "role", p.MayWork, roles)
		d.checkApprovals(path, p, c, roles)
		d.checkTimes(path, p)
		if p.MaxReplicas < 0 {
			d.refuse(path+".maxReplicas", path+".maxReplicas is negative", fmt.Sprintf("leave it out for %d", DefaultMaxReplicas))
		}
		if bg := p.BreakGlass; bg != nil {
			d.needList(path+".breakGlass.roles", len(bg.Roles), "name the roles that may act alone, or delete breakGlass")
			d.allKnown(path+".breakGlass.roles", "role", bg.Roles, roles)
			if c.Channels.Ops == "" && !d.reported("channels.ops") {
				d.refuse(path+".breakGlass", path+".breakGlass needs channels.ops, where it is announced", `write "channels: {ops: C…}"`)
			}
		}
	}
	if len(d.problems) == 0 { // what covers what is only worth saying of policies that hold
		d.checkReach(c)
	}
}

func (d *document) needList(path string, n int, fix string) {
	if n == 0 && !d.reported(path) {
		d.refuse(path, path+" is missing or empty, which matches nothing", fix)
	}
}

func (d *document) checkApprovals(path string, p Policy, c *Catalog, roles []string) {
	at := path + ".approvals"
	if p.Approvals.None {
		return
	}
	if len(p.Approvals.All) == 0 {
		if !d.reported(at) {
			d.refuse(path, fmt.Sprintf("policy %q does not say who has to approve", clip(p.Name)), approvalsFix)
		}
		return
	}
	sound := true
	for i, r := range p.Approvals.All {
		here := fmt.Sprintf("%s[%d]", at, i)
		if (r.Count < 1 || r.Count > maxCount) && !d.reported(here+".count") {
			d.refuse(here+".count", fmt.Sprintf("%s.count must be from 1 to %d, not %d", here, maxCount, r.Count), `write "count: 1", or "approvals: none" when nobody has to agree`)
			sound = false
		}
		d.needList(here+".roles", len(r.Roles), "name the roles whose people count")
		if !d.allKnown(here+".roles", "role", r.Roles, roles) {
			sound = false
		}
		if n, bounded := c.holders([]Requirement{r}); sound && bounded && len(r.Roles) > 0 && n < r.Count {
			d.refuse(here, fmt.Sprintf("%s needs %d, but %s can only ever be %d", here, r.Count, strings.Join(r.Roles, " or "), n), "add people or a Slack group to the role, or lower the count")
			sound = false
		}
	}
	if !sound {
		return
	}
	total := 0
	for _, r := range p.Approvals.All {
		total += r.Count
	}
	if n, bounded := c.holders(p.Approvals.All); bounded && n > 0 && n < total {
		d.refuse(at, fmt.Sprintf("%s asks for %d different people, but only %d hold these roles", at, total, n), "one person counts once: add people to the roles or lower the counts")
	}
}

// holders counts the people who could ever meet any of the requirements; bounded is false when a Slack group is among them.
func (c *Catalog) holders(all []Requirement) (n int, bounded bool) {
	people := map[string]bool{}
	for _, r := range all {
		for _, name := range r.Roles {
			role, _ := c.Role(name)
			if len(role.SlackGroups) > 0 {
				return 0, false
			}
			for _, p := range role.People {
				people[p] = true
			}
		}
	}
	return len(people), true
}

func (d *document) checkTimes(path string, p Policy) {
	expires := p.Expires
	if expires == 0 {
		expires = DefaultExpires
	}
	if p.RemindAfter >= expires {
		d.refuse(path+".remindAfter", fmt.Sprintf("%s.remindAfter (%s) is not before the request expires (%s)", path, p.RemindAfter, expires), "remind earlier or expire later")
	}
	if p.BreakGlass == nil {
		return
	}
	switch after := p.BreakGlass.After; {
	case after == 0 && !d.reported(path+".breakGlass.after"):
		d.refuse(path+".breakGlass", path+".breakGlass.after is missing", `write how long everybody else has first, such as "after: 5m"`)
	case after >= expires:
		d.refuse(path+".breakGlass.after", fmt.Sprintf("%s.breakGlass.after (%s) is not before the request expires (%s)", path, after, expires), "open it earlier or expire later")
	}
}

// checkReach refuses a policy that earlier ones leave nothing for. The first match wins, so that a strict policy below a lenient one
// would look as if it guarded something.
func (d *document) checkReach(c *Catalog) {
	for i, p := range c.Policies {
		var above []string
		free := false
		for _, a := range Actions() {
			for _, s := range c.Services {
				if !p.covers(a, s.Name) {
					continue
				}
				j := slices.IndexFunc(c.Policies[:i], func(q Policy) bool { return q.covers(a, s.Name) })
				if j < 0 {
					free = true
				} else if !slices.Contains(above, c.Policies[j].Name) {
					above = append(above, c.Policies[j].Name)
				}
			}
		}
		if !free {
			d.refuse(fmt.Sprintf("policies[%d]", i), fmt.Sprintf("policy %q never applies: %s above it matches first", p.Name, strings.Join(above, ", ")), "move it up or delete it")
		}
	}
}
