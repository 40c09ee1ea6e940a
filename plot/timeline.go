package plot

import (
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// Lane is one row of a timeline: what happened of one kind.
type Lane struct {
	Name redact.Text
	At   []time.Time
	// Bad lanes are drawn in red.
	Bad bool
}

// Moment is a point in time with a name, drawn across all lanes.
type Moment struct {
	Name redact.Text
	At   time.Time
}

// The measures of a timeline, in points.
const (
	laneHeight = 34
	laneLeft   = 170
	laneRight  = 30
	laneTop    = 52
	axis       = 34
	nameHeight = 22
	mostTicks  = 5
	tickWidth  = 7
	mostLanes  = 12
	mostNames  = 6
)

// Timeline draws what happened between two moments, each lane below the other with how often it happened, in UTC. What lies outside stands at the edge.
// At most twelve lanes and six moments are drawn.
func Timeline(title redact.Text, from, to time.Time, lanes []Lane, moments []Moment) (card.Image, error) {
	lanes, moments = lanes[:min(len(lanes), mostLanes)], moments[:min(len(moments), mostNames)]
	if to.Sub(from) < time.Second {
		to = from.Add(time.Second)
	}
	top := laneTop + nameHeight*len(moments)
	floor := top + laneHeight*max(1, len(lanes))
	s, err := newSheet(floor+axis, title)
	if err != nil {
		return card.Image{}, err
	}
	x := func(t time.Time) int {
		part := float64(t.Sub(from)) / float64(to.Sub(from))
		return laneLeft + int(max(0, min(1, part))*float64(width-laneLeft-laneRight))
	}
	step := tickStep(to.Sub(from))
	for at := firstTick(from, step); !at.After(to); at = at.Add(step) {
		s.upright(x(at), top, floor, grid)
		label := at.UTC().Format(tickForm(step, to.Sub(from)))
		wide := s.wide(label)
		s.write(min(x(at)-wide/2, width-margin-wide), floor+22, wide, redact.F("%s", label), ink)
	}
	for i, l := range lanes {
		y := top + i*laneHeight
		s.write(margin, y+laneHeight/2+5, laneLeft-margin-tickWidth, redact.F("%s · %d", l.Name, len(l.At)), ink)
		s.line(laneLeft, width-laneRight, y+laneHeight/2, grid)
		c := bar
		if l.Bad {
			c = bad
		}
		for _, at := range l.At {
			mid := x(at)
			s.fill(mid-tickWidth/2, y+7, mid+tickWidth/2+1, y+laneHeight-7, c)
		}
	}
	for i, k := range moments {
		y := laneTop + i*nameHeight
		s.upright(x(k.At), y-12, floor, level)
		// Whichever side has room for the name.
		text := redact.F("%s %s", k.Name, k.At.UTC().Format(momentForm(to.Sub(from))))
		at, wide := x(k.At)+6, s.wide(text.Short(mostLetters).String())
		if at+wide > width-margin {
			at = max(margin, x(k.At)-6-wide)
		}
		s.write(at, y, width-margin-at, text, level)
	}
	return s.picture()
}

// steps are what people count time in.
var steps = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day}

const day = 24 * time.Hour

// tickStep is the shortest of them that needs few enough ticks, or some days.
func tickStep(span time.Duration) time.Duration {
	for _, s := range steps {
		if span <= mostTicks*s {
			return s
		}
	}
	return (span/(mostTicks*day) + 1) * day
}

// firstTick is the first full step from a moment on.
func firstTick(from time.Time, step time.Duration) time.Time {
	at := from.UTC().Truncate(step)
	if at.Before(from) {
		at = at.Add(step)
	}
	return at
}

func tickForm(step, span time.Duration) string {
	switch {
	case step >= day:
		return time.DateOnly
	case span > day:
		return "01-02 15:04"
	case step >= time.Minute:
		return "15:04"
	}
	return time.TimeOnly
}

func momentForm(span time.Duration) string {
	if span > day {
		return "01-02 15:04"
	}
	return time.TimeOnly
}
