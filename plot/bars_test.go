package plot_test

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
)

func TestALargerValueIsALongerBar(t *testing.T) {
	t.Parallel()
	i, err := plot.Bars(redact.Const("report"), []plot.Group{{Bars: []plot.Bar{{Value: 10}, {Value: 5, Bad: true}, {Value: 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(card.File{Image: i}.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if long, short := count(m, blue), count(m, red); short == 0 || long < 2*short-short/10 || long > 2*short+short/10 {
		t.Errorf("10 has %d pixels, 5 has %d", long, short)
	}
}

func TestAnyBarsCanBeDrawn(t *testing.T) {
	t.Parallel()
	groups := make([]plot.Group, 20)
	for i := range groups {
		groups[i] = plot.Group{Name: redact.F("%s", strings.Repeat("ö", 300)), Bars: make([]plot.Bar, 50)}
		groups[i].Bars[0] = plot.Bar{Name: redact.F("%s", strings.Repeat("x", 300)), Value: math.Inf(1)}
		groups[i].Bars[1].Value = math.NaN()
		groups[i].Bars[2].Value = -3
	}
	for _, g := range [][]plot.Group{nil, groups} {
		if _, err := plot.Bars(redact.Text{}, g); err != nil {
			t.Error(err)
		}
	}
}
