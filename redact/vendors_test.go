package redact

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
)

func TestTheVendorRulesAreThoseThatWereGenerated(t *testing.T) {
	t.Parallel()
	var head, body strings.Builder
	for line := range strings.Lines(vendorRules) {
		if strings.HasPrefix(line, "#") {
			head.WriteString(line)
		} else {
			body.WriteString(line)
		}
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body.String()))); !strings.Contains(head.String(), sum) {
		t.Errorf("vendors.tsv was changed by hand (%s); change vendors_gen.go and run go generate ./redact", sum)
	}
	if !strings.Contains(head.String(), "MIT License") || !strings.Contains(head.String(), "Permission is hereby granted") {
		t.Error("the licence of the rules is not with them")
	}
	if n := len(readVendors().rules); n != strings.Count(body.String(), "\n") || n < 200 {
		t.Errorf("%d rules were read of %d", n, strings.Count(body.String(), "\n"))
	}
}

// sample makes a text that the expression matches, at random: with seed a fixed one.
func sample(re *syntax.Regexp, r *rand.Rand) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for {
			i := 2 * r.IntN(len(re.Rune)/2)
			if c := re.Rune[i] + r.Int32N(min(re.Rune[i+1], 126)-min(re.Rune[i], 125)+1); c > ' ' && c < 127 || c == ' ' {
				return string(c)
			}
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(sample(sub, r))
		}
		return b.String()
	case syntax.OpAlternate:
		return sample(re.Sub[r.IntN(len(re.Sub))], r)
	case syntax.OpStar, syntax.OpQuest:
		return ""
	case syntax.OpPlus:
		return sample(re.Sub[0], r)
	case syntax.OpRepeat:
		var b strings.Builder
		for range re.Min {
			b.WriteString(sample(re.Sub[0], r))
		}
		return b.String()
	}
	return ""
}

// named reports whether a keyword of the rule stands in line: some rules ask for the maker's name beside the key.
func named(line, id string) bool {
	v := readVendors()
	for _, list := range v.lists {
		for _, k := range list {
			if v.rules[k.rule].id == id && strings.Contains(strings.ToLower(line), k.word) {
				return true
			}
		}
	}
	return false
}

// Whatever a rule describes is gone from a line of a log, by that rule or by ours.
func TestWhatAVendorRuleDescribesIsTakenOut(t *testing.T) {
	t.Parallel()
	tried, alone := 0, 0
	for _, rule := range readVendors().rules {
		re, err := syntax.Parse(rule.pattern().String(), syntax.Perl)
		if err != nil {
			t.Fatalf("%s: %v", rule.id, err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			line := "2026-11-24T12:00:00Z WARN retry " + sample(re, r) + " attempt=3"
			m := rule.pattern().FindStringSubmatchIndex(line)
			if m == nil || strings.Contains(line, "\n") || !named(line, rule.id) {
				continue
			}
			a, b := rule.secret(m)
			secret := line[a:b]
			if identifier(secret) || entropy(secret) < rule.entropy {
				continue
			}
			tried++
			if strings.Contains(Clean(line).String(), secret) {
				t.Errorf("%s: %q stays in %q", rule.id, secret, Clean(line))
			}
			if strings.Contains(withoutVendors(line), secret) {
				alone++
			}
			break
		}
	}
	t.Logf("%d samples, %d of them found by these rules alone", tried, alone)
	if tried < 150 || alone < 20 {
		t.Errorf("only %d of the rules were tried, and %d found something on their own", tried, alone)
	}
}

// withoutVendors is Clean without the second look.
func withoutVendors(s string) string {
	s = cleanURLs(cleanPairs(cleanPEM(s)))
	for i := range shapes {
		if sh := &shapes[i]; sh.hinted(s) {
			s = sh.pattern.ReplaceAllString(s, sh.with)
		}
	}
	return cleanRuns(s, 0)
}

func TestIdentifiersBesideAVendorsNameStay(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"pulled ghcr.io/getsentry/sentry-1.2@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"image sentry sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 is up to date",
		"heroku dyno: 0b1f2c3d-4e5f-6071-8293-a4b5c6d7e8f9 restarted",
		"sourcegraph commit: 3f786850e387550fdab836ed7e6dc881de23001b indexed",
		"snyk scan=0b1f2c3d-4e5f-6071-8293-a4b5c6d7e8f9 of datadog-agent-x7k2p finished",
		"discord message: 1098765432109876543 acknowledged by kraken-7d9f6c5b4-x2x4z",
		"linear regression: confluent-kafka-0 lag=12345 okta login of bob took 120ms",
		"square payment: id 7f9c24e5-2f31-4b0a-9d55-0a6a1d0c2d11 captured, plaid item: ok",
	} {
		if got := Clean(line).String(); got != line {
			t.Errorf("touched:\n  %s\n  %s", line, got)
		}
	}
}

// The keyword of one rule on a whole page must not make the page dear.
func TestVendorKeywordsAreLookedAtInLinearTime(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`[a-z]{5,}`).FindAllString(vendorRules, 40)
	if len(words) < 40 {
		t.Fatal("no keywords")
	}
	text := strings.Repeat(strings.Join(words, " ")+"\n", 200)
	if got := Clean(text).String(); got != text {
		t.Error("words alone are no secrets")
	}
}
