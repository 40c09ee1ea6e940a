package k8sops

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// tableStyle is how a table is printed.
type tableStyle struct {
	wide, noHeaders, labels bool
	// withNamespace puts the namespace in front, withKind the kind before every name.
	withNamespace, withKind bool
}

// printTable prints the rows as kubectl does (k8s.io/cli-runtime v0.37, pkg/printers/tableprinter.go). Rows with more or fewer cells than
// there are columns are printed as far as they go.
func printTable(o objects, s tableStyle) string {
	if len(o.rows) == 0 {
		return ""
	}
	var header []string
	if s.withNamespace {
		header = append(header, "NAMESPACE")
	}
	for _, c := range o.columns {
		if !c.wide || s.wide {
			header = append(header, strings.ToUpper(c.name))
		}
	}
	if s.labels {
		header = append(header, "LABELS")
	}
	lines := make([][]string, 0, len(o.rows)+1)
	if !s.noHeaders {
		lines = append(lines, header)
	}
	for _, r := range o.rows {
		lines = append(lines, o.line(r, s))
	}
	return aligned(lines)
}

func (o objects) line(r row, s tableStyle) []string {
	var line []string
	if s.withNamespace {
		line = append(line, r.namespace)
	}
	first := true
	for i, cell := range r.cells {
		if i >= len(o.columns) {
			break
		}
		if o.columns[i].wide && !s.wide {
			continue
		}
		text := cellText(cell)
		if first && s.withKind {
			text = o.display() + "/" + text
		}
		first = false
		line = append(line, text)
	}
	if s.labels {
		line = append(line, labelsText(r.labels))
	}
	return line
}

func labelsText(all map[string]string) string {
	if len(all) == 0 {
		return "<none>"
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, k+"="+all[k])
	}
	return strings.Join(parts, ",")
}

// cellText is a cell on one line: what follows its first line is replaced by dots, as kubectl does.
func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	s := fmt.Sprint(cell)
	if i := strings.IndexAny(s, "\f\n\r"); i >= 0 {
		s = s[:i] + "..."
	}
	return strings.ReplaceAll(s, "\t", " ")
}

// aligned puts lines of cells into columns with kubectl's widths; the last cell of a line is not padded.
func aligned(lines [][]string) string { return alignedBy(6, 4, 3, lines) }

func alignedBy(least, tab, padding int, lines [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, least, tab, padding, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	if w.Flush() != nil { // a strings.Builder takes everything
		return ""
	}
	return b.String()
}

// ageCell is how kubectl prints the age of an object without a table of the server.
func ageCell(object map[string]any) string {
	m, _ := object["metadata"].(map[string]any)
	s, _ := m["creationTimestamp"].(string)
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "<unknown>"
	}
	return duration.HumanDuration(time.Since(at))
}

const (
	evidenceRows    = 10
	evidenceColumns = 6
)

// evidenceOf shows the first rows of a table beside the finding.
func evidenceOf(o objects, title redact.Text) []finding.Evidence {
	if len(o.rows) == 0 {
		return nil
	}
	t := &finding.Table{}
	for _, c := range o.columns {
		if !c.wide && len(t.Columns) < evidenceColumns {
			t.Columns = append(t.Columns, redact.Clean(c.name))
		}
	}
	if len(t.Columns) == 0 {
		return nil
	}
	for i, r := range o.rows {
		if i == evidenceRows {
			title = redact.F("%s, the first %d of %d", title, evidenceRows, len(o.rows))
			break
		}
		line := o.line(r, tableStyle{})
		cells := make([]redact.Text, len(t.Columns))
		for j := range cells {
			if j < len(line) {
				cells[j] = redact.Clean(line[j]).Short(80)
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return []finding.Evidence{{Title: title, Table: t}}
}
