package handlers

import (
	"context"
	"fmt"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// Ledger is the audit log as a whole.
type Ledger interface {
	// AuditHead returns the number and the hash of the newest entry; 0 while there is none.
	AuditHead(ctx context.Context) (seq int64, hash []byte, err error)
}

// TellAuditHead is the body of the job that puts the head of the audit log where the database's owner cannot rewrite it: a line a day in the
// ops channel. It may be called much more often.
func (d *Desk) TellAuditHead(ctx context.Context) error {
	ops := d.Catalog().Channels.Ops
	if ops == "" {
		return nil
	}
	seq, hash, err := d.Ledger.AuditHead(ctx)
	if err != nil || seq == 0 {
		return err
	}
	at := d.room(ctx, "", ops)
	if at.Channel == "" {
		return nil // the log has why; tomorrow is another day
	}
	day := d.Now().UTC().Format("2006-01-02")
	if _, err := d.Talk.At(at).Say(ctx, "audit-head:"+day, card.Card{
		Title: redact.Const("Audit log"), State: card.Neutral,
		Verdict: redact.F("Entry %d of the audit log is sha256:%s. Nobody can change what was recorded up to it without this line telling.", seq, fmt.Sprintf("%x", hash)),
		Notes:   []redact.Text{redact.F("check it with: svcdown audit verify --at %d --hash HASH", seq)},
	}); err != nil {
		return fmt.Errorf("tell the head of the audit log: %w", err)
	}
	return nil
}
