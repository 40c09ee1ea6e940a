package plot

import (
	"image"
	"image/color"
	"image/draw"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// The measures of every picture, in points.
const (
	width  = 720
	head   = 34 // above what is drawn
	margin = 10
	letter = 16 // the size of the letters: legible where a phone shows the whole width
	// scale is how many pixels a point is wide: phones and good screens show that many.
	scale = 2
	// mostLetters bounds what is measured of one text; no line has room for more.
	mostLetters = 200
)

var (
	paper = color.RGBA{255, 255, 255, 255}
	ink   = color.RGBA{40, 44, 52, 255}
	grid  = color.RGBA{225, 228, 232, 255}
	bar   = color.RGBA{54, 116, 181, 255}
	bad   = color.RGBA{200, 40, 40, 255}
	level = color.RGBA{176, 88, 0, 255} // dark enough to be read as text on paper
)

// letters has the Latin, Greek and Cyrillic scripts; what else is written becomes boxes.
var letters = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) })

// sheet is what a picture is drawn on, in points. It is for one goroutine, like its face.
type sheet struct {
	m    *image.RGBA
	face font.Face
}

func newSheet(height int, title redact.Text) (*sheet, error) {
	f, err := letters()
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: letter * scale, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	s := &sheet{m: image.NewRGBA(image.Rect(0, 0, width*scale, height*scale)), face: face}
	s.fill(0, 0, width, height, paper)
	s.write(margin, 22, width-2*margin, title, ink)
	return s, nil
}

func (s *sheet) picture() (card.Image, error) { return card.NewImage(s.m) }

func (s *sheet) fill(x0, y0, x1, y1 int, c color.Color) {
	draw.Draw(s.m, image.Rect(x0*scale, y0*scale, x1*scale, y1*scale), image.NewUniform(c), image.Point{}, draw.Src)
}

func (s *sheet) line(from, to, y int, c color.Color) { s.fill(from, y, to, y+1, c) }

func (s *sheet) upright(x, from, to int, c color.Color) { s.fill(x, from, x+1, to, c) }

// write draws as much of a text as has room.
func (s *sheet) write(x, y, room int, t redact.Text, c color.Color) {
	d := font.Drawer{Dst: s.m, Src: image.NewUniform(c), Face: s.face, Dot: fixed.P(x*scale, y*scale)}
	d.DrawString(s.fitting(t, room))
}

// fitting cuts a text to what has room.
func (s *sheet) fitting(t redact.Text, room int) string {
	all := []rune(t.Short(mostLetters).String())
	if s.wide(string(all)) <= room {
		return string(all)
	}
	for n := len(all) - 1; n > 0; n-- {
		if cut := string(all[:n]) + "…"; s.wide(cut) <= room {
			return cut
		}
	}
	return ""
}

func (s *sheet) wide(text string) int {
	return (font.MeasureString(s.face, text).Ceil() + scale - 1) / scale
}
