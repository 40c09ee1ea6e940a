package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
)

func TestTheWordsForCustomersAreFilledInOnce(t *testing.T) {
	t.Parallel()
	p := catalog.StatusPage{Templates: []catalog.StatusTemplate{{State: "identified", Body: "{service}: {eta} ({state})"}}}
	title, body := p.Words("identified", "{eta}", "Back by noon.")
	if diff := cmp.Diff([]string{"Problems with {eta}", "{eta}: Back by noon. (identified)"}, []string{title, body}); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	if title, body := p.Words("investigating", "backend", ""); title != "Problems with backend" || body != "We are looking into problems with backend." {
		t.Errorf("got %q, %q", title, body)
	}
}
