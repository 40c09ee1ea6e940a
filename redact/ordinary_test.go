package redact_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// ordinary is a corpus of log lines as a marketplace and its cluster write them, full of identifiers and without a single secret.
func ordinary(tb testing.TB) string {
	tb.Helper()
	data, err := os.ReadFile("testdata/ordinary.log")
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func TestFewOrdinaryLinesAreTouched(t *testing.T) {
	t.Parallel()
	const mostPerThousand = 2
	lines := strings.Split(strings.TrimSpace(ordinary(t)), "\n")
	if len(lines) < 2000 {
		t.Fatalf("the corpus has only %d lines", len(lines))
	}
	touched := 0
	for _, line := range lines {
		if got := redact.Clean(line).String(); got != line {
			touched++
			t.Logf("touched:\n  %s\n  %s", line, got)
		}
	}
	t.Logf("%d of %d lines touched", touched, len(lines))
	if touched*1000 > mostPerThousand*len(lines) {
		t.Errorf("%d of %d ordinary lines were touched, more than %d in a thousand", touched, len(lines), mostPerThousand)
	}
}

func TestOrdinaryTextAsAWholeStaysToo(t *testing.T) {
	t.Parallel()
	text := ordinary(t)
	if n := strings.Count(redact.Clean(text).String(), redact.Mark); n > 10 {
		t.Errorf("%d marks in the whole corpus", n)
	}
}

// Cost grows with the length and not with its square, also for text that is made to hurt: four times the text may take at most some ten
// times as long (a quadratic scan would take sixteen), measured as the best of many tries, for other programs want the processor, too.
func TestCostIsLinear(t *testing.T) {
	for name, piece := range map[string]string{
		"ordinary":             ordinary(t)[:4000],
		"templates":            "password=${",
		"keys":                 "password:",
		"keys on lines":        "password:\n",
		"open quotes":          `password="`,
		"escaped quotes":       `password=\"${`,
		"addresses":            "a://",
		"addresses with users": "a://b:c",
		"equal signs":          "=",
		"pairs":                "a=b,",
		"percent":              "%41",
		"base64":               "dXNlcj1hcHA",
		"key begins":           "-----BEGIN PRIVATE KEY-----\n",
		"flags":                "--password ",
		"headers":              "authorization: - ",
		"blocks":               "password: |\n ",
		"environments":         "name: password, value",
		"curl":                 "curl -u ",
		"redis":                "redis-cli ",
		"ACL":                  "user a >",
		"random":               "Zk3vQ9xLw2RtY7u",
	} {
		t.Run(name, func(t *testing.T) {
			short, long := strings.Repeat(piece, 16_000/len(piece)), strings.Repeat(piece, 64_000/len(piece))
			ratio := 1e9
			for try := 0; try < 20 && ratio > 10; try++ {
				a, b := took(short), took(long)
				ratio = min(ratio, float64(b)/float64(max(a, 50*time.Microsecond)))
			}
			if ratio > 10 {
				t.Errorf("four times the text took %.1f times as long", ratio)
			}
		})
	}
}

func took(s string) time.Duration {
	start := time.Now()
	redact.Clean(s)
	return time.Since(start)
}

func BenchmarkClean(b *testing.B) {
	text := ordinary(b)
	for name, s := range map[string]string{"ordinary log": text, "one line": text[:strings.IndexByte(text, '\n')], "a secret on every line": strings.ReplaceAll(text, "\n", " password=hunter2\n")} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				redact.Clean(s)
			}
		})
	}
}
