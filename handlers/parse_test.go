package handlers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/handlers"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want handlers.Command
	}{
		"nothing typed":                         {"", handlers.Command{Flags: map[string]string{}}},
		"a verb and a service":                  {"status backend", handlers.Command{Verb: "status", Args: []string{"backend"}, Flags: map[string]string{}}},
		"capitals in the verb":                  {"STATUS Backend", handlers.Command{Verb: "status", Args: []string{"Backend"}, Flags: map[string]string{}}},
		"a flag with and without a value":       {"logs backend --previous --tail 50", handlers.Command{Verb: "logs", Args: []string{"backend"}, Flags: map[string]string{"previous": "true", "tail": "50"}}},
		"a flag with an equals sign":            {"logs backend --tail=50", handlers.Command{Verb: "logs", Args: []string{"backend"}, Flags: map[string]string{"tail": "50"}}},
		"a phone's dash for two":                {"logs backend —previous", handlers.Command{Verb: "logs", Args: []string{"backend"}, Flags: map[string]string{"previous": "true"}}},
		"a phone's curly quotes":                {"restart backend --why “it hangs”", handlers.Command{Verb: "restart", Args: []string{"backend"}, Flags: map[string]string{"why": "it hangs"}}},
		"kubectl's short flags":                 {"logs backend -p -c app", handlers.Command{Verb: "logs", Args: []string{"backend"}, Flags: map[string]string{"previous": "true", "container": "app"}}},
		"an apostrophe is a letter":             {"deny R-222222 don't do it", handlers.Command{Verb: "deny", Args: []string{"R-222222", "don't", "do", "it"}, Flags: map[string]string{}}},
		"shell characters are plain characters": {"status backend; rm -rf / && $(x) `y` | z", handlers.Command{Verb: "status", Args: []string{"backend;", "rm", "/", "&&", "$(x)", "`y`", "|", "z"}, Flags: map[string]string{"rf": "true"}}},
		"a negative number is no flag":          {"scale backend -1", handlers.Command{Verb: "scale", Args: []string{"backend", "-1"}, Flags: map[string]string{}}},
		"an open quote reaches to the end":      {`deny R-222222 "too late`, handlers.Command{Verb: "deny", Args: []string{"R-222222", "too late"}, Flags: map[string]string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := handlers.Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a flag without its value": {"logs backend --tail", "--tail needs a value"},
		"more than anybody types":  {strings.Repeat("a", 4001), "4001 characters long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := handlers.Parse(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "nothing was done") {
				t.Errorf("got %v, want it to say %q and that nothing was done", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"status backend", `a "b c" --d=e -f`, "— “ ’", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cmd, err := handlers.Parse(s)
		if err != nil {
			return
		}
		if cmd.Flags == nil {
			t.Error("no flags map")
		}
		if cmd.Verb != strings.ToLower(cmd.Verb) {
			t.Errorf("verb %q is not in lower case", cmd.Verb)
		}
	})
}
