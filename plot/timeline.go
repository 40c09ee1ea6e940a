package plot

import (
	"image"
	"image/color"
	"image/draw"
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

// The measures of a timeline, in pixels.
const (
	laneHeight = 30
	laneLeft   = 130
	laneRight  = 24
	laneTop    = 44
	axis       = 30
	nameHeight = 16
	ticks      = 6
	tickWidth  = 9
	mostLanes  = 12
	mostNames  = 6
)

// Timeline draws what happened between two moments, each lane below the other, in UTC. What lies outside stands at the edge. At most twelve
// lanes and six moments are drawn.
func Timeline(title redact.Text, from, to time.Time, lanes []Lane, moments []Moment) (card.Image, error) {
	lanes, moments = lanes[:min(len(lanes), mostLanes)], moments[:min(len(moments), mostNames)]
	if to.Sub(from) < time.Second {
		to = from.Add(time.Second)
	}
	floor := laneTop + nameHeight*len(moments) + laneHeight*max(1, len(lanes))
	m := image.NewRGBA(image.Rect(0, 0, width, floor+axis))
	draw.Draw(m, m.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	write(m, 8, 18, title, ink)
	x := func(t time.Time) int {
		part := float64(t.Sub(from)) / float64(to.Sub(from))
		return laneLeft + int(max(0, min(1, part))*float64(width-laneLeft-laneRight))
	}
	form := "15:04:05"
	if to.Sub(from) > 24*time.Hour {
		form = "01-02 15:04"
	}
	top := laneTop + nameHeight*len(moments)
	for i := range ticks {
		at := from.Add(to.Sub(from) * time.Duration(i) / (ticks - 1))
		upright(m, x(at), top, floor, grid)
		label := redact.F("%s", at.UTC().Format(form))
		write(m, min(x(at)-letter*4, width-letter*len(label.String())-4), floor+18, label, ink)
	}
	for i, l := range lanes {
		y := top + i*laneHeight
		write(m, 8, y+laneHeight/2+4, l.Name, ink)
		line(m, laneLeft, width-laneRight, y+laneHeight/2, grid)
		c := bar
		if l.Bad {
			c = bad
		}
		for _, at := range l.At {
			mid := x(at)
			draw.Draw(m, image.Rect(mid-tickWidth/2, y+6, mid+tickWidth/2+1, y+laneHeight-6), image.NewUniform(c), image.Point{}, draw.Src)
		}
	}
	for i, k := range moments {
		y := laneTop + i*nameHeight
		upright(m, x(k.At), y-10, floor, level)
		// Whichever side has room for the name.
		text := redact.F("%s %s", k.Name, k.At.UTC().Format("15:04:05"))
		at := x(k.At) + 4
		if wide := letter * len([]rune(text.String())); at+wide > width {
			at = max(4, x(k.At)-4-wide)
		}
		write(m, at, y, text, level)
	}
	return card.NewImage(m)
}

func upright(m *image.RGBA, x, from, to int, c color.Color) {
	draw.Draw(m, image.Rect(x, from, x+1, to), image.NewUniform(c), image.Point{}, draw.Src)
}
