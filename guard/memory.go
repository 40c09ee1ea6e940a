package guard

import (
	"bytes"
	"container/heap"
	"context"
	"sync"
	"time"
)

// Memory is a Guard for one process. It holds at most a fixed number of keys and forgets first what would have expired first.
type Memory struct {
	now func() time.Time
	max int

	mu      sync.Mutex
	entries map[string]*entry
	queue   expiry
}

// NewMemory makes a Memory for at most max keys (at least 1); now is the clock.
func NewMemory(max int, now func() time.Time) *Memory {
	if max < 1 {
		max = 1
	}
	return &Memory{now: now, max: max, entries: map[string]*entry{}}
}

type entry struct {
	key     string
	value   []byte
	tat     time.Time // theoretical arrival time: when a rate is back at rest
	expires time.Time
	place   int // in the queue
}

// Seen is part of [Guard]; it never errors but for a bad ttl.
func (m *Memory) Seen(_ context.Context, key string, ttl time.Duration) (bool, error) {
	if err := checkTTL(ttl); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if m.live("seen:"+key, now) != nil {
		return true, nil
	}
	m.put(&entry{key: "seen:" + key, expires: now.Add(ttl)}, now)
	return false, nil
}

// Allow is part of [Guard]; it never errors but for a bad rate.
func (m *Memory) Allow(_ context.Context, key string, rate Rate) (bool, time.Duration, error) {
	if err := checkRate(rate); err != nil {
		return false, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	tat := now
	if e := m.live("rate:"+key, now); e != nil {
		tat = e.tat
	}
	next := tat.Add(rate.interval())
	if early := next.Add(-rate.interval() * time.Duration(rate.burst())).Sub(now); early > 0 {
		return false, early, nil
	}
	m.put(&entry{key: "rate:" + key, tat: next, expires: next}, now)
	return true, 0, nil
}

// Remember is part of [Guard]; it keeps a copy.
func (m *Memory) Remember(_ context.Context, key string, value []byte, ttl time.Duration) error {
	if err := checkValue(value, ttl); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.put(&entry{key: "value:" + key, value: bytes.Clone(value), expires: now.Add(ttl)}, now)
	return nil
}

// Recall is part of [Guard]; it returns a copy and never errors.
func (m *Memory) Recall(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live("value:"+key, m.now())
	if e == nil {
		return nil, false, nil
	}
	return bytes.Clone(e.value), true, nil
}

func (m *Memory) live(key string, now time.Time) *entry {
	if e := m.entries[key]; e != nil && now.Before(e.expires) {
		return e
	}
	return nil
}

func (m *Memory) put(e *entry, now time.Time) {
	if old := m.entries[e.key]; old != nil {
		heap.Remove(&m.queue, old.place)
		delete(m.entries, e.key)
	}
	for len(m.queue) > 0 && (len(m.queue) >= m.max || !now.Before(m.queue[0].expires)) {
		delete(m.entries, heap.Pop(&m.queue).(*entry).key)
	}
	m.entries[e.key] = e
	heap.Push(&m.queue, e)
}

// expiry is a heap: what expires first stands first.
type expiry []*entry

func (q expiry) Len() int           { return len(q) }
func (q expiry) Less(i, j int) bool { return q[i].expires.Before(q[j].expires) }
func (q expiry) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].place, q[j].place = i, j }
func (q *expiry) Push(x any)        { e := x.(*entry); e.place = len(*q); *q = append(*q, e) }
func (q *expiry) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
