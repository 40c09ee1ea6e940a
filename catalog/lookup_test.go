package catalog_test

import (
	neturl "net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
)

func load(t *testing.T, file string) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServiceByNameOrAlias(t *testing.T) {
	t.Parallel()
	c := load(t, "../svcdown.example.yaml")
	cases := map[string]struct {
		name, want string
		found      bool
	}{
		"its name":                     {"backend", "backend", true},
		"its name in capitals":         {"BackEnd", "backend", true},
		"an alias":                     {"db", "postgres", true},
		"an alias with spaces around":  {" API ", "backend", true},
		"a near miss is not a service": {"bakend", "", false},
		"nothing is not a service":     {"", "", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := c.Service(tc.name)
			if ok != tc.found || got.Name != tc.want {
				t.Errorf("Service(%q) = %q, %v; want %q, %v", tc.name, got.Name, ok, tc.want, tc.found)
			}
		})
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	names := []string{"backend", "frontend", "postgres", "redis", "api", "db"}
	cases := map[string]struct {
		name string
		want []string
	}{
		"a missing letter":              {"bakend", []string{"backend"}},
		"two letters swapped":           {"rdeis", []string{"redis"}},
		"other case":                    {"POSTGRS", []string{"postgres"}},
		"an abbreviation":               {"front", []string{"frontend"}},
		"nothing like it":               {"kafka", nil},
		"nothing at all":                {"", nil},
		"a very long word is no near":   {string(make([]byte, 100_000)), nil},
		"one letter off a short name":   {"ap", []string{"api"}},
		"an exact match stands first":   {"redis", []string{"redis"}},
		"letters that are not ASCII":    {"bäckend", []string{"backend"}},
		"between two, the nearer first": {"fronend", []string{"frontend"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, catalog.Suggest(tc.name, names)); diff != "" {
				t.Errorf("Suggest(%.20q) (-want +got):\n%s", tc.name, diff)
			}
		})
	}
}

func TestPersonByAccountNeedsTheTeamToo(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/groups.yaml")
	cases := map[string]struct {
		id   catalog.SlackID
		want string
	}{
		"team and user":           {catalog.SlackID{Team: "T01", User: "U01"}, "ada"},
		"their other workspace":   {catalog.SlackID{Team: "T02", User: "W01"}, "ada"},
		"right user, wrong team":  {catalog.SlackID{Team: "T02", User: "U01"}, ""},
		"right user, no team":     {catalog.SlackID{User: "U01"}, ""},
		"nobody at all":           {catalog.SlackID{}, ""},
		"right team, other users": {catalog.SlackID{Team: "T01", User: "U99"}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := c.PersonBySlack(tc.id)
			if got.Name != tc.want || ok != (tc.want != "") {
				t.Errorf("PersonBySlack(%v) = %q, %v; want %q", tc.id, got.Name, ok, tc.want)
			}
		})
	}
}

func TestPersonByKubernetesIsExact(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/groups.yaml")
	for username, want := range map[string]string{"oidc:ada": "ada", "ben": "ben", "Ben": "", "ada": "", "": ""} {
		if got, ok := c.PersonByKubernetes(username); got.Name != want || ok != (want != "") {
			t.Errorf("PersonByKubernetes(%q) = %q, %v; want %q", username, got.Name, ok, want)
		}
	}
}

func TestFirstFittingPolicyWins(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/groups.yaml")
	cases := map[string]struct {
		action  catalog.Action
		service string
		want    string
	}{
		"the first of two that fit":            {catalog.Restart, "backend", "eu"},
		"an alias is the service":              {catalog.Restart, "API", "eu"},
		"another action falls to the next":     {catalog.Scale, "backend", "rest"},
		"another service falls to the next":    {catalog.Restart, "backend-us", "rest"},
		"an unknown action has none":           {"delete", "backend", ""},
		"the star is not an action to ask for": {"*", "backend", ""},
		"an unknown service has none":          {catalog.Restart, "kafka", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := c.Policy(tc.action, tc.service)
			if got.Name != tc.want || ok != (tc.want != "") {
				t.Errorf("Policy(%s, %s) = %q, %v; want %q", tc.action, tc.service, got.Name, ok, tc.want)
			}
		})
	}
}

func TestRolesComeFromTheListAndFromGroups(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/groups.yaml")
	ada, stranger := catalog.SlackID{Team: "T01", User: "U01"}, catalog.SlackID{Team: "T09", User: "U01"}
	cases := map[string]struct {
		person string
		groups map[string][]catalog.SlackID
		ids    []catalog.SlackID
		want   []string
	}{
		"by name alone":                            {"ada", nil, nil, []string{"on-call"}},
		"by a group":                               {"ben", map[string][]catalog.SlackID{"S01": {ada}}, []catalog.SlackID{ada}, []string{"on-call", "lead"}},
		"one group may give two roles":             {"", map[string][]catalog.SlackID{"S02": {ada}}, []catalog.SlackID{ada}, []string{"on-call", "lead"}},
		"the same user ID of another team":         {"", map[string][]catalog.SlackID{"S02": {ada}}, []catalog.SlackID{stranger}, nil},
		"an empty account is in no group":          {"", map[string][]catalog.SlackID{"S02": {{}}}, []catalog.SlackID{{}}, nil},
		"a group nobody told us of grants nothing": {"", nil, []catalog.SlackID{ada}, nil},
		"nobody is not on a list":                  {"", nil, nil, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, c.RolesOf(tc.person, tc.groups, tc.ids)); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookupsByName(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/groups.yaml")
	if diff := cmp.Diff([]string{"S01", "S02"}, c.GroupsOfRoles()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"backend", "backend-us", "api", "core"}, c.ServiceNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if k, ok := c.Cluster("us"); !ok || k.Context != "us-prod" {
		t.Errorf("Cluster(us) = %+v, %v", k, ok)
	}
	if p, ok := c.Person("ben"); !ok || p.Kubernetes[0] != "ben" {
		t.Errorf("Person(ben) = %+v, %v", p, ok)
	}
	if r, ok := c.Role("lead"); !ok || r.People[0] != "ben" {
		t.Errorf("Role(lead) = %+v, %v", r, ok)
	}
	for _, found := range []bool{second(c.Cluster("mars")), second(c.Person("mallory")), second(c.Role("root"))} {
		if found {
			t.Error("something that is not in the file was found")
		}
	}
}

func second[T any](_ T, ok bool) bool { return ok }

func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	p := catalog.Probes{AllowedHosts: []string{"api.example.org", "db.example.org:5432", "[2001:db8::1]:443"}}
	for url, want := range map[string]bool{
		"https://api.example.org/x": true, "http://API.example.org:8080": true, "https://api.example.org./": true,
		"https://sub.api.example.org/": false, "https://api.example.org.evil.test/": false, "https://evil.test/?api.example.org": false,
		"https://db.example.org/": false, "http://db.example.org:5432/": true, "https://[2001:db8::1]/": true, "http://[2001:db8::1]/": false,
	} {
		u, err := neturl.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Allows(u); got != want {
			t.Errorf("%s: %t", url, got)
		}
	}
	if p.AllowsHost("db.example.org", "") || !p.AllowsHost("api.example.org", "") {
		t.Error("an entry for one port allows a port that nobody knows, or one for every port does not")
	}
}

func TestAtLeastRaisesAndNeverLowers(t *testing.T) {
	t.Parallel()
	one := catalog.Policy{MayAsk: []string{"oncall"}, Approvals: catalog.Approvals{All: []catalog.Requirement{{Count: 1, Roles: []string{"senior", "manager"}}}}}
	none := catalog.Policy{MayAsk: []string{"oncall"}, Approvals: catalog.Approvals{None: true}}
	for name, c := range map[string]struct {
		policy catalog.Policy
		n      int
		want   catalog.Approvals
	}{
		"nothing said":               {one, 0, one.Approvals},
		"fewer than the policy asks": {one, 1, one.Approvals},
		"one more": {one, 2, catalog.Approvals{All: []catalog.Requirement{
			{Count: 1, Roles: []string{"senior", "manager"}}, {Count: 1, Roles: []string{"senior", "manager"}}}}},
		"where nobody had to agree": {none, 2, catalog.Approvals{All: []catalog.Requirement{{Count: 2, Roles: []string{"oncall"}}}}},
	} {
		got := c.policy.AtLeast(c.n)
		if diff := cmp.Diff(c.want, got.Approvals); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(one.Approvals.All) != 1 || !none.Approvals.None {
		t.Error("the policy itself was changed")
	}
}

func TestWhoWorksOnRunbooks(t *testing.T) {
	t.Parallel()
	const head = `slack: {team: T01}
channels: {ops: C01}
clusters: [{name: here}]
services:
  - {name: backend, aliases: [api], cluster: here, namespace: prod, workload: {kind: Deployment, name: backend}}
  - {name: db, cluster: here, namespace: prod, workload: {kind: StatefulSet, name: db}}
people:
  - {name: alice, slack: [{team: T01, user: U01}]}
roles:
  - {name: on-call, people: [alice]}
  - {name: senior, people: [alice]}
  - {name: dba, people: [alice]}
policies:
`
	for name, tc := range map[string]struct {
		policies    string
		backend, db []string
	}{
		"who may ask for anything": {"  - {name: a, actions: [restart], services: [\"*\"], mayAsk: [senior], approvals: none}\n  - {name: b, actions: [scale], services: [\"*\"], mayAsk: [on-call], approvals: none}\n",
			[]string{"on-call", "senior"}, []string{"on-call", "senior"}},
		"a policy above decides for its service": {"  - {name: a, actions: [\"*\"], services: [db], mayAsk: [dba], approvals: none}\n  - {name: b, actions: [\"*\"], services: [\"*\"], mayAsk: [on-call], approvals: none}\n",
			[]string{"on-call"}, []string{"dba"}},
		"who is named besides": {"  - {name: a, actions: [\"*\"], services: [\"*\"], mayAsk: [on-call], mayWork: [on-call, dba], approvals: none}\n",
			[]string{"on-call", "dba"}, []string{"on-call", "dba"}},
		"an empty list is nobody":     {"  - {name: a, actions: [\"*\"], services: [\"*\"], mayAsk: [on-call], mayWork: [], approvals: none}\n", nil, nil},
		"where no policy fits nobody": {"  - {name: a, actions: [\"*\"], services: [db], mayAsk: [dba], approvals: none}\n", nil, []string{"dba"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := catalog.Parse("svcdown.yaml", []byte(head+tc.policies))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{tc.backend, tc.backend, tc.db, nil}, [][]string{c.Workers("backend"), c.Workers("API"), c.Workers("db"), c.Workers("nothing")}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
