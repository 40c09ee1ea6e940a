package runbook

import (
	"encoding/json"
	"regexp"
	"strings"
)

// sendOptions are those of a curl that posts a message.
var sendOptions = table("", "X,request=method:fixed:POST|PATCH|PUT H,header=header:anything d,data,data-ascii,data-raw=body:anything json=json:anything data-urlencode=body:anything "+
	"s,silent= S,show-error= f,fail= i,include= m,max-time=:fixed connect-timeout=:fixed o,output=:fixed:/dev/null url=url:anything")

var (
	slackHook   = regexp.MustCompile(`^https://hooks\.slack\.com/(services|workflows|triggers)/`)
	slackHole   = regexp.MustCompile(`slack.*(hook|url)|hook.*slack`)
	statusPage  = regexp.MustCompile(`^https://api\.statuspage\.io/v1/pages/[^/]+/incidents(/[^/]+)?(\.json)?$`)
	contentType = regexp.MustCompile(`(?i)^content-type:\s*application/(json|x-www-form-urlencoded)\s*(;.*)?$`)
)

// destination says which kind of message a URL is for, "" for none.
func destination(w Word) string {
	switch {
	case len(w) == 1 && slackHole.MatchString(w[0].Hole), slackHook.MatchString(w.lead()):
		return "slack message"
	case statusPage.MatchString(w.String()):
		return "statuspage incident"
	}
	return ""
}

// message reads a curl that posts to Slack or Statuspage; ok is false for any other curl. The message goes out through svcdown's own
// connections: the webhook's address and the token of the command are never used.
func message(words []Word) (v verdict, ok bool, err error) {
	for _, w := range words {
		if destination(w) != "" {
			ok = true
		}
	}
	if !ok {
		return verdict{}, false, nil
	}
	r := reader{program: "curl", known: sendOptions}
	if err := r.read(words); err != nil {
		return verdict{}, true, err
	}
	targets := append(r.rest, r.behind...)
	var bodies []Word
	for _, a := range r.args {
		switch a.Name {
		case "url":
			targets = append(targets, a.Value)
		case "body", "json":
			if strings.HasPrefix(a.Value.lead(), "@") {
				return verdict{}, true, refuse("the message is in a file, which is not read")
			}
			bodies = append(bodies, a.Value)
		case "header":
			if why := v.header(a.Value); why != nil {
				return verdict{}, true, why
			}
		}
	}
	if len(targets) != 1 || destination(targets[0]) == "" {
		return verdict{}, true, refuse("a message goes to exactly one address")
	}
	if slackHook.MatchString(targets[0].lead()) {
		v.warnings = append(v.warnings, "the webhook's address is a secret and stands in the document; it is not used")
	}
	v.class, v.op = Message, Operation{Name: destination(targets[0])}
	if v.op.Name == "slack message" {
		return v, true, v.op.slack(bodies)
	}
	if _, id, found := targets[0].cut("/incidents/"); found {
		v.op.add("incident", Plain, id)
	}
	return v, true, v.op.statuspage(bodies)
}

// header takes what the message needs; a token that stands in the document is worth a warning.
func (v *verdict) header(w Word) error {
	name, value, _ := w.cut(":")
	switch key, _ := name.Literal(); {
	case contentType.MatchString(w.String()):
	case strings.EqualFold(key, "authorization"):
		if _, whole := value.Literal(); whole {
			v.warnings = append(v.warnings, "a token stands in the document; it is not used")
		}
	default:
		return refuse("header %q is not supported in a message", clip(name.String()))
	}
	return nil
}

// slack takes the text of a webhook's JSON.
func (o *Operation) slack(bodies []Word) error {
	if len(bodies) != 1 {
		return refuse("a Slack message has one JSON body")
	}
	var body struct {
		Text string `json:"text"`
	}
	if err := bodies[0].json(&body); err != nil || body.Text == "" {
		return refuse(`the body is not JSON with a "text"`)
	}
	o.add("text", Text, bodies[0].clear(body.Text))
	return nil
}

func (w Word) json(dst any) error {
	s, err := w.opaque()
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(s), dst)
}

// incidentFields are Statuspage's fields of an incident that are taken.
var incidentFields = map[string]bool{"name": true, "status": true, "body": true, "impact_override": true}

// statuspage takes an incident, as form fields or as JSON.
func (o *Operation) statuspage(bodies []Word) error {
	if len(bodies) == 0 {
		return refuse("the incident has no fields")
	}
	var whole struct {
		Incident map[string]string `json:"incident"`
	}
	if len(bodies) == 1 && strings.HasPrefix(strings.TrimSpace(bodies[0].lead()), "{") {
		if err := bodies[0].json(&whole); err != nil || len(whole.Incident) == 0 {
			return refuse(`the body is not JSON with an "incident" of plain fields`)
		}
		for _, key := range []string{"name", "status", "body", "impact_override"} {
			if value, ok := whole.Incident[key]; ok {
				o.add(key, Text, bodies[0].clear(value))
				delete(whole.Incident, key)
			}
		}
		if len(whole.Incident) > 0 {
			return refuse("the incident has fields that are not supported; there are name, status, body and impact_override")
		}
		return nil
	}
	for _, b := range bodies {
		key, value, ok := b.cut("=")
		name, _ := key.Literal()
		name = strings.TrimSuffix(strings.TrimPrefix(name, "incident["), "]")
		if !ok || len(value) == 0 || !incidentFields[name] {
			return refuse("field %q is not supported; there are incident[name], [status], [body] and [impact_override]", clip(b.String()))
		}
		o.add(name, Text, value)
	}
	return nil
}
