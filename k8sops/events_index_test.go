package k8sops

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/cache"
)

// The index must never hide an event that a look at all of them would find.
func TestTheIndexFindsWhatALookAtAllEventsFinds(t *testing.T) {
	t.Parallel()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{byFamily: familyOfEvent})
	var all []*warning
	for _, o := range []object{
		{"Pod", "app-1-aaaaa"}, {"Pod", "app-1-gone"}, {"Pod", "app-1-sub-xx"}, {"Pod", "app-10-aaaaa"}, {"Pod", "bare"}, {"Pod", "lone"}, {"Pod", ""},
		{"Pod", "db-0"}, {"Pod", "db-12"}, {"ReplicaSet", "app-1"}, {"ReplicaSet", "app-2"}, {"Deployment", "app"}, {"Service", "app-service"}, {"Node", "app"},
	} {
		e := &warning{name: o.kind + "." + o.name, about: o}
		all = append(all, e)
		if err := index.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	for name, about := range map[string]concerned{
		"a Deployment":           {objects: map[object]bool{{"Deployment", "app"}: true, {"ReplicaSet", "app-1"}: true, {"Service", "app-service"}: true, {"Pod", "app-1-aaaaa"}: true}, prefixes: []string{"app-1-"}},
		"a StatefulSet":          {objects: map[object]bool{{"StatefulSet", "db"}: true, {"Pod", "db-0"}: true}, prefixes: []string{"db-"}},
		"pods that nobody made":  {objects: map[object]bool{{"Pod", "bare"}: true}},
		"pods found by selector": {objects: map[object]bool{{"Pod", "app-10-aaaaa"}: true, {"Pod", "app-1-sub-xx"}: true}},
		"nothing":                {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := func(events []*warning) (out []string) {
				for _, e := range events {
					if about.has(e.about.kind, e.about.name) {
						out = append(out, e.name)
					}
				}
				slices.Sort(out)
				return out
			}
			want := names(all)
			if len(want) == 0 && name != "nothing" {
				t.Fatal("this case finds nothing")
			}
			if diff := cmp.Diff(want, names(about.among(index))); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}
