package plot

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/redact"
)

func TestTicksStandAtFullTimes(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 23, 12, 3, 17, 0, time.UTC)
	for _, tc := range []struct {
		span  time.Duration
		first string
		step  time.Duration
	}{
		{3 * time.Second, "12:03:17", time.Second},
		{42 * time.Second, "12:03:20", 10 * time.Second},
		{42 * time.Minute, "12:10", 10 * time.Minute},
		{5 * time.Hour, "13:00", time.Hour},
		{30 * time.Hour, "11-23 18:00", 6 * time.Hour},
		{9 * day, "2026-11-25", 2 * day},
	} {
		step := tickStep(tc.span)
		at := firstTick(from, step)
		if got := at.Format(tickForm(step, tc.span)); step != tc.step || got != tc.first || at.Before(from) || at.Sub(from) >= step {
			t.Errorf("over %s the ticks begin at %s, each %s", tc.span, got, step)
		}
	}
}

func TestNamesAreWrittenWithTheirOwnLettersAndCutWhereTheRoomEnds(t *testing.T) {
	t.Parallel()
	drawn := func(text string) string {
		s, err := newSheet(40, redact.F("%s", text))
		if err != nil {
			t.Fatal(err)
		}
		return string(s.m.Pix)
	}
	box := drawn("漢") // none of the font's
	seen := map[string]string{}
	for _, name := range []string{"ö", "Ł", "é", "ж", "λ", "…"} {
		pixels := drawn(name)
		if pixels == box || seen[pixels] != "" {
			t.Errorf("%s looks like a box, or like %q", name, seen[pixels])
		}
		seen[pixels] = name
	}
	s, err := newSheet(40, redact.Text{})
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 5, 60, 100} {
		if cut := s.fitting(redact.Const("payments-of-europe"), room); s.wide(cut) > room {
			t.Errorf("%q is wider than %d", cut, room)
		}
	}
	if got := s.fitting(redact.Const("payments-of-europe"), 100); !strings.HasPrefix(got, "payments") || !strings.HasSuffix(got, "…") {
		t.Errorf("cut to %q", got)
	}
}

func TestNamesOfLevelsThatAreNearDoNotStandOnEachOther(t *testing.T) {
	t.Parallel()
	ys := []int{40, 44, 45, 120}
	apart(ys)
	if want := []int{40, 56, 72, 120}; !slices.Equal(ys, want) {
		t.Errorf("got %v, want %v", ys, want)
	}
}
