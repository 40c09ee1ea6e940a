package catalog

import "time"

// Actor is a person as they came in, with the roles that they hold now. Handlers pass it as a parameter, never in a context.
type Actor struct {
	// Person is the catalogue name, "" when the account belongs to nobody in the catalogue.
	Person string `json:"person"`
	// Slack is the account, zero for an actor from the terminal.
	Slack SlackID `json:"slack,omitzero"`
	// Kubernetes is the verified username, "" for an actor from Slack.
	Kubernetes string   `json:"kubernetes,omitempty"`
	Roles      []string `json:"roles,omitempty"`
	// RolesAsOf is when group memberships were last read from Slack; zero when no role depends on a group.
	RolesAsOf time.Time `json:"rolesAsOf,omitzero"`
	// Refused says why this account may not do anything beyond reading help ("guest", "another workspace", "bot"), "" when it may.
	Refused string `json:"refused,omitempty"`
}

// Has reports whether the actor holds any of the roles. No roles asked means nobody.
func (a Actor) Has(roles ...string) bool {
	for _, want := range roles {
		for _, have := range a.Roles {
			if have == want {
				return true
			}
		}
	}
	return false
}

// Name is what other people call the actor: the person, else the account.
func (a Actor) Name() string {
	switch {
	case a.Person != "":
		return a.Person
	case a.Kubernetes != "":
		return a.Kubernetes
	default:
		return a.Slack.Team + "/" + a.Slack.User
	}
}
