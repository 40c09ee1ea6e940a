package catalog

import (
	"slices"
	"strings"
)

// Service finds a service by its name or one of its aliases, ignoring case and surrounding space.
func (c *Catalog) Service(name string) (Service, bool) {
	name = strings.TrimSpace(name)
	for _, s := range c.Services {
		if name != "" && (strings.EqualFold(s.Name, name) || slices.ContainsFunc(s.Aliases, func(a string) bool { return strings.EqualFold(a, name) })) {
			return s, true
		}
	}
	return Service{}, false
}

// ServiceNames lists everything a person may type for a service: the names first, then the aliases.
func (c *Catalog) ServiceNames() []string {
	var names, aliases []string
	for _, s := range c.Services {
		names = append(names, s.Name)
		aliases = append(aliases, s.Aliases...)
	}
	return append(names, aliases...)
}

// Cluster finds a cluster by its exact name.
func (c *Catalog) Cluster(name string) (Cluster, bool) {
	return find(c.Clusters, func(k Cluster) bool { return k.Name == name })
}

// Person finds a person by their exact name.
func (c *Catalog) Person(name string) (Person, bool) {
	return find(c.People, func(p Person) bool { return p.Name == name })
}

// PersonBySlack finds whose account id is. Team and user must both be known and match: a bare user ID is nobody's.
func (c *Catalog) PersonBySlack(id SlackID) (Person, bool) {
	if id.Team == "" || id.User == "" {
		return Person{}, false
	}
	return find(c.People, func(p Person) bool { return slices.Contains(p.Slack, id) })
}

// PersonByEmail finds whose address this is, in upper or lower case.
func (c *Catalog) PersonByEmail(address string) (Person, bool) {
	return find(c.People, func(p Person) bool { return address != "" && strings.EqualFold(p.Email, address) })
}

// PersonByKubernetes finds whose username this is, exactly as TokenReview gives it.
func (c *Catalog) PersonByKubernetes(username string) (Person, bool) {
	return find(c.People, func(p Person) bool { return username != "" && slices.Contains(p.Kubernetes, username) })
}

// Role finds a role by its exact name.
func (c *Catalog) Role(name string) (Role, bool) {
	return find(c.Roles, func(r Role) bool { return r.Name == name })
}

// Policy returns the first policy for action on service (a name or an alias). No policy, an unknown action and an unknown service are
// all false: what no policy names is refused.
func (c *Catalog) Policy(action Action, service string) (Policy, bool) {
	s, ok := c.Service(service)
	if !ok || !slices.Contains(Actions(), action) {
		return Policy{}, false
	}
	return find(c.Policies, func(p Policy) bool { return p.covers(action, s.Name) })
}

func (p Policy) covers(action Action, service string) bool {
	return (slices.Contains(p.Actions, action) || slices.Contains(p.Actions, "*")) &&
		(slices.Contains(p.Services, service) || slices.Contains(p.Services, "*"))
}

// Workers lists the roles that may work on runbooks for a service (a name or an alias), in the order of the file: those that any policy names
// which decides about an action on it. A policy that never decides, because another stands above it, adds nobody.
func (c *Catalog) Workers(service string) []string {
	var out []string
	for _, r := range c.Roles {
		if slices.ContainsFunc(Actions(), func(a Action) bool {
			p, ok := c.Policy(a, service)
			return ok && slices.Contains(p.workers(), r.Name)
		}) {
			out = append(out, r.Name)
		}
	}
	return out
}

func (p Policy) workers() []string {
	if p.MayWork == nil {
		return p.MayAsk
	}
	return p.MayWork
}

// People is how many different people must agree.
func (p Policy) People() int {
	n := 0
	for _, r := range p.Approvals.All {
		n += r.Count
	}
	return n
}

// AtLeast returns the policy with no fewer than n people who must agree; it never lowers the number. Who is wanted in addition may hold any
// role that the policy's approvers hold; where nobody had to agree, any role that may ask.
func (p Policy) AtLeast(n int) Policy {
	more := n - p.People()
	if more <= 0 {
		return p
	}
	var roles []string
	for _, r := range p.Approvals.All {
		for _, name := range r.Roles {
			if !slices.Contains(roles, name) {
				roles = append(roles, name)
			}
		}
	}
	if len(roles) == 0 {
		roles = p.MayAsk
	}
	p.Approvals = Approvals{All: append(slices.Clone(p.Approvals.All), Requirement{Count: more, Roles: roles})}
	return p
}

// GroupsOfRoles lists every Slack user group that a role names, once each, in the order of the file.
func (c *Catalog) GroupsOfRoles() []string {
	var out []string
	for _, r := range c.Roles {
		for _, g := range r.SlackGroups {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// RolesOf lists the roles, in the order of the file, of whoever is person in the catalogue ("" for nobody) and owns the Slack accounts
// ids. groups are the members of Slack user groups by group ID; a group that is missing from it has no members, so that an answer that
// never came grants nothing.
func (c *Catalog) RolesOf(person string, groups map[string][]SlackID, ids []SlackID) []string {
	var out []string
	for _, r := range c.Roles {
		listed := person != "" && slices.Contains(r.People, person)
		if listed || slices.ContainsFunc(r.SlackGroups, func(g string) bool { return shareAccount(groups[g], ids) }) {
			out = append(out, r.Name)
		}
	}
	return out
}

func shareAccount(members, ids []SlackID) bool {
	return slices.ContainsFunc(ids, func(id SlackID) bool {
		return id.Team != "" && id.User != "" && slices.Contains(members, id)
	})
}

func find[T any](all []T, is func(T) bool) (T, bool) {
	for _, v := range all {
		if is(v) {
			return v, true
		}
	}
	var none T
	return none, false
}
