package handlers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// csvFile writes rows as RFC 4180 has it. Spreadsheets take a cell that begins with =, +, - or @, or with a blank before one, for a formula and run
// it (https://owasp.org/www-community/attacks/CSV_Injection): such a cell gets an apostrophe in front.
//
// Every cell is cleaned by itself: over the whole file a rule could take the commas for a part of a secret.
func csvFile(rows [][]string) redact.Text {
	var parts []redact.Text
	for _, row := range rows {
		for n, cell := range row {
			if n > 0 {
				parts = append(parts, redact.Const(","))
			}
			parts = append(parts, csvCell(cell))
		}
		parts = append(parts, redact.Const("\r\n"))
	}
	return redact.Join("", parts...)
}

func csvCell(s string) redact.Text {
	s = strings.ReplaceAll(redact.Clean(s).String(), "\x00", "")
	if bare := strings.TrimLeft(s, " \t\r\n\u00a0\ufeff"); bare != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(bare)[0]) || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") {
		s = "'" + s
	}
	if strings.ContainsAny(s, ",\"\r\n") || strings.TrimSpace(s) != s {
		return redact.F("\"%s\"", strings.ReplaceAll(s, `"`, `""`))
	}
	return redact.F("%s", s)
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func seconds(took func() (time.Duration, bool)) string {
	d, ok := took()
	if !ok {
		return ""
	}
	return strconv.Itoa(int(d.Seconds()))
}

// incidentsCSV has a row for each incident; of private ones neither service, title nor people, nor the request that mended it: that stands in the
// changes with its service.
func incidentsCSV(incidents []incident.Incident) redact.Text {
	rows := [][]string{{"incident", "severity", "state", "service", "title", "source", "commander", "detected", "acknowledged", "mitigated", "resolved", "closed", "seconds_to_acknowledge", "seconds_to_mitigate", "seconds_to_resolve", "mitigated_by"}}
	for _, i := range incidents {
		service, title, source, commander, fix := i.Service, i.Title.String(), i.Source, i.Roles[incident.Commander], i.Fix
		if i.Private {
			service, title, source, commander, fix = hidden, hidden, hidden, hidden, hidden
		}
		t := i.Times
		rows = append(rows, []string{i.ID, strconv.Itoa(i.Severity), string(i.State), service, title, source, commander, csvTime(t.Detected), csvTime(t.Acknowledged), csvTime(t.Mitigated), csvTime(t.Resolved), csvTime(t.Closed),
			seconds(t.ToAcknowledge), seconds(t.ToMitigate), seconds(t.ToResolve), fix})
	}
	return csvFile(rows)
}

// whilePrivate reports whether a request was made while a private incident of its service was going on: what people said of it was said there.
func whilePrivate(r approval.Request, incidents []incident.Incident) bool {
	return slices.ContainsFunc(incidents, func(i incident.Incident) bool {
		over := !i.State.Active() && r.CreatedAt.After(i.Times.Resolved)
		return i.Private && i.Service == r.Plan.Service && !r.CreatedAt.Before(i.Times.Detected) && !over
	})
}

// changesCSV has a row for each request.
func changesCSV(requests []approval.Request, incidents []incident.Incident) redact.Text {
	rows := [][]string{{"request", "service", "action", "asked_by", "approved_by", "state", "reason", "asked", "decided", "broken_glass"}}
	for _, r := range requests {
		var yes []string
		for _, v := range r.Votes {
			if v.Yes {
				yes = append(yes, v.Person)
			}
		}
		glass, reason := "", r.Reason
		if whilePrivate(r, incidents) {
			reason = hidden
		}
		if r.Broken != nil {
			glass = r.Broken.Actor.Name()
		}
		rows = append(rows, []string{r.ID, r.Plan.Service, string(r.Plan.Action), r.Requester.Name(), strings.Join(yes, " "), string(r.State), reason, csvTime(r.CreatedAt), csvTime(r.DecidedAt), glass})
	}
	return csvFile(rows)
}
