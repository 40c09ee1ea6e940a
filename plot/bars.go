package plot

import (
	"image"
	"image/draw"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// Group is some bars that are compared with one another.
type Group struct {
	Name redact.Text
	Bars []Bar
}

// Bar is one value with its name, and how the value is written.
type Bar struct {
	Name  redact.Text
	Value float64
	Shown redact.Text
	Bad   bool
}

// The measures of a picture of bars, in pixels.
const (
	barHeight  = 20
	barLeft    = 190
	barRight   = 150
	groupHead  = 30
	mostBars   = 14
	mostGroups = 6
)

// Bars draws groups of lying bars, each group with a scale of its own. At most six groups of fourteen bars are drawn.
func Bars(title redact.Text, groups []Group) (card.Image, error) {
	groups = groups[:min(len(groups), mostGroups)]
	height := head + 10
	for _, g := range groups {
		height += groupHead + barHeight*min(len(g.Bars), mostBars)
	}
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(m, m.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	write(m, 8, 18, title, ink)
	y := head
	for _, g := range groups {
		write(m, 8, y+20, g.Name, level)
		y += groupHead
		most := 0.0
		for _, b := range g.Bars[:min(len(g.Bars), mostBars)] {
			most = max(most, b.Value)
		}
		for _, b := range g.Bars[:min(len(g.Bars), mostBars)] {
			b.draw(m, y, most)
			y += barHeight
		}
	}
	return card.NewImage(m)
}

func (b Bar) draw(m *image.RGBA, y int, most float64) {
	write(m, 8, y+14, b.Name.Short((barLeft-16)/letter), ink)
	long := 0
	if part := b.Value / most; part > 0 && part <= 1 {
		long = max(1, int(part*float64(width-barLeft-barRight)))
	}
	c := bar
	if b.Bad {
		c = bad
	}
	draw.Draw(m, image.Rect(barLeft, y+4, barLeft+long, y+barHeight-3), image.NewUniform(c), image.Point{}, draw.Src)
	write(m, barLeft+long+6, y+14, b.Shown, ink)
}
