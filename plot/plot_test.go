package plot_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
)

func drawn(t *testing.T, all ...plot.Series) image.Image {
	t.Helper()
	i, err := plot.Latency(redact.Const("backend"), all)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(card.File{Image: i}.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// count says how many pixels have a colour.
func count(m image.Image, c color.RGBA) int {
	n := 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if r, g, b, _ := m.At(x, y).RGBA(); uint8(r>>8) == c.R && uint8(g>>8) == c.G && uint8(b>>8) == c.B {
				n++
			}
		}
	}
	return n
}

var (
	blue = color.RGBA{54, 116, 181, 255}
	red  = color.RGBA{200, 40, 40, 255}
)

func TestAHigherBarTookLonger(t *testing.T) {
	t.Parallel()
	m := drawn(t, plot.Series{Points: []plot.Point{{Took: 100 * time.Millisecond}, {Took: 50 * time.Millisecond, Failed: true}}})
	slow, failed := count(m, blue), count(m, red)
	if failed == 0 || slow < 2*failed-failed/4 || slow > 2*failed+failed/4 {
		t.Errorf("the bar of 100 ms has %d pixels, that of 50 ms %d", slow, failed)
	}
}

func TestAnythingCanBeDrawn(t *testing.T) {
	t.Parallel()
	many := make([]plot.Point, 5000)
	for name, all := range map[string][]plot.Series{
		"nothing":       nil,
		"no points":     {{Name: redact.Const("a")}},
		"zero":          {{Points: []plot.Point{{}}}},
		"negative":      {{Points: []plot.Point{{Took: -time.Second}}, Marks: []plot.Mark{{At: -time.Hour}}}},
		"very long":     {{Points: []plot.Point{{Took: 1 << 62}}}},
		"many":          {{Points: many}},
		"many series":   make([]plot.Series, 50),
		"a long name":   {{Name: redact.F("%s", strings.Repeat("x", 5000))}},
		"other scripts": {{Name: redact.F("%s", "ö漢\x00\n🚨")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if b := drawn(t, all...).Bounds(); b.Dx() != 2*720 || b.Dy() > 2*(34+6*200) {
				t.Errorf("got %v", b)
			}
		})
	}
}
