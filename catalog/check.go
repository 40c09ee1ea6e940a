package catalog

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Identifiers as their makers define them.
var (
	// dnsLabel is RFC 1123 as Kubernetes has it for namespaces and RFC 1035 services, without the letter-first rule of the latter:
	// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// dnsSubdomain is the rule for the names of workloads, at most 253 bytes.
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	// typed is what people can type and read in a message without quoting.
	typed = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	// Slack IDs: a letter for the kind, then capitals and digits. https://docs.slack.dev/reference/objects/
	slackTeam    = regexp.MustCompile(`^T[A-Z0-9]{2,30}$`)
	slackUser    = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{2,30}$`)
	slackGroup   = regexp.MustCompile(`^S[A-Z0-9]{2,30}$`)
)

// WorkloadKinds lists the controllers that a service may run on.
func WorkloadKinds() []string { return []string{"Deployment", "StatefulSet", "DaemonSet"} }

// check reports everything that the shape of the file alone does not rule out.
func (d *document) check(c *Catalog) {
	d.need("slack.team", c.Slack.Team, slackTeam, "a Slack workspace ID", "write the ID that begins with T (in the address of app.slack.com/client/T…)")
	d.optional("channels.ops", c.Channels.Ops, slackChannel, "a Slack channel ID", channelFix)
	d.optional("channels.incidents", c.Channels.Incidents, slackChannel, "a Slack channel ID", channelFix)
	if len(c.Clusters) == 0 && !d.reported("clusters") {
		d.refuse("clusters", "there is no cluster", `write "clusters: [{name: production}]"`)
	}
	if len(c.Services) == 0 && !d.reported("services") {
		d.refuse("services", "there is no service", "add at least one under services")
	}
	if len(c.Policies) == 0 && !d.reported("policies") {
		d.refuse("policies", "there is no policy, so nobody could change anything", "add at least one, or copy those of svcdown.example.yaml")
	}
	d.checkProbes(c)
	d.checkClusters(c)
	d.checkServices(c)
	d.checkPeople(c)
	d.checkRoles(c)
	d.checkPolicies(c)
	d.checkIncidents(c)
	d.checkAlerts(c)
	d.checkWatch(c.Probes.Watch)
	d.checkOutside(c)
	d.checkManifests(c.Manifests)
}

const (
	channelFix = "write the ID that begins with C or G (channel details, at the bottom)"
	nameFix    = "use letters, digits, - _ . and begin with a letter or digit"
)

func (d *document) checkClusters(c *Catalog) {
	names := d.unique()
	for i, k := range c.Clusters {
		path := fmt.Sprintf("clusters[%d]", i)
		if d.need(path+".name", k.Name, typed, "a name", nameFix) {
			names(path+".name", k.Name)
		}
	}
}

func (d *document) checkServices(c *Catalog) {
	names := d.unique()
	clusters := namesOf(c.Clusters, func(k Cluster) string { return k.Name })
	people := namesOf(c.People, func(p Person) string { return p.Name })
	services := namesOf(c.Services, func(s Service) string { return s.Name })
	for i, s := range c.Services {
		path := fmt.Sprintf("services[%d]", i)
		if d.need(path+".name", s.Name, typed, "a name", nameFix) {
			names(path+".name", s.Name)
		}
		for j, a := range s.Aliases {
			at := fmt.Sprintf("%s.aliases[%d]", path, j)
			if d.need(at, a, typed, "a name", nameFix) {
				names(at, a)
			}
		}
		d.optional(path+".kind", s.Kind, typed, "a kind", `write one word such as backend; it applies the section "Backend Service Down" of a runbook`)
		d.known(path+".cluster", "cluster", s.Cluster, clusters)
		d.need(path+".namespace", s.Namespace, dnsLabel, "a namespace", "use at most 63 lower-case letters, digits and -")
		d.checkWorkload(path+".workload", s)
		d.optional(path+".kubernetesService", s.KubernetesService, dnsLabel, "the name of a Kubernetes Service", "use at most 63 lower-case letters, digits and -")
		for j, raw := range s.Health {
			d.checkURL(fmt.Sprintf("%s.health[%d]", path, j), raw)
		}
		for j, key := range s.Settable {
			d.checkSettable(fmt.Sprintf("%s.settable[%d]", path, j), key)
		}
		d.allKnown(path+".owners", "person", s.Owners, people)
		d.optional(path+".channel", s.Channel, slackChannel, "a Slack channel ID", channelFix)
		d.allKnown(path+".dependsOn", "service", s.DependsOn, services)
		d.checkLinks(path+".links", s.Links)
		if j := slices.Index(s.DependsOn, s.Name); j >= 0 && s.Name != "" {
			d.refuse(fmt.Sprintf("%s.dependsOn[%d]", path, j), fmt.Sprintf("service %s depends on itself", s.Name), "delete the entry")
		}
		for j, name := range s.SecretKeys {
			d.need(fmt.Sprintf("%s.secretKeys[%d]", path, j), name, dnsSubdomain, "the name of a Secret", "write the Secret's own name, not a value or a pattern")
		}
	}
}

func (d *document) checkWorkload(path string, s Service) {
	switch {
	case d.reported(path):
		return
	case s.Workload == (Workload{}) && !d.reported(path+".kind") && !d.reported(path+".name"):
		d.refuse(path, fmt.Sprintf("service %q has no workload", clip(s.Name)), `write "workload: {kind: Deployment, name: …}"`)
		return
	case s.Workload.Kind == "":
		d.missing(path+".kind", "write one of "+strings.Join(WorkloadKinds(), ", "))
	case !slices.Contains(WorkloadKinds(), s.Workload.Kind):
		d.refuse(path+".kind", fmt.Sprintf("unknown workload kind %q", clip(s.Workload.Kind)), oneOf(s.Workload.Kind, WorkloadKinds()))
	}
	if d.need(path+".name", s.Workload.Name, dnsSubdomain, "the name of a "+strings.Join(WorkloadKinds(), " or "), "use lower-case letters, digits, - and .") && len(s.Workload.Name) > 253 {
		d.refuse(path+".name", path+".name is longer than 253 bytes", "no object of Kubernetes has such a name")
	}
}

func (d *document) checkURL(path, raw string) {
	u, err := url.Parse(raw) // the message never quotes it: a mistyped address may hold a password
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		d.refuse(path, path+" is not a complete http or https address", "write it with scheme and host, such as https://api.example.org/healthz")
	case u.User != nil:
		d.refuse(path, path+" holds a user or password", "give the address without one; nothing secret belongs into this file")
	case u.Fragment != "":
		d.refuse(path, path+" has a # part, which no server ever sees", "leave it out")
	}
}

func (d *document) checkPeople(c *Catalog) {
	names, accounts, usernames := d.unique(), d.unique(), d.unique()
	for i, p := range c.People {
		path := fmt.Sprintf("people[%d]", i)
		if d.need(path+".name", p.Name, typed, "a name", nameFix) {
			names(path+".name", p.Name)
		}
		if len(p.Slack) == 0 && len(p.Kubernetes) == 0 && !d.reported(path+".slack") && !d.reported(path+".kubernetes") {
			d.refuse(path, fmt.Sprintf("person %q has neither a Slack account nor a Kubernetes username, so they could never come in", clip(p.Name)),
				`write "slack: [{team: T…, user: U…}]"`)
		}
		for j, id := range p.Slack {
			at := fmt.Sprintf("%s.slack[%d]", path, j)
			team := d.need(at+".team", id.Team, slackTeam, "a Slack workspace ID", "write the ID that begins with T")
			user := d.need(at+".user", id.User, slackUser, "a Slack user ID", "write the ID that begins with U or W (profile, ⋮, Copy member ID)")
			if team && user {
				accounts(at, id.Team+"/"+id.User)
			}
		}
		for j, u := range p.Kubernetes {
			at := fmt.Sprintf("%s.kubernetes[%d]", path, j)
			if strings.TrimSpace(u) != u || u == "" {
				d.refuse(at, fmt.Sprintf("%q is not a Kubernetes username", clip(u)), "write it exactly as `kubectl auth whoami` prints it")
				continue
			}
			usernames(at, u)
		}
		if p.Email != "" {
			if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email {
				d.refuse(path+".email", fmt.Sprintf("%q is not an e-mail address", clip(p.Email)), "write name@example.org")
			}
		}
	}
}

func (d *document) checkRoles(c *Catalog) {
	names := d.unique()
	people := namesOf(c.People, func(p Person) string { return p.Name })
	for i, r := range c.Roles {
		path := fmt.Sprintf("roles[%d]", i)
		if d.need(path+".name", r.Name, typed, "a name", nameFix) {
			names(path+".name", r.Name)
		}
		d.allKnown(path+".people", "person", r.People, people)
		for j, g := range r.SlackGroups {
			d.need(fmt.Sprintf("%s.slackGroups[%d]", path, j), g, slackGroup, "a Slack user group ID", "write the ID that begins with S, not the @name")
		}
	}
}

// need reports a value that is missing or of the wrong form, and whether it is good.
func (d *document) need(path, value string, form *regexp.Regexp, what, fix string) bool {
	if value == "" {
		d.missing(path, fix)
		return false
	}
	return d.optional(path, value, form, what, fix)
}

func (d *document) missing(path, fix string) {
	if !d.reported(path) {
		d.refuse(path, path+" is missing", fix)
	}
}

func (d *document) optional(path, value string, form *regexp.Regexp, what, fix string) bool {
	if value == "" || form.MatchString(value) {
		return true
	}
	d.refuse(path, fmt.Sprintf("%s: %q is not %s", path, clip(value), what), fix)
	return false
}

// known reports a reference to something that is not in the file.
func (d *document) known(path, what, name string, names []string) bool {
	if name == "" {
		d.missing(path, oneOf(name, names))
		return false
	}
	if !slices.Contains(names, name) {
		d.refuse(path, fmt.Sprintf("%s: unknown %s %q", path, what, clip(name)), oneOf(name, names))
		return false
	}
	return true
}

// allKnown reports whether every one of refs is in the file, and says so of each that is not.
func (d *document) allKnown(path, what string, refs, names []string) bool {
	seen, all := d.unique(), true
	for i, r := range refs {
		at := fmt.Sprintf("%s[%d]", path, i)
		if d.known(at, what, r, names) {
			seen(at, r)
		} else {
			all = false
		}
	}
	return all
}

// unique returns a function that reports a name (ignoring case) that it has been given before.
func (d *document) unique() func(path, name string) {
	first := map[string]int{}
	return func(path, name string) {
		key := strings.ToLower(name)
		if line, taken := first[key]; taken {
			d.refuse(path, fmt.Sprintf("%s: %q is already used on line %d", path, clip(name), line), "every one needs its own, whatever the case of its letters")
			return
		}
		first[key] = d.line(path)
	}
}

func namesOf[T any](all []T, name func(T) string) []string {
	out := make([]string, 0, len(all))
	for _, v := range all {
		if n := name(v); n != "" {
			out = append(out, n)
		}
	}
	return out
}
