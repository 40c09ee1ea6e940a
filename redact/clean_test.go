package redact_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/svcdown/svcdown/redact"
)

// kept and hidden are what must still be readable and what must not.
type example struct {
	in     string
	hidden []string
	kept   []string
}

var examples = map[string]example{
	"environment form":                        {"DB_PASSWORD=hunter2pass next", []string{"hunter2pass"}, []string{"DB_PASSWORD=", " next"}},
	"environment form with punctuation":       {"REDIS_PASSWORD=a,b;c)d!x\nNEXT=1", []string{"a,b", "c)d", "d!x"}, []string{"REDIS_PASSWORD=", "NEXT=1"}},
	"exported, in quotes":                     {`export PGPASSWORD='two words'; psql`, []string{"two words"}, []string{"export PGPASSWORD='", "; psql"}},
	"PGPASSWORD before a command":             {"PGPASSWORD=hunter2 psql -h db -U app", []string{"hunter2"}, []string{"psql -h db -U app"}},
	"YAML":                                    {"  password: correct horse battery\n  user: app", []string{"correct", "horse", "battery"}, []string{"password: ", "user: app"}},
	"YAML in quotes":                          {"secret: \"s3cr\\\"et tail\"\nhost: db", []string{"s3cr", "et tail"}, []string{"secret: ", "host: db"}},
	"YAML block":                              {"  password: |\n    first line\n    second line\n  user: app", []string{"first line", "second line"}, []string{"password: |", "  user: app"}},
	"JSON":                                    {`{"user":"app","password":"p\"w,1","port":5432}`, []string{`p\"w`, "w,1"}, []string{`"user":"app"`, `"port":5432`}},
	"JSON inside JSON":                        {`{"msg":"{\"password\":\"hunter2\",\"user\":\"app\"}"}`, []string{"hunter2"}, []string{`\"user\":\"app\"`}},
	"JSON twice inside JSON":                  {`"{\\\"apiKey\\\":\\\"hunter2\\\",\\\"a\\\":1}"`, []string{"hunter2"}, []string{"apiKey", `\\\"a\\\":1`}},
	"JSON that was cut off":                   {`{"password":"hunter2 and mo`, []string{"hunter2", "and mo"}, []string{"password"}},
	"JSON number":                             {`{"password": 123456, "a": 1}`, []string{"123456"}, []string{`"a": 1`}},
	"camel case":                              {"clientSecret=abcdef12 dbPassword=qwertz99", []string{"abcdef12", "qwertz99"}, []string{"clientSecret=", "dbPassword="}},
	"Ruby hash":                               {`:password=>"hunter2", "api_key" => "abcabc1"`, []string{"hunter2", "abcabc1"}, []string{":password=>", "api_key"}},
	"Go assignment":                           {`apiKey := "abcabc1"`, []string{"abcabc1"}, []string{"apiKey := "}},
	"properties":                              {"spring.datasource.password = hunter2", []string{"hunter2"}, []string{"spring.datasource.password = "}},
	"query string":                            {"GET /cb?token=abc123def&state=ok HTTP/1.1", []string{"abc123def"}, []string{"GET /cb?token=", "&state=ok HTTP/1.1"}},
	"libpq connection string":                 {"host=db port=5432 user=app password=hunter2 dbname=x", []string{"hunter2"}, []string{"host=db", "user=app", "dbname=x"}},
	"ADO connection string":                   {"Server=db;User Id=sa;Pwd=hun,ter2;Encrypt=true", []string{"hun,ter2"}, []string{"Server=db", "Encrypt=true"}},
	"Azure storage":                           {"AccountName=web;AccountKey=abcd1234efgh==;EndpointSuffix=core", []string{"abcd1234efgh"}, []string{"AccountName=web", "EndpointSuffix=core"}},
	"MySQL DSN":                               {"dial app:p@ss:w0rd@tcp(db:3306)/shop?x=1", []string{"p@ss", "w0rd"}, []string{"app:", "@tcp(db:3306)/shop"}},
	"container environment in YAML":           {"- name: DB_PASSWORD\n  value: hunter2\n- name: DB_HOST\n  value: db", []string{"hunter2"}, []string{"name: DB_PASSWORD", "name: DB_HOST\n  value: db"}},
	"container environment in JSON":           {`{"name":"API_TOKEN","value":"hunter2"},{"name":"A","value":"b"}`, []string{"hunter2"}, []string{"API_TOKEN", `{"name":"A","value":"b"}`}},
	"container environment in Go":             {`v1.EnvVar{Name:"API_TOKEN", Value:"hunter2", ValueFrom:nil}`, []string{"hunter2"}, []string{"API_TOKEN", "ValueFrom:nil"}},
	"kubectl describe":                        {"      DB_PASSWORD:  hunter2\n      DB_HOST:      db", []string{"hunter2"}, []string{"DB_PASSWORD:", "DB_HOST:      db"}},
	"last-applied-configuration":              {"    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"data\":{\"x\":\"aHVudGVyMg==\"}}\n  name: app", []string{"aHVudGVyMg"}, []string{"last-applied-configuration", "name: app"}},
	"last-applied-configuration in JSON":      {`"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"x\":\"aHVudGVyMg==\"}}\n","b":"c"`, []string{"aHVudGVyMg"}, []string{"last-applied-configuration", `"b":"c"`}},
	"URL":                                     {"dial postgres://app:hunter2@db:5432/shop?sslmode=disable: refused", []string{"hunter2"}, []string{"postgres://app:", "@db:5432/shop?sslmode=disable: refused"}},
	"image with a login in front":             {`Failed to pull image "deploy:hunter2@reg.example.com:5000/shop/web:1.2": denied`, []string{"hunter2"}, []string{`"deploy:`, `@reg.example.com:5000/shop/web:1.2": denied`}},
	"two images with logins":                  {"image web ci:hunter2@r.io/web:1 → ci:qwertz99@r.io/web:2", []string{"hunter2", "qwertz99"}, []string{"image web ci:", "@r.io/web:1 → ci:", "@r.io/web:2"}},
	"URL with @ in the password":              {"redis://user:p@ss@host:6379/0", []string{"p@ss", "ss@"}, []string{"redis://user:", "@host:6379/0"}},
	"URL with / in the password":              {"amqp://user:pa/s?s@host/vhost", []string{"pa/s", "s?s"}, []string{"amqp://user:", "@host/vhost"}},
	"URL without a user":                      {"redis://:hunter2@cache:6379", []string{"hunter2"}, []string{"redis://:", "@cache:6379"}},
	"several URLs":                            {"redis://:one1@a:1,redis://:two2@b:2 https://u:three3@c/", []string{"one1", "two2", "three3"}, []string{"@a:1,redis://:", "@b:2", "@c/"}},
	"URL with an encoded password":            {"postgres://app:p%40ss%21@db/x", []string{"p%40ss"}, []string{"postgres://app:", "@db/x"}},
	"URL that was cut in its password":        {"Readiness probe failed: dial postgres://app:hunter2secr", []string{"hunter2"}, []string{"dial postgres://app:"}},
	"URL that the API server cut":             {"MountVolume failed: amqp://app:pa/s?hunter2se...", []string{"pa/s", "hunter2"}, []string{"amqp://app:", "..."}},
	"URL that we cut":                         {"dial redis://:hunter2secr…", []string{"hunter2"}, []string{"dial redis://:", "…"}},
	"URL inside a URL, encoded":               {"next=https%3A%2F%2Fu%3Ahunter2%40h%2Fx&b=1", []string{"hunter2"}, []string{"next=", "&b=1"}},
	"bearer header":                           {"Authorization: Bearer abc.def-123\nHost: x", []string{"abc.def-123"}, []string{"Authorization: Bearer ", "Host: x"}},
	"basic header in a command":               {`curl -H 'Authorization: Basic dXNlcjpwYXNz' https://h/x`, []string{"dXNlcjpwYXNz"}, []string{"Authorization: Basic ", "' https://h/x"}},
	"authorization in JSON":                   {`{"headers":{"Authorization":"Bearer abc123xyz"},"a":1}`, []string{"abc123xyz"}, []string{"Authorization", `"a":1`}},
	"bearer in prose":                         {"sent bearer abc123xyz789 to api", []string{"abc123xyz789"}, []string{"sent bearer ", " to api"}},
	"own API key header":                      {"X-Api-Key: abcd-efgh\nAccept: */*", []string{"abcd-efgh"}, []string{"X-Api-Key: ", "Accept: */*"}},
	"cookies":                                 {"Cookie: sid=abc; theme=dark; jwt=q\nHost: x", []string{"sid=abc", "jwt=q"}, []string{"Cookie: ", "Host: x"}},
	"set-cookie":                              {"set-cookie: sid=abcdef; Path=/; HttpOnly\nvary: x", []string{"abcdef"}, []string{"set-cookie: ", "vary: x"}},
	"JWT":                                     {"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl from x", []string{"eyJhbGci", "c2lnbm"}, []string{"got ", " from x"}},
	"AWS key ID":                              {"using AKIAIOSFODNN7EXAMPLE in eu", []string{"AKIAIOSFODNN7EXAMPLE"}, []string{"using ", " in eu"}},
	"AWS secret by its look":                  {"using 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 in eu", []string{"q8Zr/T1v"}, []string{" in eu"}},
	"GitHub token":                            {"clone with ghp_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789", []string{"ghp_aB"}, []string{"clone with "}},
	"GitLab token":                            {"PRIVATE-TOKEN glpat-abcdefghij0123456789", []string{"glpat-abc"}, nil},
	"Slack bot token":                         {"auth with xoxb-12345-67890-AbCdEf failed", []string{"xoxb-12345"}, []string{"auth with ", " failed"}},
	"Slack app token":                         {"xapp-1-A0123-456-abcdef", []string{"xapp-1"}, nil},
	"Slack webhook":                           {"POST https://hooks.slack.com/services/T0001/B0001/abcdefGHIJKL", []string{"T0001/B0001"}, []string{"hooks.slack.com/services/"}},
	"Stripe key":                              {"stripe sk_live_abcdefghij1234567890 ok", []string{"sk_live_"}, []string{"stripe ", " ok"}},
	"SendGrid key":                            {"SG.abcdefghijklmnop1234.abcdefghijklmnop5678", []string{"SG.abc"}, nil},
	"Twilio key":                              {"SK0123456789abcdef0123456789abcdef", []string{"SK0123"}, nil},
	"npm token":                               {"//registry/:_authToken=npm_abcdefghijklmnopqrstuvwxyz0123456789", []string{"npm_abc"}, []string{"_authToken="}},
	"PyPI token":                              {"pypi-AgEIcHlwaS5vcmcCJDU1", []string{"pypi-Ag"}, nil},
	"OpenAI key":                              {"key sk-proj-abcdefghijklmnopqrstuvwx used", []string{"sk-proj"}, []string{" used"}},
	"Google key":                              {"maps AIzaSyA-1234567890abcdefghijklmnopqrstu", []string{"AIzaSy"}, []string{"maps "}},
	"private key":                             {"x\n-----BEGIN RSA PRIVATE KEY-----\nMIIEabc+/=\nshort\n-----END RSA PRIVATE KEY-----\ny", []string{"MIIEabc", "short"}, []string{"x\n", "\ny"}},
	"private key, escaped":                    {`{"private_key":"-----BEGIN PRIVATE KEY-----\nMIIEabcdefghijklmnop\nxyz\n-----END PRIVATE KEY-----\n","id":"7"}`, []string{"MIIEabc", "xyz"}, []string{`"id":"7"`}},
	"private key, cut off":                    {"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIabcdefghijklmnopqrstuvw\nabcd12", []string{"MHcCAQ", "abcd12"}, nil},
	"private key, cut off, then a log":        {"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIabcdefghijklmnopqrstuvw\n12:00 server started", []string{"MHcCAQ"}, []string{"server started"}},
	"client-key-data":                         {"    client-key-data: LS0tLS1CRUdJTiBSU0E=\n    user: x", []string{"LS0tLS1CRUdJTiBSU0E"}, []string{"client-key-data: ", "user: x"}},
	"base64 of a private key":                 {"got " + base64.StdEncoding.EncodeToString([]byte("-----BEGIN PRIVATE KEY-----\nMIIEabcdefghijklmnop\n-----END PRIVATE KEY-----\n")) + " ok", []string{"LS0tLS1CRUdJ"}, []string{"got ", " ok"}},
	"base64 of a connection string":           {"data " + base64.StdEncoding.EncodeToString([]byte("postgres://app:hunter2@db/shop")) + " end", []string{"cG9zdGdy"}, []string{"data ", " end"}},
	"base64url of a pair":                     {base64.RawURLEncoding.EncodeToString([]byte("user=app&password=hunter2???>>>")), []string{"dXNlcj1hcHA"}, nil},
	"requirepass in redis.conf":               {"maxmemory 1gb\nrequirepass hunter2\nport 6379", []string{"hunter2"}, []string{"requirepass ", "port 6379"}},
	"CONFIG GET requirepass, plain":           {"requirepass\nhunter2\nmaxmemory\n0", []string{"hunter2"}, []string{"requirepass\n", "maxmemory\n0"}},
	"CONFIG GET requirepass, on a terminal":   {"1) \"requirepass\"\n2) \"hunter2\"\n", []string{"hunter2"}, []string{`1) "requirepass"`, `2) "`}},
	"CONFIG GET masterauth":                   {"masterauth\nhunter2\n", []string{"hunter2"}, []string{"masterauth"}},
	"Redis ACL":                               {"ACL SETUSER app on >hunter2 ~* +@all", []string{"hunter2"}, []string{"SETUSER app on ", "~* +@all"}},
	"redis-cli -a":                            {"redis-cli -h cache -a hunter2 ping", []string{"hunter2"}, []string{"redis-cli -h cache -a ", " ping"}},
	"--password with a space":                 {"migrate --password hunter2 --host db", []string{"hunter2"}, []string{"--password ", " --host db"}},
	"--password in a list of arguments":       {`args: ["--db-password","hunter2","--host","db"]`, []string{"hunter2"}, []string{`"--db-password","`, `"--host","db"`}},
	"-p of docker login":                      {"docker login -u bot -p hunter2 reg", []string{"hunter2"}, []string{"docker login -u bot -p ", " reg"}},
	"-p of mysql, close":                      {"mysql -u root -phunter2 shop", []string{"hunter2"}, []string{"mysql -u root -p", " shop"}},
	"curl -u":                                 {"curl -s -u admin:hunter2 https://h/x", []string{"hunter2"}, []string{"curl -s -u admin:", " https://h/x"}},
	"SQL":                                     {"ALTER ROLE app WITH PASSWORD 'hunter2' LOGIN", []string{"hunter2"}, []string{"ALTER ROLE app WITH PASSWORD '", "' LOGIN"}},
	"mnemonic of a wallet":                    {`WALLET_MNEMONIC="legal winner thank year wave sausage"`, []string{"legal", "sausage"}, []string{"WALLET_MNEMONIC="}},
	"private key of a wallet by its name":     {"DEPLOYER_PRIVATE_KEY=0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318", []string{"4c0883a6"}, []string{"DEPLOYER_PRIVATE_KEY="}},
	"a random string without any name at all": {"using Zk3vQ9xLw2RtY7uBn5MhG8dPa4SjE6Cf now", []string{"Zk3vQ9xL"}, []string{"using ", " now"}},
	"password that begins with a bracket":     {"PASSWORD=[abc]def1 x", []string{"abc]def1"}, []string{" x"}},
	"password beside an invalid byte":         {"password=\xffhunter2\xfe end", []string{"hunter2"}, []string{"password=", " end"}},
}

func TestSecretsGoAndTheRestStays(t *testing.T) {
	t.Parallel()
	for name, e := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := redact.Clean(e.in).String()
			for _, h := range e.hidden {
				if strings.Contains(got, h) {
					t.Errorf("%q still shows %q", got, h)
				}
			}
			for _, k := range e.kept {
				if !strings.Contains(got, k) {
					t.Errorf("%q no longer shows %q", got, k)
				}
			}
			if !strings.Contains(got, redact.Mark) {
				t.Errorf("%q does not say that something was taken out", got)
			}
		})
	}
}

func TestWhatAnEngineerNeedsStays(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"pod backend-deployment-7d9f8b6c5d-x2k4p restarted, uid 6f1c0f5e-8f0a-4a37-9a53-3f0b8a4f2f10",
		"image ghcr.io/web3/backend@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 by alice",
		"traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"tx 0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060 to 0xde709F2102306220921060314715629080e2fB77",
		"DB_PASSWORD:  <set to the key 'password' in secret 'web3-marketplace-secrets'>  Optional: false",
		"secretKeyRef: {name: web3-marketplace-secrets, key: password}",
		"automountServiceAccountToken: true",
		"tokenExpirationSeconds: 3607",
		"error: token: signature is invalid",
		`{"passwordPolicy":"strict","tokenCount":15,"secretName":"tls"}`,
		"password=$DB_PASSWORD token=${TOKEN} secret: {{ .Values.secret }}",
		"using basic authentication, bearer tokens are off",
		"https://registry:5000/web3/backend@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"https://github.com/goccy/go-yaml/blob/v1.19.2/decode.go@main?x=a@b",
		"GET http://10.0.0.7:8080/healthz 200 in 12ms",
		"dial tcp://cache:6379", "listening on http://[::1]:8080", "see http://10.0.0.7:8080…", "(ask http://backend:3000)", "brokers kafka://a:9092,b:9092", "http://localhost:%d", "http://backend:${PORT}", "http://backend:",
		"ipfs QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPAdG pinned",
		"integrity sha512-vL1rS9Ks2wVYyE7r5nP5wD1B1kS2mX6aQ0gQz1c3tX9vU7n4mW2hK8jL5pR3sT6yA9bC0dE1fG2hI3jK4lM5nO==",
		"SHA256:uNiVztksCsDhcc0u9e8BrGjk4fYtQ3X2vDqEwMzKaLs accepted for alice",
		"if token == nil { return }",
		"at org.springframework.security.authentication.UsernamePasswordAuthenticationToken.getPrincipal(UsernamePasswordAuthenticationToken.java:57)",
	} {
		if got := redact.Clean(line).String(); got != line {
			t.Errorf("changed:\n  %s\n  %s", line, got)
		}
	}
}

// A canary must not survive in any form in which logs and dumps carry it.
func TestCanariesInEveryCoat(t *testing.T) {
	t.Parallel()
	const canary = "Canary7f3QpassW0rd"
	places := map[string]string{
		"environment": "DB_PASSWORD=%s",
		"URL":         "postgres://app:%s@db:5432/shop",
		"JSON":        `{"password":"%s"}`,
		"YAML":        "spec:\n  token: %s\n",
		"header":      "Authorization: Bearer %s",
		"flag":        "run --api-key %s --fast",
		"annotation":  `kubectl.kubernetes.io/last-applied-configuration: {"x":"%s"}`,
	}
	for place, form := range places {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			raw := strings.ReplaceAll(form, "%s", canary)
			coats := map[string]string{
				"raw":                      raw,
				"base64":                   "blob " + base64.StdEncoding.EncodeToString([]byte(raw)) + " end",
				"base64url":                "blob " + base64.RawURLEncoding.EncodeToString([]byte(raw)) + " end",
				"URL-encoded":              "GET /?q=" + url.QueryEscape(raw) + "&n=1",
				"base64 in base64":         base64.StdEncoding.EncodeToString([]byte("x: " + base64.StdEncoding.EncodeToString([]byte(raw)))),
				"the value base64-encoded": strings.ReplaceAll(form, "%s", base64.StdEncoding.EncodeToString([]byte(canary))),
				"the value URL-encoded":    strings.ReplaceAll(form, "%s", url.QueryEscape(canary+"&=")),
			}
			for coat, text := range coats {
				for _, got := range []string{redact.Clean(text).String(), redact.F("log line: %s", text).String(), redact.F("it said %q", []string{text}).String()} {
					for _, needle := range []string{canary, url.QueryEscape(canary + "&="), base64.StdEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(raw)), base64.RawURLEncoding.EncodeToString([]byte(raw)), url.QueryEscape(raw)} {
						if strings.Contains(got, needle) {
							t.Errorf("%s: %q shows %q", coat, got, needle)
						}
					}
				}
			}
		})
	}
}

func TestOutputIsAlwaysValidUTF8(t *testing.T) {
	t.Parallel()
	if got := redact.Clean("a\xff\xc3(\xa0\xa1b").String(); !utf8.ValidString(got) || !strings.HasPrefix(got, "a") || !strings.HasSuffix(got, "b") {
		t.Errorf("got %q", got)
	}
}

func FuzzClean(f *testing.F) {
	for _, e := range examples {
		f.Add(e.in)
	}
	f.Add(strings.Repeat("password=${", 20))
	f.Fuzz(func(t *testing.T, s string) {
		once := redact.Clean(s)
		if !utf8.ValidString(once.String()) {
			t.Fatalf("not UTF-8: %q", once)
		}
		if twice := redact.Clean(once.String()); !twice.Equal(once) {
			t.Fatalf("not idempotent:\n%q\n%q\n%q", s, once, twice)
		}
		if strings.ContainsAny(s, "\n\r\"'`{[<$|>\\=:") || strings.TrimSpace(s) == "" || len(s) < 4 || strings.Trim(s, "*x•-…. ") == "" {
			return
		}
		if got := redact.Clean("DB_PASSWORD=" + strings.ReplaceAll(s, " ", "_") + " end").String(); strings.Contains(got, strings.ReplaceAll(s, " ", "_")) && !strings.Contains("DB_PASSWORD=[redacted] end", strings.ReplaceAll(s, " ", "_")) && !harmlessWord(s) {
			t.Fatalf("password %q survived: %q", s, got)
		}
	})
}

func harmlessWord(s string) bool {
	switch strings.ToLower(strings.Trim(s, ",;")) {
	case "true", "false", "null", "none", "undefined", "unset", "redacted", "(nil)", "(none)", "(sensitive":
		return true
	}
	return strings.HasPrefix(strings.ToLower(s), "(sensitive")
}
