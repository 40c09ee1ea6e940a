package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
)

// Line is one line of the answer to a terminal. Message names the card, so that an update replaces it.
type Line struct {
	Op      string     `json:"op"` // say, update, whisper or file
	Message string     `json:"message,omitempty"`
	Card    *card.Card `json:"card,omitempty"`
	File    *card.File `json:"file,omitempty"`
}

// Streams are the terminals that wait for an answer at this moment. It is safe for concurrent use.
type Streams struct {
	mu      sync.Mutex
	waiting map[string]*stream
}

// NewStreams has no terminal yet.
func NewStreams() *Streams { return &Streams{waiting: map[string]*stream{}} }

func (s *Streams) open(ref string, w http.ResponseWriter) *stream {
	st := &stream{w: w, ref: ref}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[ref] = st
	return st
}

func (s *Streams) close(ref string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, ref)
}

// At is the conversation with the terminal that asked; every method of it answers [handlers.ErrGone] when it no longer waits.
func (s *Streams) At(a card.Address) handlers.Conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.waiting[a.Channel]; ok {
		return st
	}
	return goneStream{}
}

// writeTime bounds the writing of one line.
const writeTime = 10 * time.Second

type stream struct {
	mu    sync.Mutex
	w     http.ResponseWriter
	ref   string
	n     int
	ended bool
}

func (s *stream) Say(_ context.Context, _ string, c card.Card) (card.Address, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	message := strconv.Itoa(s.n)
	return card.Address{Kind: "terminal", Channel: s.ref, Message: message}, s.write(Line{Op: "say", Message: message, Card: &c})
}

func (s *stream) Update(_ context.Context, at card.Address, c card.Card) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(Line{Op: "update", Message: at.Message, Card: &c})
}

func (s *stream) Whisper(_ context.Context, c card.Card) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(Line{Op: "whisper", Card: &c})
}

func (s *stream) Upload(_ context.Context, f card.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(Line{Op: "file", File: &f})
}

func (s *stream) write(l Line) error {
	if s.ended {
		return handlers.ErrGone
	}
	// A terminal that stopped reading must not hold up whoever answers it. A test's recorder knows no deadline.
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(writeTime))
	if err := json.NewEncoder(s.w).Encode(l); err != nil {
		return handlers.ErrGone
	}
	if err := http.NewResponseController(s.w).Flush(); err != nil {
		return handlers.ErrGone
	}
	return nil
}

// end keeps late answers from a ResponseWriter that is no longer ours.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

type goneStream struct{}

func (goneStream) Say(context.Context, string, card.Card) (card.Address, error) {
	return card.Address{}, handlers.ErrGone
}
func (goneStream) Update(context.Context, card.Address, card.Card) error { return handlers.ErrGone }
func (goneStream) Whisper(context.Context, card.Card) error              { return handlers.ErrGone }
func (goneStream) Upload(context.Context, card.File) error               { return handlers.ErrGone }
