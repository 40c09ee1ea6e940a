package handlers

import (
	"context"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// VerbInfo describes a verb for whoever lists them.
type VerbInfo struct {
	Name, Usage, Summary string
	// Local verbs work without the bot, with the caller's own kubeconfig: they only read the cluster.
	Local bool
}

// Verbs lists what can be asked, in the order in which people need it.
func Verbs() []VerbInfo {
	var out []VerbInfo
	for _, v := range (&Desk{}).table() {
		out = append(out, VerbInfo{Name: v.name, Usage: v.usage, Summary: v.summary, Local: v.local})
	}
	return out
}

// Local answers a reading verb for somebody at a terminal whom no bot has verified: the cluster itself decides what their kubeconfig may read.
// Every other verb is refused.
func (d *Desk) Local(ctx context.Context, text string, talk Conversation) error {
	cmd, err := Parse(text)
	if err != nil {
		return err
	}
	v, ok := d.verb(cmd.Verb)
	if !ok || !v.local {
		return &Problem{Code: "local", Text: redact.F("%s needs the bot, which cannot be reached; nothing was done.", cmd.Verb),
			Next: redact.Const("Reading works without it: status, logs, services.")}
	}
	return v.run(ctx, Request{Command: cmd, Talk: talk, Actor: catalog.Actor{Person: "local"}, ownRights: true})
}
