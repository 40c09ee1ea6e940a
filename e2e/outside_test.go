package e2e_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/slacksim"
)

// cmdHTTP: http NAME PATH REGEXP... waits until what the bot serves there matches all; ! http asserts that nothing matches now.
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: http NAME PATH REGEXP...")
	}
	s := of(ts)
	read := func() (string, error) {
		res, err := http.Get("http://" + s.bots[args[0]].listen + args[1])
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res.Status + "\n" + string(body), err
	}
	matching := func(text string) (n int) {
		for _, pattern := range args[2:] {
			if regexp.MustCompile("(?s)" + pattern).MatchString(text) {
				n++
			}
		}
		return n
	}
	if neg {
		text, err := read()
		ts.Check(err)
		if matching(text) > 0 {
			ts.Fatalf("%s matches one of %q:\n%s", args[1], args[2:], text)
		}
		return
	}
	ts.Check(until(patience, func() error {
		text, err := read()
		if err == nil && matching(text) < len(args)-2 {
			err = fmt.Errorf("%s does not match all of %q:\n%s", args[1], args[2:], text)
		}
		return err
	}))
}

// cmdSlack: slack down lets every call of Slack fail, also those that open a socket, and ends the sockets; slack up ends that.
func cmdSlack(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch strings.Join(args, " ") {
	case "down":
		ts.Check(s.slack.Fault(slacksim.Fault{Method: "*", Kind: slacksim.FaultHTTP500, Times: 1 << 30}))
		ts.Check(s.slack.Socket(slacksim.SocketOp{Op: slacksim.SocketKill}))
	case "up":
		s.slack.ClearFaults()
	default:
		ts.Fatalf("usage: slack down|up")
	}
}

// cmdKeep: keep VAR REGEXP keeps what the last output of a command matches.
func cmdKeep(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("the last output does not match %q", args[1])
	}
	ts.Setenv(args[0], found)
}

// cmdLogLine: logline POD-PREFIX TEXT appends a line twenty times, enough for a file beside the message, to the present log of every container of
// such pods, as their kubelet keeps it.
func cmdLogLine(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(shared.cluster.Dir, "world", "logs", of(ts).namespace+"_"+args[0]+"*", "*", "*.log"))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("no pod %s… has a log", args[0])
	}
	line := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z") + " stdout F " + strings.Join(args[1:], " ") + "\n"
	for _, name := range files {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		ts.Check(err)
		_, err = f.WriteString(strings.Repeat(line, 20))
		ts.Check(errors.Join(err, f.Close()))
	}
}

// cmdNowhere: nowhere REGEXP asserts that what the bot sent to Slack, uploaded, stored and logged matches nowhere, as it is, percent-encoded
// or in base64; ! nowhere asserts that it does match, and prints the places.
func cmdNowhere(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	re := regexp.MustCompile(args[0])
	var found []string
	look := func(place, text string) {
		for _, form := range forms(text) {
			if at := re.FindStringIndex(form); at != nil {
				found = append(found, fmt.Sprintf("%s: …%s…", place, form[max(0, at[0]-60):min(len(form), at[1]+20)]))
				return
			}
		}
	}
	for _, c := range s.slack.Calls("") {
		look("call "+c.Method, fmt.Sprint(c.Args))
	}
	for _, c := range slacksim.Marketplace().Channels {
		for _, m := range s.slack.Messages(c.ID) {
			for _, f := range m.Files {
				text, err := s.download(f)
				ts.Check(err)
				look("file "+f.Name, text)
			}
		}
	}
	for name, p := range s.bots {
		look("log of "+name, p.out.String())
	}
	ts.Check(s.rows(look))
	_, _ = io.WriteString(ts.Stdout(), strings.Join(found, "\n"))
	if neg != (len(found) > 0) {
		ts.Fatalf("%q was found %d times:\n%s", args[0], len(found), strings.Join(found, "\n"))
	}
}

func (s *story) download(f slacksim.File) (string, error) {
	res, err := http.Get(s.addresses.Page + "api/files/" + f.ID)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || len(b) != f.Size) {
		err = fmt.Errorf("download %s: %s, %d of %d bytes", f.Name, res.Status, len(b), f.Size)
	}
	return string(b), err
}

// rows visits every row of every table of the story's database, binary columns as the text that they hold.
func (s *story) rows(visit func(table, row string)) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	list, err := db.Query(ctx, "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'")
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(list, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, table := range tables {
		rows, err := db.Query(ctx, "select * from "+pgx.Identifier{table}.Sanitize())
		if err != nil {
			return err
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return err
			}
			for i, v := range values {
				if b, ok := v.([]byte); ok {
					values[i] = string(b)
				}
			}
			visit("table "+table, fmt.Sprint(values...))
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

var (
	percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	base64s = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`)
)

// forms are a text, the text with percent-encoding undone, and what its runs of base64 hold, from whichever of four letters on.
func forms(text string) []string {
	out := []string{text, percent.ReplaceAllStringFunc(text, func(p string) string {
		s, _ := url.PathUnescape(p) // two hexadecimal digits always are a byte
		return s
	})}
	for _, run := range base64s.FindAllString(text, -1) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for from := range 4 {
			part := run[from:]
			if b, err := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4]); err == nil {
				out = append(out, string(b))
			}
		}
	}
	return slices.Compact(out)
}

// cmdQuiet: quiet asserts that no message of the bot called a whole channel, and that no text which Slack still reads for mentions and links held any.
func cmdQuiet(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	read := map[string][]string{"chat.postMessage": {"text"}, "chat.update": {"text"}, "chat.postEphemeral": {"text"}, "conversations.setTopic": {"topic"}, "bookmarks.add": {"title"}}
	said := 0
	for method, args := range read {
		for _, c := range s.slack.Calls(method) {
			for _, a := range args {
				said++
				if strings.ContainsAny(fmt.Sprint(c.Args[a]), "<>") {
					ts.Fatalf("%s has the %s %q", method, a, c.Args[a])
				}
			}
			for _, m := range s.slack.Messages(fmt.Sprint(c.Args["channel"])) {
				if m.BotID != "" && slices.ContainsFunc(m.Pings, func(p string) bool { return !strings.HasPrefix(p, "U") }) {
					ts.Fatalf("a message pings %v: %s", m.Pings, flat(m))
				}
			}
		}
	}
	if said < 10 {
		ts.Fatalf("the bot said next to nothing: %d texts", said)
	}
}
