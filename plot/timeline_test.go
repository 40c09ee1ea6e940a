package plot_test

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func timeline(t *testing.T, lanes []plot.Lane, moments ...plot.Moment) image.Image {
	t.Helper()
	i, err := plot.Timeline(redact.Const("I-7K3MQX"), noon, noon.Add(time.Hour), lanes, moments)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(card.File{Image: i}.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// middle is the mean x of all red pixels.
func middle(m image.Image) int {
	n, sum := 0, 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if r, g, b, _ := m.At(x, y).RGBA(); uint8(r>>8) == red.R && uint8(g>>8) == red.G && uint8(b>>8) == red.B {
				n, sum = n+1, sum+x
			}
		}
	}
	return sum / max(1, n)
}

func TestWhatHappenedLaterStandsFurtherRight(t *testing.T) {
	t.Parallel()
	last := 0
	for _, after := range []time.Duration{-time.Hour, 10 * time.Minute, 30 * time.Minute, time.Hour} {
		x := middle(timeline(t, []plot.Lane{{Name: redact.Const("alerts"), Bad: true, At: []time.Time{noon.Add(after)}}}))
		if x <= last {
			t.Errorf("after %s it stands at %d, before at %d", after, x, last)
		}
		last = x
	}
	if m := timeline(t, nil); last >= m.Bounds().Dx() {
		t.Errorf("the end stands at %d, outside of the picture", last)
	}
}

func TestAnyTimelineCanBeDrawn(t *testing.T) {
	t.Parallel()
	many := make([]plot.Lane, 50)
	for i := range many {
		many[i] = plot.Lane{Name: redact.F("%s", strings.Repeat("ö", 500)), At: []time.Time{{}, noon.Add(1e6 * time.Hour)}}
	}
	timeline(t, many, make([]plot.Moment, 50)...)
	for _, to := range []time.Time{{}, noon, noon.Add(-time.Hour), noon.Add(10000 * time.Hour)} {
		if _, err := plot.Timeline(redact.Text{}, noon, to, many, []plot.Moment{{Name: redact.F("%s", strings.Repeat("x", 300)), At: noon}}); err != nil {
			t.Error(err)
		}
	}
}
