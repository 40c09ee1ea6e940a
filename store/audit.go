package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/store/query"
)

// Entry is one line of the audit log.
type Entry struct {
	Seq int64     `json:"seq"` // from 1, without gaps
	At  time.Time `json:"at"`
	// Kind is what happened: "request", "lease", or what [Store.Note] was given.
	Kind    string          `json:"kind"`
	Actor   string          `json:"actor"`
	Service string          `json:"service"`
	Data    json.RawMessage `json:"data"`
}

// Broken is the first entry of the audit log that is not what was once written.
type Broken struct {
	Seq int64
	Why string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("the audit log is broken at entry %d: %s", b.Seq, b.Why)
}

// auditDomain keeps these hashes apart from all other uses of SHA-256.
const auditDomain = "svcdown audit v1\x00"

// Note appends an entry for what changes no request: a command, a refusal. Data must marshal to JSON and hold no secret.
func (s *Store) Note(ctx context.Context, kind, actor, service string, data any) error {
	return s.tx(ctx, "note "+kind, func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		return s.audit(ctx, q, kind, actor, service, data)
	})
}

// audit appends an entry in the transaction of q. It takes the chain's head last of all locks, so that writers wait for one another and
// never for ever.
func (s *Store) audit(ctx context.Context, q *query.Queries, kind, actor, service string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write the audit entry %s: %w", kind, err)
	}
	head, err := q.LockAuditHead(ctx)
	if err != nil {
		return fmt.Errorf("lock the audit log: %w", err)
	}
	seq := head.Seq + 1
	entry, err := json.Marshal(Entry{Seq: seq, At: s.now().UTC(), Kind: kind, Actor: actor, Service: service, Data: raw})
	if err != nil {
		return fmt.Errorf("write the audit entry %s: %w", kind, err)
	}
	hash := chain(head.Hash, seq, entry)
	if err := q.InsertAudit(ctx, query.InsertAuditParams{Seq: seq, Entry: entry, Prev: head.Hash, Hash: hash}); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	return q.SetAuditHead(ctx, query.SetAuditHeadParams{Seq: seq, Hash: hash})
}

func chain(prev []byte, seq int64, entry []byte) []byte {
	h := sha256.New()
	h.Write([]byte(auditDomain))
	for _, part := range [][]byte{prev, binary.BigEndian.AppendUint64(nil, uint64(seq)), entry} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

// AuditTail returns the n newest entries, newest first, as they were written; it does not verify them.
func (s *Store) AuditTail(ctx context.Context, n int) ([]Entry, error) {
	var out []Entry
	err := s.do(ctx, "read the audit log", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.AuditTail(ctx, int32(n))
		if err != nil {
			return err
		}
		for _, row := range rows {
			var e Entry
			if err := json.Unmarshal(row.Entry, &e); err != nil {
				return &Broken{Seq: row.Seq, Why: "it is no JSON: " + err.Error()}
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

// verifyPage is how many entries one query of a verification reads.
const verifyPage = 1000

// Checkpoint is a head of the audit log that was kept outside of the database.
type Checkpoint struct {
	Seq  int64
	Hash []byte
}

// VerifyAudit recomputes the whole chain and returns how many entries stand. A *[Broken] names the first entry that was changed, removed
// or put in. Someone who rewrites the whole chain with its head is found out only against a head kept elsewhere: see [Store.AuditHead].
func (s *Store) VerifyAudit(ctx context.Context, kept ...Checkpoint) (n int, err error) {
	// The head is read first: entries appended meanwhile lie beyond it.
	seq, hash, err := s.AuditHead(ctx)
	if err != nil {
		return 0, err
	}
	var prev []byte
	for at := int64(0); at < seq; {
		var rows []query.Audit
		err := s.do(ctx, "verify the audit log", func(ctx context.Context, q *query.Queries) error {
			rows, err = q.AuditFrom(ctx, query.AuditFromParams{After: at, Most: verifyPage})
			return err
		})
		if err != nil {
			return n, err
		}
		if len(rows) == 0 {
			return n, &Broken{Seq: at + 1, Why: "it is missing"}
		}
		for _, row := range rows {
			if at == seq {
				break
			}
			at++
			switch {
			case row.Seq != at:
				return n, &Broken{Seq: at, Why: "it is missing"}
			case !bytes.Equal(row.Prev, prev):
				return n, &Broken{Seq: at, Why: "it does not follow the entry before it"}
			case !bytes.Equal(row.Hash, chain(prev, at, row.Entry)):
				return n, &Broken{Seq: at, Why: "its content is not what was hashed"}
			}
			for _, k := range kept {
				if k.Seq == at && !bytes.Equal(k.Hash, row.Hash) {
					return n, &Broken{Seq: at, Why: "its hash is not the one that was kept, so it or an entry before it is another one"}
				}
			}
			prev = row.Hash
			n++
		}
	}
	if !bytes.Equal(prev, hash) {
		return n, &Broken{Seq: seq, Why: "the chain's head is another one"}
	}
	for _, k := range kept {
		if k.Seq < 1 || k.Seq > seq {
			return n, &Broken{Seq: k.Seq, Why: "it was kept outside and is missing"}
		}
	}
	return n, nil
}

// AuditHead returns the number and the hash of the newest entry: a checkpoint to keep outside of the database.
func (s *Store) AuditHead(ctx context.Context) (seq int64, hash []byte, err error) {
	err = s.do(ctx, "read the head of the audit log", func(ctx context.Context, q *query.Queries) error {
		head, err := q.AuditHead(ctx)
		seq, hash = head.Seq, head.Hash
		return err
	})
	return seq, hash, err
}
