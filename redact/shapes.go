package redact

import (
	"regexp"
	"strings"
)

// cleanShapes takes out what is known by its form, whatever stands around it. It goes line by line: a line seldom holds the hint of any
// shape, while a whole log holds most of them and every pattern would run over all of it.
func cleanShapes(s string) string {
	if configAnswer.hinted(s) {
		s = configAnswer.pattern.ReplaceAllString(s, configAnswer.with)
	}
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); {
		end := i + indexOr(s[i:], "\n", len(s)-i)
		if line := s[i:end]; len(line) >= minShape {
			if clean := cleanLine(line); clean != line {
				out.WriteString(s[done:i])
				out.WriteString(clean)
				done = end
			}
		}
		i = end + 1
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// minShape is the length of the shortest line that can hold a shape.
const minShape = 8

func cleanLine(line string) string {
	for i := range shapes {
		if sh := &shapes[i]; sh.hinted(line) {
			line = sh.pattern.ReplaceAllString(line, sh.with)
		}
	}
	if strings.Contains(line, "earer ") || strings.Contains(line, "asic ") || strings.Contains(line, "BEARER ") || strings.Contains(line, "BASIC ") {
		line = authorization.ReplaceAllStringFunc(line, cleanAuthorization)
	}
	return cleanVendors(line)
}

type shape struct {
	name  string
	hints []string // one of them stands in every text that holds the shape; the cheap look before the pattern
	// pattern's match, or what with leaves of it, is the secret.
	pattern *regexp.Regexp
	with    string
}

func (sh *shape) hinted(s string) bool {
	for _, h := range sh.hints {
		if strings.Contains(s, h) {
			return true
		}
	}
	return false
}

func token(name, pattern string, hints ...string) shape {
	return shape{name: name, hints: hints, pattern: regexp.MustCompile(pattern), with: Mark}
}

// shapes are the formats that their makers document as prefixes of secrets; the page is named beside each.
var shapes = []shape{
	token("AWS access key ID", `\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`, "AKIA", "ASIA", "ABIA", "ACCA"),                                                                                                    // docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
	token("GitHub token", `\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})`, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),                                                                      // github.blog/2021-04-05-behind-githubs-new-authentication-token-formats
	token("GitLab token", `\bgl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[\w.-]{16,}`, "glpat-", "gloas-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "glffct-"), // docs.gitlab.com/security/tokens/#token-prefixes
	token("Slack token", `\bx(?:ox[a-z](?:\.xox[a-z])?|app)-[A-Za-z0-9-]{8,}`, "xox", "xapp-"),                                                                                                               // docs.slack.dev/authentication/tokens
	{name: "Slack webhook", hints: []string{"hooks.slack.com/"}, pattern: regexp.MustCompile(`(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9_/+-]{16,}`), with: "${1}" + Mark},               // docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
	token("Stripe key", `\b(?:(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,})`, "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),                                                // docs.stripe.com/keys
	token("SendGrid key", `\bSG\.[\w-]{16,}\.[\w-]{16,}`, "SG."),                                                                                                                                             // docs.sendgrid.com/ui/account-and-settings/api-keys
	token("Twilio key", `\bSK[0-9a-f]{32}\b`, "SK"),                                                            // twilio.com/docs/iam/api-keys
	token("npm token", `\bnpm_[A-Za-z0-9]{30,}`, "npm_"),                                                       // docs.npmjs.com/about-access-tokens
	token("PyPI token", `\bpypi-[\w-]{16,}`, "pypi-"),                                                          // pypi.org/help/#apitoken
	token("OpenAI-like key", `\bsk-(?:proj-|ant-|or-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}`, "sk-"),              // platform.openai.com/docs/api-reference/authentication
	token("Google key", `\b(?:AIza[\w-]{30,}|ya29\.[\w-]{10,}|GOCSPX-[\w-]{16,})`, "AIza", "ya29.", "GOCSPX-"), // cloud.google.com/docs/authentication/api-keys
	token("Vault token", `\bhv[sbr]\.[\w-]{20,}`, "hvs.", "hvb.", "hvr."),                                      // developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
	token("DigitalOcean token", `\bdo[opr]_v1_[a-f0-9]{32,}`, "_v1_"),                                          // docs.digitalocean.com/reference/api/create-personal-access-token
	token("Docker token", `\bdckr_(?:pat|oat)_[\w-]{16,}`, "dckr_"),                                            // docs.docker.com/security/for-developers/access-tokens
	token("Hugging Face token", `\bhf_[A-Za-z0-9]{30,}`, "hf_"),                                                // huggingface.co/docs/hub/security-tokens
	token("Grafana token", `\b(?:glsa_\w{16,}|glc_[A-Za-z0-9+/=]{16,})`, "glsa_", "glc_"),                      // grafana.com/docs/grafana/latest/administration/service-accounts
	token("Shopify token", `\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`, "shpat_", "shpca_", "shppa_", "shpss_"),     // shopify.dev/docs/apps/build/authentication-authorization
	token("Azure client secret", `[\w~.]{3}\dQ~[\w~.-]{31,34}`, "Q~"),                                          // learn.microsoft.com/azure/active-directory/develop/quickstart-register-app
	token("Databricks token", `\bdapi[a-f0-9]{32}`, "dapi"),                                                    // docs.databricks.com/aws/en/dev-tools/auth/pat
	token("Atlassian token", `\bATATT3[\w=-]{20,}`, "ATATT3"),                                                  // support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account
	token("Telegram token", `\b[0-9]{8,10}:AA[\w-]{33}`, ":AA"),                                                // core.telegram.org/bots/api#authorizing-your-bot
	token("age key", `\bAGE-SECRET-KEY-1[A-Z0-9]{20,}`, "AGE-SECRET-KEY-"),                                     // age-encryption.org/v1
	token("JWT", `\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*`, "eyJ"),                      // RFC 7519: base64url of {" begins with eyJ

	// Commands and settings that put a secret behind a space or on the next line.
	{name: "Redis ACL rule", hints: []string{" >", " #"}, pattern: regexp.MustCompile(`(\b(?:user|SETUSER) \S+ [^\n]*?[ \t])[>#][^\s"']+`), with: "${1}" + Mark},
	{name: "password flag", hints: []string{"--"}, pattern: regexp.MustCompile(`(?i)(--[a-z-]*(?:password|passwd|pass|token|secret|api-?key|access-?key|private-?key)(?:["'],?[ \t]*|[ \t]+)["']?)([^\s"'-][^\s"']*)`), with: "${1}" + Mark},
	{name: "short password flag", hints: []string{" -p"}, pattern: regexp.MustCompile(`(\b(?:mysql\w*|mariadb[\w-]*|sshpass|(?:docker|podman|helm registry|oc|az|nerdctl|buildah|skopeo|crane auth) login)\b[^\n|;]*? -p ?["']?)([^\s"']+)`), with: "${1}" + Mark},
	{name: "redis-cli -a", hints: []string{"redis-cli"}, pattern: regexp.MustCompile(`(\bredis-cli\b[^\n|;]*? -a ["']?)([^\s"']+)`), with: "${1}" + Mark},
	{name: "curl -u", hints: []string{"curl", "wget"}, pattern: regexp.MustCompile(`(\b(?:curl|wget)\b[^\n|;]*? (?:-u|--user) ?["']?[^\s:"']*:)([^\s"']+)`), with: "${1}" + Mark},
	{name: "SQL password", hints: []string{"password '", "PASSWORD '", "identified by '", "IDENTIFIED BY '"}, pattern: regexp.MustCompile(`((?i:\b(?:password|identified\s+by)\s+'))([^']+)`), with: "${1}" + Mark},
	{name: "MySQL DSN", hints: []string{"@tcp(", "@unix("}, pattern: regexp.MustCompile(`(\b[\w.-]+:)(\S+)(@(?:tcp|unix)\()`), with: "${1}" + Mark + "${3}"}, // github.com/go-sql-driver/mysql#dsn-data-source-name
}

// configAnswer is redis.conf and the answer to CONFIG GET, where the value stands on the next line:
// redis.io/docs/latest/operate/oss_and_stack/management/config
var configAnswer = &shape{
	name: "redis.conf", hints: []string{"requirepass", "masterauth"},
	pattern: regexp.MustCompile(`((?:requirepass|masterauth)["']?(?:[ \t]+|\s*\r?\n\s*(?:[0-9]+\)\s*)?)["']?)([^\s"']+)`), with: "${1}" + Mark,
}

// authorization is RFC 9110 section 11.4: a scheme and its credentials, outside of a header as well.
var authorization = regexp.MustCompile(`(?:[Bb]earer|BEARER|[Bb]asic|BASIC) +["']?[A-Za-z0-9._~+/=-]{8,}`)

func cleanAuthorization(match string) string {
	at := strings.LastIndexAny(match, " \"'") + 1
	credentials := match[at:]
	digits, humps := strings.ContainsAny(credentials, "0123456789"), false
	for i := 1; i < len(credentials); i++ {
		humps = humps || upper(credentials[i]) && lower(credentials[i-1])
	}
	if !digits && !humps && !strings.HasSuffix(credentials, "=") {
		return match // "basic authentication"
	}
	return match[:at] + Mark
}

// cleanPEM takes out private keys as RFC 7468 writes them, with line ends as such or escaped. Without an end line (text that was cut off)
// it takes the base64 that follows.
func cleanPEM(s string) string {
	if !strings.Contains(s, "PRIVATE KEY") {
		return s
	}
	var out strings.Builder
	done := 0
	for _, at := range pemBegin.FindAllStringIndex(s, -1) {
		if at[0] < done {
			continue
		}
		out.WriteString(s[done:at[0]])
		out.WriteString(Mark)
		done = at[1]
		if next := strings.Index(s[done:min(len(s), done+maxPEM)], "-----"); next >= 0 && strings.HasPrefix(s[done+next:], "-----END ") {
			done += next
			done += len(pemEnd.FindString(s[done:min(len(s), done+80)]))
			continue
		}
		done += len(pemRest.FindString(s[done:min(len(s), done+maxPEM)]))
	}
	out.WriteString(s[done:])
	return out.String()
}

// maxPEM is longer than a key of 16,384 bits.
const maxPEM = 16 << 10

var (
	pemBegin = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----`)
	pemEnd   = regexp.MustCompile(`^-----END [A-Z0-9 ]{0,40}(?:-----)?`)
	pemRest  = regexp.MustCompile(`^(?:(?:[\s"+,]|\\[nrt])*[A-Za-z0-9+/=]{16,})*(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]+$)?`)
)
