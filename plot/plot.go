package plot

import (
	"image"
	"image/color"
	"image/draw"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

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

// The measures of a picture, in pixels.
const (
	width   = 720
	row     = 200 // height of one series
	head    = 28  // above the first one
	left    = 64
	right   = 96
	top     = 24 // inside a row
	bottom  = 14
	letter  = 7 // of the font
	mostRow = 6 // series of one picture
)

var (
	paper = color.RGBA{255, 255, 255, 255}
	ink   = color.RGBA{40, 44, 52, 255}
	grid  = color.RGBA{225, 228, 232, 255}
	bar   = color.RGBA{54, 116, 181, 255}
	bad   = color.RGBA{200, 40, 40, 255}
	level = color.RGBA{235, 140, 30, 255}
)

// Latency draws how long answers took, one series below the other, each with a scale of its own. At most six series are drawn.
func Latency(title redact.Text, all []Series) (card.Image, error) {
	all = all[:min(len(all), mostRow)]
	m := image.NewRGBA(image.Rect(0, 0, width, head+row*max(1, len(all))))
	draw.Draw(m, m.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	write(m, 8, 18, title, ink)
	for i, s := range all {
		s.draw(m, head+i*row)
	}
	return card.NewImage(m)
}

// draw puts a series below y.
func (s Series) draw(m *image.RGBA, y int) {
	write(m, left, y+14, s.Name, ink)
	floor, ceiling := y+row-bottom, y+top
	longest := s.longest()
	height := func(d time.Duration) int {
		return floor - int(float64(floor-ceiling)*float64(max(0, min(d, longest)))/float64(longest))
	}
	for i := range 5 {
		at := longest * time.Duration(i) / 4
		line(m, left, width-right, height(at), grid)
		write(m, 4, height(at)+4, redact.F("%s", short(at)), ink)
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
			draw.Draw(m, image.Rect(x+1, height(p.Took), max(x+2, x+step-1), floor), image.NewUniform(c), image.Point{}, draw.Src)
		}
	}
	for _, k := range s.Marks {
		line(m, left, width-right, height(k.At), level)
		write(m, width-right+4, height(k.At)+4, redact.F("%s %s", k.Name, short(k.At)), level)
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

func line(m *image.RGBA, from, to, y int, c color.Color) {
	draw.Draw(m, image.Rect(from, y, to, y+1), image.NewUniform(c), image.Point{}, draw.Src)
}

// write draws text that fits into the rest of the line. The font has ASCII alone; other letters become boxes.
func write(m *image.RGBA, x, y int, t redact.Text, c color.Color) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(t.Short(max(1, (m.Bounds().Dx()-x)/letter)).String())
}
