package bot

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// eventScopes are what Slack wants for the events that read understands (https://docs.slack.dev/reference/events), and for the command.
var eventScopes = map[string]string{
	"app_mention": "app_mentions:read", "message.im": "im:history", "subteam_members_changed": "usergroups:read",
	"subteam_updated": "usergroups:read", "user_change": "users:read", "app_home_opened": "", "reaction_added": "reactions:read",
}

func TestTheManifestAsksForWhatTheBotUsesAndNothingElse(t *testing.T) {
	t.Parallel()
	want := []string{"commands"}
	for _, m := range methods {
		want = append(want, m.scopes...)
	}
	for _, scope := range eventScopes {
		if scope != "" {
			want = append(want, scope)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), manifestList(t, "bot:")); diff != "" {
		t.Errorf("scopes (-the bot uses +manifest.yaml):\n%s", diff)
	}
	var events []string
	for e := range eventScopes {
		events = append(events, e)
	}
	slices.Sort(events)
	if diff := cmp.Diff(events, manifestList(t, "bot_events:")); diff != "" {
		t.Errorf("events (-the bot uses +manifest.yaml):\n%s", diff)
	}
}

func TestTheManifestTurnsOnWhatTheBotNeeds(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"socket_mode_enabled: true", "command: /svcdown", "home_tab_enabled: true", "messages_tab_read_only_enabled: false", "interactivity:\n    is_enabled: true", "should_escape: false"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("manifest.yaml does not say %q", want)
		}
	}
}

// manifestList reads the plain list below a key, in order.
func manifestList(t *testing.T, key string) []string {
	t.Helper()
	f, err := os.Open("../manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	inside := false
	for s := bufio.NewScanner(f); s.Scan(); {
		l, _, _ := strings.Cut(strings.TrimSpace(s.Text()), " #")
		item, isItem := strings.CutPrefix(l, "- ")
		switch {
		case l == key:
			inside = true
		case inside && isItem:
			out = append(out, item)
		default:
			inside = false
		}
	}
	slices.Sort(out)
	return out
}

func TestTheManifestHasTheShortcutsThatTheBotReads(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(raw)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "callback_id: "); ok {
			got = append(got, id)
		}
	}
	if diff := cmp.Diff([]string{shortcutOpen, shortcutMessage, shortcutMark, shortcutLesson}, got); diff != "" {
		t.Errorf("shortcuts (-the bot reads +manifest.yaml):\n%s", diff)
	}
}
