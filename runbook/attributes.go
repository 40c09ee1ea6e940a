package runbook

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The bounds of what attributes may ask for.
const (
	maxApprove = 20
	maxTimeout = 10 * time.Minute
)

var (
	attributeList = regexp.MustCompile(`\{((?:\s*[a-z]+=[^\s{}=]+)+)\s*\}`)
	attributeName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
)

// read adds what {…} in s says and returns the text without it; problems name what is not understood.
func (a *Attributes) read(s string) (rest string, problems []string) {
	for _, m := range attributeList.FindAllStringSubmatch(s, -1) {
		for pair := range strings.FieldsSeq(m[1]) {
			key, value, _ := strings.Cut(pair, "=")
			if why := a.set(key, strings.Trim(value, `"'`)); why != "" {
				problems = append(problems, why)
			}
		}
	}
	return strings.TrimSpace(attributeList.ReplaceAllString(s, "")), problems
}

func (a *Attributes) set(key, value string) (problem string) {
	switch key {
	case "for":
		if !attributeName.MatchString(value) {
			return fmt.Sprintf("for=%s is not a name; write the service or kind that the step is for", value)
		}
		a.For = value
	case "approve":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxApprove {
			return fmt.Sprintf("approve=%s is ignored; write how many people must agree, from 1 to %d", value, maxApprove)
		}
		a.Approve = n
	case "timeout":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 || d > maxTimeout {
			return fmt.Sprintf("timeout=%s is ignored; write a duration up to %s, such as 30s", value, maxTimeout)
		}
		a.Timeout = d
	default:
		return fmt.Sprintf("attribute %s is not known; there are for, approve and timeout", key)
	}
	return ""
}
