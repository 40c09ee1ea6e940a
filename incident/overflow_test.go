package incident_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/incident"
)

func TestWhatMayOpenNoIncidentIsCountedAtTheCommonOne(t *testing.T) {
	t.Parallel()
	named := func(name, fingerprint string, s incident.AlertStatus, severity int) incident.Alert {
		return incident.Alert{Fingerprint: fingerprint, Status: s, Severity: severity, Runbook: "of " + name, Source: "generic", Labels: map[string]string{"alertname": name}}
	}
	disk, net := named("Disk", "d", incident.Firing, 3), named("Net", "n", incident.Firing, 1)
	service := alert("backend", "b", incident.Firing)
	region := incident.Alert{Fingerprint: "r", Status: incident.Firing, Service: "backend", Group: "zz", Source: "generic"}
	cases := map[string]struct {
		batch  []incident.Alert
		places incident.Places
		want   []string // key, severity, fingerprint with its counts and status
	}{
		"there is room": {
			batch: []incident.Alert{disk, net, service}, places: incident.Places{Left: 2},
			want: []string{"alert:Disk 3 d+1-0 firing", "alert:Net 1 n+1-0 firing", "service:backend 0 b+1-0 firing"},
		},
		"there is room for one, and the worst of the rest is kept": {
			batch: []incident.Alert{disk, named("Fan", "f", incident.Firing, 2), net, service}, places: incident.Places{Left: 1},
			want: []string{"alert:Disk 3 d+1-0 firing", "overflow 1 f+1-0 firing n+1-0 firing", "service:backend 0 b+1-0 firing"},
		},
		"a service needs no room, nor does a group of one": {
			batch: []incident.Alert{service, region}, want: []string{"group:zz 0 r+1-0 firing", "service:backend 0 b+1-0 firing"},
		},
		"one that joins an incident needs none": {
			batch: []incident.Alert{disk, net}, places: incident.Places{Taking: map[string]bool{"alert:Disk": true}},
			want: []string{"alert:Disk 3 d+1-0 firing", "overflow 1 n+1-0 firing"},
		},
		"what recovers opens nothing": {
			batch: []incident.Alert{named("Disk", "d", incident.Recovered, 3)}, want: []string{"alert:Disk 0 d+0-1 resolved"},
		},
		"what was counted there stays there, and others of its key do not follow": {
			batch:  []incident.Alert{disk, named("Disk", "d2", incident.Firing, 4), named("Net", "n", incident.Recovered, 1)},
			places: incident.Places{Left: 1, Overflowed: map[incident.Place]bool{{Key: "alert:Disk", Fingerprint: "d"}: true, {Key: "alert:Net", Fingerprint: "n"}: true}},
			want:   []string{"alert:Disk 4 d2+1-0 firing", "overflow 3 d+1-0 firing n+0-1 resolved"},
		},
		"one fingerprint with several keys is one alert that fires while any does": {
			batch:  []incident.Alert{named("A", "x", incident.Recovered, 3), named("A", "x", incident.Firing, 3), named("B", "x", incident.Firing, 3), named("B", "x", incident.Recovered, 3)},
			places: incident.Places{Overflowed: map[incident.Place]bool{{Key: "alert:B", Fingerprint: "x"}: true}},
			want:   []string{"overflow 3 x+2-2 firing"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			deliveries := 0
			for _, g := range incident.Spread(incident.Gather(c.batch), c.places) {
				line := fmt.Sprintf("%s %d", g.Key, g.Severity)
				for _, a := range g.Alerts {
					deliveries += a.Fired + a.Ended
					line += fmt.Sprintf(" %s+%d-%d %s", a.Fingerprint, a.Fired, a.Ended, a.Status)
				}
				got = append(got, line)
				if g.Key == incident.OverflowKey && (g.Runbook != "" || g.Source != "generic" || !strings.HasPrefix(g.Title.String(), "More alerts")) {
					t.Errorf("the common incident is %+v", g)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if deliveries != len(c.batch) {
				t.Errorf("%d of %d alerts are counted", deliveries, len(c.batch))
			}
		})
	}
}
