package steps

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// A volume this full, in percent, is a warning or a failure.
const (
	diskWarns = 80
	diskFails = 90
)

// volume is one line of df -P.
type volume struct {
	mount       string
	used, total int64 // KiB, or inodes
	percent     int
}

// volumesOf reads the POSIX format: device, blocks, used, available, percent, mount point, which may hold blanks.
func volumesOf(text string) []volume {
	var out []volume
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasSuffix(f[4], "%") {
			continue
		}
		percent, err := strconv.Atoi(strings.TrimSuffix(f[4], "%"))
		if err != nil {
			continue // the header, or a file system that cannot say
		}
		v := volume{mount: strings.Join(f[5:], " "), percent: percent}
		_, _ = fmt.Sscan(f[1], &v.total) // what cannot be read is shown as nothing
		_, _ = fmt.Sscan(f[2], &v.used)
		out = append(out, v)
	}
	return out
}

func judgeDf(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	all := volumesOf(r.Stdout.String())
	if len(all) == 0 {
		if strings.Contains(r.Stderr.String(), "No such file") {
			return found(finding.Fail, redact.F("%s does not exist in %s", strings.Join(op.All("path"), ", "), op.Get("name")))
		}
		return unknown(redact.F("df shows no disk: %s", failure(r)), redact.Const("Run it by hand."))
	}
	worst := all[0]
	t := &finding.Table{Columns: []redact.Text{redact.Const("mounted on"), redact.Const("used"), redact.Const("of"), redact.Const("full")}}
	amount := func(n int64) string { return size(n << 10) }
	if op.Has("inodes") {
		amount = func(n int64) string { return strconv.FormatInt(n, 10) }
	}
	for _, v := range all {
		if v.percent > worst.percent {
			worst = v
		}
		t.Rows = append(t.Rows, []redact.Text{redact.Clean(v.mount), redact.Clean(amount(v.used)), redact.Clean(amount(v.total)), redact.F("%d%%", v.percent)})
	}
	what := ""
	if op.Has("inodes") {
		what = " of inodes"
	}
	f := found(finding.OK, redact.F("%s is %d%% full%s (%s of %s)", worst.mount, worst.percent, what, amount(worst.used), amount(worst.total)))
	if len(all) > 1 {
		f.Line = redact.F("%s: the fullest, %s", count(len(all), "volume", "volumes"), f.Line)
		f.Evidence = []finding.Evidence{{Title: redact.Const("Volumes"), Table: t}}
	}
	switch {
	case worst.percent >= diskFails:
		f.Status, f.Fix = finding.Fail, redact.Const("Make the volume larger (its claim, when the storage class allows it), or make space on it.")
	case worst.percent >= diskWarns:
		f.Status, f.Fix = finding.Warn, redact.Const("Plan for more space.")
	}
	return f
}

func judgeLs(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	paths := first(strings.Join(op.All("path"), ", "), "the working directory")
	if r.ExitCode > 0 {
		switch text := r.Stderr.String(); {
		case oldProgram(r):
			return tooOld("ls", r)
		case strings.Contains(text, "No such file"):
			f := found(finding.Fail, redact.F("%s is not there: %s", paths, failure(r)))
			f.Fix = redact.Const("Check what the image was built with, and what is mounted there.")
			return f
		default:
			return unknown(redact.F("%s cannot be listed: %s", paths, failure(r)), redact.Const("Run it by hand."))
		}
	}
	entries := 0
	for line := range strings.SplitSeq(r.Stdout.String(), "\n") {
		heading := len(op.All("path")) > 1 && strings.HasSuffix(line, ":")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "total ") && !heading {
			entries++
		}
	}
	if entries == 0 {
		f := found(finding.Warn, redact.F("%s is empty", paths))
		f.Fix = redact.Const("Check what the image was built with, and what is mounted there.")
		return f
	}
	return found(finding.OK, redact.F("%s in %s", count(entries, "entry", "entries"), paths))
}

func judgeCat(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	paths := strings.Join(op.All("path"), ", ")
	if r.ExitCode > 0 {
		return unknown(redact.F("%s cannot be shown: %s", paths, failure(r)), redact.Const("Check the path; it depends on the node's cgroup version, too."))
	}
	lines := strings.Split(strings.TrimSpace(r.Stdout.String()), "\n")
	if len(lines) == 1 {
		return found(finding.OK, redact.F("%s: %s", paths, lines[0]))
	}
	return found(finding.OK, redact.F("%s: %s", paths, count(len(lines), "line", "lines")), finding.Evidence{Title: redact.Clean(paths), Code: r.Stdout.Short(1500)})
}
