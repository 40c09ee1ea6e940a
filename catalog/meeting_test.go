package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
)

func TestTheMeetingIsOnTheNextWorkingDay(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		when, err := time.Parse("2006-01-02T15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	berlin := []catalog.Rotation{{Role: "a"}, {Role: "b", TimeZone: "Europe/Berlin"}}
	for name, c := range map[string]struct {
		catalog catalog.Catalog
		after   string
		want    string // UTC
	}{
		"on a Monday":                            {catalog.Catalog{}, "2026-11-23T12:00", "2026-11-24T10:00"},
		"on a Friday":                            {catalog.Catalog{}, "2026-11-27T12:00", "2026-11-30T10:00"},
		"on a Saturday":                          {catalog.Catalog{}, "2026-11-28T12:00", "2026-11-30T10:00"},
		"in the zone of the rotations":           {catalog.Catalog{Rotations: berlin}, "2026-11-23T12:00", "2026-11-24T09:00"},
		"when it is the next day there already":  {catalog.Catalog{Rotations: berlin}, "2026-11-23T23:30", "2026-11-25T09:00"},
		"over the change of the clocks":          {catalog.Catalog{Rotations: berlin}, "2026-10-23T12:00", "2026-10-26T09:00"},
		"at the time and in the zone of its own": {catalog.Catalog{Rotations: berlin, Incidents: catalog.Incidents{Meeting: catalog.Meeting{At: "14:30", TimeZone: "Asia/Tokyo"}}}, "2026-11-23T12:00", "2026-11-24T05:30"},
	} {
		start, length := c.catalog.NextMeeting(at(c.after))
		if !start.Equal(at(c.want)) || length != 45*time.Minute {
			t.Errorf("%s: %s for %s, want %s", name, start.UTC(), length, c.want)
		}
	}
}

func TestAMeetingThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"at: 25:00", "at: noon", "timezone: Mars/Base", "timezone: Local", "length: 20h", "length: -1m"} {
		if _, err := catalog.Parse("svcdown.yaml", []byte("incidents: {meeting: {"+line+"}}\n")); err == nil || !strings.Contains(err.Error(), "incidents.meeting.") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
