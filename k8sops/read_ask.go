package k8sops

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Place is where a reading step stands: the service whose runbook it belongs to, and all services of the catalogue. Only the namespaces in
// which a service of this cluster lives are read.
type Place struct {
	Service  catalog.Service
	Services []catalog.Service
}

// Reading is one typed request to look at a cluster: [Get], [Describe], [PodLogs], [Top], [Events], [Wait], [RolloutStatus],
// [RolloutHistory], [CanI], [WhoAmI], [APIResources], [APIVersions], [Explain], [Version], [ClusterInfo], [Health] and [SecretReferences].
type Reading interface {
	read(ctx context.Context, in inquiry) (finding.Report, error)
}

// readTime bounds one reading step from its first call to its answer.
const readTime = 10 * time.Second

// mostText is how much of what kubectl would have printed one answer holds, before the runbook's own pipes narrow it.
const mostText = 4 << 20

// Read answers one reading step. It never fails: what cannot be answered within 10 s, or at all, is an Unknown finding with its fix. The report
// holds no value of a Secret, of an environment variable or of a ConfigMap, and no secret that redact knows. Nothing is changed.
func (c *Cluster) Read(ctx context.Context, at Place, r Reading) finding.Report {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	begin := time.Now()
	out, err := c.readSafely(ctx, at, r)
	if err != nil {
		out = finding.Report{Finding: unread(at.Service, err)}
	}
	if out.Finding.Check == "" {
		out.Finding.Check = "step"
	}
	out.Finding.Took = time.Since(begin)
	return out
}

func (c *Cluster) readSafely(ctx context.Context, at Place, r Reading) (out finding.Report, err error) {
	defer func() {
		if p := recover(); p != nil { // the cluster's answers are data: a defect in reading them must not end the bot
			c.o.Log.Error().Interface("panic", p).Str("trace", string(debug.Stack())).Msgf("reading %T panicked", r)
			err = &Error{Kind: Internal, Op: "read", Err: fmt.Errorf("panic: %v", p),
				Message: redact.Const("The reading broke off with a defect of svcdown's own; please report it.")}
		}
	}()
	return r.read(ctx, inquiry{c: c, at: at})
}

// unread words a reading that could not answer.
func unread(svc catalog.Service, err error) finding.Finding {
	f := unknown(svc, err)
	var own *Error
	if !errors.As(err, &own) {
		return f
	}
	switch own.Kind {
	case OutOfBounds:
		f.Line = redact.F("Nothing was read. %s", own.Message)
		f.Fix = redact.Const("Correct the runbook, or add the service that lives there to svcdown.yaml.")
	case Unsupported, Invalid:
		f.Line = redact.F("Nothing was read. %s", own.Message)
		f.Fix = redact.Const("Correct the command in the runbook, or run it by hand.")
	case NotFound:
		f.Fix = redact.Const("Check the name and the namespace in the runbook and in svcdown.yaml.")
	case Forbidden:
		f.Fix = redact.F("Give svcdown's account get and list on %s in %s (the chart's RBAC does for what runbooks usually read).", strings.TrimPrefix(own.Op, "read "), own.Object)
	}
	return f
}

// inquiry is one reading under way.
type inquiry struct {
	c  *Cluster
	at Place
}

// services are the catalogue's services of this cluster.
func (in inquiry) services() []catalog.Service {
	var here []catalog.Service
	for _, s := range in.at.Services {
		if in.ours(s) {
			here = append(here, s)
		}
	}
	return here
}

func (in inquiry) ours(s catalog.Service) bool { return s.Cluster == in.c.name || s.Cluster == "" }

// namespaces are where a command may look: the one written, the service's when none is, all of the catalogue's for -A. Any other is refused:
// the bot's account may be able to read more than the catalogue speaks of.
func (in inquiry) namespaces(written string, all bool) ([]string, error) {
	var known []string
	for _, s := range in.services() {
		if s.Namespace != "" && !slices.Contains(known, s.Namespace) {
			known = append(known, s.Namespace)
		}
	}
	slices.Sort(known)
	if all {
		return known, nil
	}
	if written == "" {
		written = in.at.Service.Namespace
	}
	if !slices.Contains(known, written) {
		return nil, &Error{Kind: OutOfBounds, Op: "read", Object: "namespace " + written, Message: redact.F(
			"No service of svcdown.yaml lives in namespace %s of cluster %s, so svcdown does not look there. It looks in: %s.", written, in.c.name, orNothing(known))}
	}
	return []string{written}, nil
}

// namespace is the one namespace of a command that takes only one.
func (in inquiry) namespace(written string) (string, error) {
	all, err := in.namespaces(written, false)
	if err != nil {
		return "", err
	}
	return all[0], nil
}

// printed is text as kubectl would have printed it, without secrets and within bounds; fromEnd keeps its end instead of its beginning.
func printed(text string, fromEnd bool) (raw redact.Text, cut bool) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > mostText {
		cut = true
		if fromEnd {
			text = text[len(text)-mostText:]
			text = text[strings.IndexByte(text, '\n')+1:]
		} else {
			text = text[:mostText]
			text = text[:strings.LastIndexByte(text, '\n')+1]
		}
		text = strings.ToValidUTF8(text, "")
	}
	return redact.Clean(text), cut
}

// together makes one finding of several: the worst status, every line.
func together(all ...finding.Finding) finding.Finding {
	if len(all) == 1 {
		return all[0]
	}
	out := finding.Finding{Status: finding.OK}
	if len(all) == 0 {
		out.Status = finding.Unknown
	}
	var lines, fixes []redact.Text
	for _, f := range all {
		if f.Status.Worse(out.Status) {
			out.Status = f.Status
		}
		lines, fixes = append(lines, f.Line), append(fixes, f.Fix)
		out.Evidence = append(out.Evidence, f.Evidence...)
		out.Signals = append(out.Signals, f.Signals...)
	}
	out.Line, out.Fix = redact.Join("; ", lines...), redact.Join(" ", fixes...)
	return out
}
