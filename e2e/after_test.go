package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdHurry: hurry KIND brings the jobs of a kind forward that wait for a later day.
func cmdHurry(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := pgx.Connect(ctx, of(ts).database)
	ts.Check(err)
	defer db.Close(context.WithoutCancel(ctx))
	done, err := db.Exec(ctx, `update river_job set scheduled_at = now() where kind = $1 and state = 'scheduled'`, args[0])
	ts.Check(err)
	if done.RowsAffected() == 0 {
		ts.Fatalf("no job of kind %q waits", args[0])
	}
}

// cmdDirect: direct USER REGEXP N asserts how many direct messages of the bot to this person match.
func cmdDirect(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	found := map[string]bool{}
	for _, c := range s.slack.Calls("conversations.open") {
		var opened struct{ Channel struct{ ID string } }
		if !strings.Contains(fmt.Sprint(c.Args["users"]), userID(args[0])) || json.Unmarshal(c.Answer, &opened) != nil {
			continue
		}
		for _, m := range s.slack.Messages(opened.Channel.ID) {
			if m.BotID != "" && matches(m, args[1:2]) {
				found[m.TS] = true
			}
		}
	}
	if fmt.Sprint(len(found)) != args[2] {
		ts.Fatalf("%d messages to %s match %q, want %s\n%s", len(found), args[0], args[1], args[2], s.transcript())
	}
}

// cmdCanvas: canvas REGEXP... waits for a canvas of the bot whose text matches all; canvas N asserts how many the bot made.
func cmdCanvas(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	ts.Check(until(patience, func() error {
		var all []string
		for _, method := range []string{"conversations.canvases.create", "canvases.create"} {
			for _, c := range s.slack.Calls(method) {
				if c.Error() == "" {
					all = append(all, fmt.Sprint(c.Args["document_content"]))
				}
			}
		}
		if regexp.MustCompile(`^\d$`).MatchString(args[0]) {
			if fmt.Sprint(len(all)) != args[0] {
				return fmt.Errorf("%d canvases, want %s", len(all), args[0])
			}
			return nil
		}
		for _, text := range all {
			fits := true
			for _, p := range args {
				fits = fits && regexp.MustCompile("(?s)"+p).MatchString(text)
			}
			if fits {
				return nil
			}
		}
		return fmt.Errorf("no canvas has %q: %q\n%s", args, all, s.logs())
	}))
}

// cmdApplies: applies REGEXP FILE lets git check that the newest file of the bot whose name matches is a patch of a file of this story.
func cmdApplies(ts *testscript.TestScript, _ bool, args []string) {
	s, name := of(ts), regexp.MustCompile(args[0])
	ts.Check(until(patience, func() error {
		patch := ""
		for _, r := range s.rooms() {
			for _, m := range s.slack.Messages(r.ID) {
				for _, f := range m.Files {
					if content, err := s.download(f); name.MatchString(f.Name) && err == nil {
						patch = content
					}
				}
			}
		}
		if patch == "" {
			return fmt.Errorf("there is no file %q", args[0])
		}
		dir, err := os.MkdirTemp(s.env.WorkDir, "apply")
		if err != nil {
			return err
		}
		text := ts.ReadFile(args[1])
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(args[1])), []byte(text), 0o600); err != nil {
			return err
		}
		cmd := exec.Command("git", "apply", "--check", "-")
		cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(patch), append(os.Environ(), "GIT_CEILING_DIRECTORIES="+s.env.WorkDir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git apply --check: %w: %s\n%s", err, out, patch)
		}
		ts.Logf("%s", patch)
		return nil
	}))
}
