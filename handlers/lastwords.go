package handlers

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

// telling are lines that say why a process ended; the last one that does is its reason.
var telling = regexp.MustCompile(`(?i)\b(error|fatal|panic|exception|cannot|can't|could not|failed|required|not found|no space|segmentation fault|denied|refused)\b`)

// dying is how long before its end a container writes what it died of. What its log said days before is no reason.
const dying = time.Minute

// lastWords reads what a crashing container wrote before it died, false when nothing crashes or nothing is to be read.
func (d *Desk) lastWords(ctx context.Context, cl Reader, svc catalog.Service, findings []finding.Finding) (finding.Finding, bool) {
	crash := finding.Signal{}
	for _, f := range findings {
		for _, s := range f.Signals {
			if s.Kind == finding.CrashLoop {
				crash = s
			}
		}
	}
	if crash.Kind == "" {
		return finding.Finding{}, false
	}
	var res k8sops.LogResult
	err := d.safeRead("read the last words", func() (err error) {
		res, err = cl.Logs(ctx, svc, k8sops.LogRequest{Previous: true, Tail: 30, Within: dying})
		return err
	})
	if err != nil || res.Text.Empty() {
		return finding.Finding{}, false
	}
	lines := slices.DeleteFunc(res.Text.Lines(), func(l redact.Text) bool { return strings.TrimSpace(l.String()) == "" })
	if len(lines) == 0 {
		return finding.Finding{}, false
	}
	said := lines[len(lines)-1]
	for _, l := range lines {
		if telling.MatchString(l.String()) {
			said = l
		}
	}
	object := "Pod/" + res.Pod
	f := finding.Finding{Check: "logs --previous", Status: finding.Warn, Line: redact.F("before it crashed it wrote: %s", said.Short(300)),
		Evidence: []finding.Evidence{{Title: redact.F("Last words of %s", res.Pod), Code: redact.Join("\n", lines[max(0, len(lines)-10):]...)}},
		Signals:  []finding.Signal{{Kind: finding.LogErrors, Object: object, Detail: said.Short(300)}}}
	for _, l := range lines {
		if strings.Contains(l.String(), "No space left on device") {
			f.Signals = append(f.Signals, finding.Signal{Kind: finding.DiskFull, Object: object, Detail: redact.Const("No space left on device")})
			break
		}
	}
	return f, true
}
