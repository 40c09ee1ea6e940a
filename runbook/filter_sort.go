package runbook

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sortKey is one -k FROM[,TO][nhr]; from 0 means the whole line.
type sortKey struct {
	from, to       int
	numeric, human bool
	reverse        bool
}

var sortKeyText = regexp.MustCompile(`^([1-9][0-9]{0,3})([nhr]*)(?:,([1-9][0-9]{0,3})([nhr]*))?$`)

func sortLines(r *reader) (transform, error) {
	known := table("it would read or write files or run a program", "o,output,T,temporary-directory,S,buffer-size,compress-program,files0-from,m,merge,parallel,random-source=! "+
		"n,numeric-sort=n r,reverse=r u,unique=u h,human-numeric-sort=h k,key=k:fixed t,field-separator=t:fixed s,stable=s")
	if err := r.parse(known, 0); err != nil {
		return nil, err
	}
	key := sortKey{numeric: r.has("n"), human: r.has("h"), reverse: r.has("r")}
	by := r.get("t").String()
	if r.has("t") && len(by) != 1 {
		return nil, refuse("sort -t takes one character")
	}
	if r.has("k") {
		m := sortKeyText.FindStringSubmatch(r.get("k").String())
		if m == nil {
			return nil, refuse("sort -k takes columns such as 2 or 2,3n, not %q", clip(r.get("k").String()))
		}
		key.from, _ = strconv.Atoi(m[1])
		key.to, _ = strconv.Atoi(m[3])
		if own := m[2] + m[4]; own != "" {
			key.numeric, key.human, key.reverse = strings.Contains(own, "n"), strings.Contains(own, "h"), strings.Contains(own, "r")
		}
	}
	if key.numeric && key.human {
		return nil, refuse("sort takes either -n or -h")
	}
	return func(_ context.Context, in string) (string, error) {
		all := lines(in)
		compare := func(a, b string) int { return key.compare(a, b, by) }
		slices.SortStableFunc(all, func(a, b string) int {
			if c := compare(a, b); c != 0 || r.has("u") || r.has("s") {
				return c
			}
			// The last resort compares whole lines, in the direction of -r itself.
			if r.has("r") {
				return strings.Compare(b, a)
			}
			return strings.Compare(a, b)
		})
		if r.has("u") {
			all = slices.CompactFunc(all, func(a, b string) bool { return compare(a, b) == 0 })
		}
		return joined(all), nil
	}, nil
}

func (k sortKey) compare(a, b, by string) int {
	a, b = k.of(a, by), k.of(b, by)
	c := 0
	switch {
	case k.numeric:
		c = compareNumbers(a, b)
	case k.human:
		c = compareHuman(a, b)
	default:
		c = strings.Compare(a, b)
	}
	if k.reverse {
		return -c
	}
	return c
}

// of cuts the key out of a line. Without a separator a field holds the white space in front of it, as POSIX has it.
func (k sortKey) of(line, by string) string {
	if k.from == 0 {
		return line
	}
	starts, ends := fieldsOf(line, by)
	if k.from > len(starts) {
		return ""
	}
	end := len(line)
	if k.to > 0 && k.to <= len(ends) {
		end = ends[k.to-1]
	}
	return line[min(starts[k.from-1], end):end]
}

func fieldsOf(line, by string) (starts, ends []int) {
	if by != "" {
		at := 0
		for part := range strings.SplitSeq(line, by) {
			starts, ends = append(starts, at), append(ends, at+len(part))
			at += len(part) + 1
		}
		return starts, ends
	}
	for i := 0; i < len(line); {
		starts = append(starts, i)
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		ends = append(ends, i)
	}
	return starts, ends
}

var leadingNumber = regexp.MustCompile(`^[ \t]*(-?)([0-9]*)(?:\.([0-9]*))?([KMGTPEZY]?)`)

// number is a decimal of any length: sign, digits in front without leading zeros, digits behind without trailing ones.
type number struct {
	sign         int
	whole, after string
	unit         int
}

func readNumber(s string) number {
	m := leadingNumber.FindStringSubmatch(s)
	n := number{sign: 1, whole: strings.TrimLeft(m[2], "0"), after: strings.TrimRight(m[3], "0")}
	if m[1] == "-" {
		n.sign = -1
	}
	if n.whole == "" && n.after == "" {
		n.sign = 0
	}
	n.unit = strings.Index("KMGTPEZY", m[4]) + 1
	if m[4] == "" || n.sign == 0 {
		n.unit = 0
	}
	return n
}

func (n number) compareSize(o number) int {
	if c := len(n.whole) - len(o.whole); c != 0 {
		return c
	}
	if c := strings.Compare(n.whole, o.whole); c != 0 {
		return c
	}
	return strings.Compare(n.after, o.after)
}

func compareNumbers(a, b string) int {
	x, y := readNumber(a), readNumber(b)
	if x.sign != y.sign {
		return x.sign - y.sign
	}
	return x.sign * x.compareSize(y)
}

// compareHuman goes by unit first, as sort -h does: 900K is less than 1M.
func compareHuman(a, b string) int {
	x, y := readNumber(a), readNumber(b)
	switch {
	case x.sign != y.sign:
		return x.sign - y.sign
	case x.unit != y.unit:
		return x.sign * (x.unit - y.unit)
	}
	return x.sign * x.compareSize(y)
}
