package plot

import (
	"cmp"
	"slices"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// Series is one row of measurements, drawn as bars from left to right in the order given.
type Series struct {
	Name   redact.Text
	Points []Point
	// Marks are levels drawn across: percentiles, a limit.
	Marks []Mark
}

// Point is one measurement. A failed one is drawn in red, up to how long it took to fail.
type Point struct {
	Took   time.Duration
	Failed bool
}

// Mark is a level with its name.
type Mark struct {
	Name redact.Text
	At   time.Duration
}

// The measures of a series, in points.
const (
	row     = 200 // height of one series
	left    = 78
	right   = 124
	top     = 28 // inside a row
	bottom  = 14
	mostRow = 6 // series of one picture
)

// Latency draws how long answers took, one series below the other, each with a scale of its own. At most six series are drawn.
func Latency(title redact.Text, all []Series) (card.Image, error) {
	all = all[:min(len(all), mostRow)]
	s, err := newSheet(head+row*max(1, len(all)), title)
	if err != nil {
		return card.Image{}, err
	}
	for i, one := range all {
		one.draw(s, head+i*row)
	}
	return s.picture()
}

// draw puts a series below y.
func (s Series) draw(on *sheet, y int) {
	on.write(left, y+16, width-left-margin, s.Name, ink)
	floor, ceiling := y+row-bottom, y+top
	longest := s.longest()
	height := func(d time.Duration) int {
		return floor - int(float64(floor-ceiling)*float64(max(0, min(d, longest)))/float64(longest))
	}
	for i := range 5 {
		at := longest * time.Duration(i) / 4
		on.line(left, width-right, height(at), grid)
		on.write(margin, height(at)+5, left-margin-4, redact.F("%s", short(at)), ink)
	}
	if len(s.Points) > 0 {
		step := max(1, (width-left-right)/len(s.Points))
		for i, p := range s.Points {
			c := bar
			if p.Failed {
				c = bad
			}
			x := left + i*step
			if x >= width-right {
				break
			}
			on.fill(x+1, height(p.Took), max(x+2, x+step-1), floor, c)
		}
	}
	marks := slices.SortedStableFunc(slices.Values(s.Marks), func(a, b Mark) int { return cmp.Compare(b.At, a.At) })
	names := make([]int, len(marks))
	for i, k := range marks {
		names[i] = height(k.At) + 5
	}
	apart(names)
	for i, k := range marks {
		on.line(left, width-right, height(k.At), level)
		on.write(width-right+4, names[i], right-4-margin, redact.F("%s %s", k.Name, short(k.At)), level)
	}
}

// apart moves lines of writing, the highest first, down until none stands on another.
func apart(ys []int) {
	for i := 1; i < len(ys); i++ {
		ys[i] = max(ys[i], ys[i-1]+letter)
	}
}

// longest is the top of the scale: the longest measurement and a bit, never zero.
func (s Series) longest() time.Duration {
	most := time.Millisecond
	for _, p := range s.Points {
		most = max(most, p.Took)
	}
	for _, k := range s.Marks {
		most = max(most, k.At)
	}
	return most + most/10
}

func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(100 * time.Microsecond).String()
	}
}
