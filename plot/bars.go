package plot

import (
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

// The measures of a picture of bars, in points.
const (
	barHeight  = 26
	barLeft    = 200
	barRight   = 170
	groupHead  = 38
	mostBars   = 14
	mostGroups = 6
)

// Bars draws groups of lying bars, each group with a scale of its own. At most six groups of fourteen bars are drawn.
func Bars(title redact.Text, groups []Group) (card.Image, error) {
	groups = groups[:min(len(groups), mostGroups)]
	height := head + margin
	for _, g := range groups {
		height += groupHead + barHeight*min(len(g.Bars), mostBars)
	}
	s, err := newSheet(max(height, head+groupHead), title)
	if err != nil {
		return card.Image{}, err
	}
	if len(groups) == 0 {
		s.write(margin, head+22, width-2*margin, redact.Const("There was nothing to draw."), ink)
	}
	y := head
	for _, g := range groups {
		s.write(margin, y+26, width-2*margin, g.Name, level)
		y += groupHead
		most := 0.0
		for _, b := range g.Bars[:min(len(g.Bars), mostBars)] {
			most = max(most, b.Value)
		}
		for _, b := range g.Bars[:min(len(g.Bars), mostBars)] {
			b.draw(s, y, most)
			y += barHeight
		}
	}
	return s.picture()
}

func (b Bar) draw(s *sheet, y int, most float64) {
	s.write(margin, y+18, barLeft-margin-8, b.Name, ink)
	long := 0
	if part := b.Value / most; part > 0 && part <= 1 {
		long = max(1, int(part*float64(width-barLeft-barRight)))
	}
	c := bar
	if b.Bad {
		c = bad
	}
	s.fill(barLeft, y+4, barLeft+long, y+barHeight-4, c)
	s.write(barLeft+long+8, y+18, width-margin-barLeft-long-8, b.Shown, ink)
}
